#include "tensor/safetensors_writer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "golden.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"

namespace e5v::tensor {
namespace {

using e5v::test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(SafetensorsWriter, RoundTripOfGolden) {
  const TemporaryFolder folder;
  const SafetensorsFile original(e5v::test::golden("ckpt/tiny-small-f32/model.safetensors"));
  std::vector<TensorSpec> specs;
  for (const auto& [name, view] : original.tensors()) specs.push_back({name, view.dtype, view.shape});
  const auto path = folder.path() / "copy.safetensors";
  SafetensorsWriter writer(path, specs, original.metadata());
  for (const auto& [name, view] : original.tensors()) {
    const auto half = view.bytes().size() / 2;  // in two pieces
    writer.write(name, view.bytes().first(half));
    writer.write(name, view.bytes().subspan(half));
  }
  writer.finish();
  const SafetensorsFile copy(path);
  EXPECT_EQ(copy.metadata(), original.metadata());
  ASSERT_EQ(copy.tensors().size(), original.tensors().size());
  for (const auto& [name, view] : original.tensors()) {
    const TensorView* found = copy.find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->dtype, view.dtype);
    EXPECT_EQ(found->shape, view.shape);
    EXPECT_TRUE(std::equal(view.bytes().begin(), view.bytes().end(), found->bytes().begin())) << name;
  }
}

TEST(SafetensorsWriter, EveryDtypeEmptyTensorsAndAlignment) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  std::vector<TensorSpec> specs{{"none", DType::f64, {0}}};
  for (const DType type : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16,
                           DType::i8, DType::u8, DType::boolean}) {
    specs.push_back({"t " + std::string(name_of(type)) + " \"\xC3\xA9\"\n", type, {8}});
  }
  specs.push_back({"last", DType::f32, {2, 0}});
  SafetensorsWriter writer(path, specs, {{"key", "value \"quoted\""}});
  for (const TensorSpec& spec : specs) {
    const std::vector<std::byte> data(static_cast<std::size_t>(spec.shape.elements() * size_of(spec.dtype)),
                                      std::byte{7});
    if (spec.name != "last") writer.write(spec.name, data);  // nothing needs to be written of an empty tensor
  }
  writer.finish();
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("key"), "value \"quoted\"");
  for (const TensorSpec& spec : specs) {
    ASSERT_NE(file.find(spec.name), nullptr) << spec.name;
    EXPECT_EQ(file.find(spec.name)->dtype, spec.dtype);
    EXPECT_EQ(file.find(spec.name)->shape, spec.shape);
    EXPECT_THAT(file.find(spec.name)->bytes(), testing::Each(std::byte{7}));
  }
  const std::string content = read_file(path);
  // The length field's two lower bytes: the data behind the header starts at a cache line.
  EXPECT_EQ((8 + static_cast<unsigned char>(content[0]) + 256 * static_cast<unsigned char>(content[1])) % 64, 0);
}

TEST(SafetensorsWriter, InterruptedLeavesNothing) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.safetensors", "old content");
  {
    SafetensorsWriter writer(path, {{"a", DType::u8, {4}}, {"b", DType::u8, {4}}});
    writer.write("a", bytes_of("1234"));
    writer.write("b", bytes_of("12"));
    EXPECT_TRUE(std::filesystem::exists(path.string() + ".tmp"));
    EXPECT_THAT([&] { writer.finish(); }, ThrowsMessage<InvalidInput>(HasSubstr("\"b\" is not complete")));
  }
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
  EXPECT_EQ(read_file(path), "old content");
}

TEST(SafetensorsWriter, ReplacesOnlyWhenFinished) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.safetensors", "old content");
  SafetensorsWriter writer(path, {{"a", DType::u8, {4}}});
  writer.write("a", bytes_of("1234"));
  EXPECT_EQ(read_file(path), "old content");
  writer.finish();
  EXPECT_THAT(SafetensorsFile(path).find("a")->as<std::uint8_t>(), ElementsAre('1', '2', '3', '4'));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
  EXPECT_THAT([&] { writer.write("a", {}); }, ThrowsMessage<InvalidInput>(HasSubstr("is finished already")));
  EXPECT_THAT([&] { writer.finish(); }, ThrowsMessage<InvalidInput>(HasSubstr("is finished already")));
}

TEST(SafetensorsWriter, ChecksOrderAndSizes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  SafetensorsWriter writer(path, {{"a", DType::f32, {1}}, {"b", DType::u8, {4}}});
  EXPECT_THAT([&] { writer.write("b", bytes_of("1")); },
              ThrowsMessage<InvalidInput>(
                  AllOf(HasSubstr(path.string()), HasSubstr("expected the rest of \"a\", found \"b\""))));
  EXPECT_THAT([&] { writer.write("a", bytes_of("12345")); },
              ThrowsMessage<InvalidInput>(HasSubstr("\"a\" takes 4 bytes, found 5")));
  writer.write("a", bytes_of("1234"));
  EXPECT_THAT([&] { writer.write("a", bytes_of("5")); }, ThrowsMessage<InvalidInput>(HasSubstr("found 5")));
  writer.write("b", bytes_of("1234"));
  EXPECT_THAT([&] { writer.write("c", bytes_of("1")); },
              ThrowsMessage<InvalidInput>(HasSubstr("\"c\" comes after the last tensor")));
}

TEST(SafetensorsWriter, ChecksNamesAndPlace) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  const TensorSpec a{"a", DType::u8, {1}};
  EXPECT_THAT(
      [&] {
        SafetensorsWriter writer(path, {a, a});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("two tensors are called \"a\"")));
  EXPECT_THAT(
      [&] {
        SafetensorsWriter writer(path, {{"__metadata__", DType::u8, {1}}});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("called \"__metadata__\"")));
  EXPECT_THAT(
      [&] {
        SafetensorsWriter writer(path, {{"\xFF", DType::u8, {1}}});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("not valid UTF-8")));
  EXPECT_THAT([&] { SafetensorsWriter writer(folder.path() / "no" / "x", {a}); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot be created: No such file")));
  EXPECT_THAT([&] { SafetensorsWriter writer("/dev/full/x", {a}); },
              ThrowsMessage<InvalidInput>(HasSubstr("/dev/full")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace e5v::tensor
