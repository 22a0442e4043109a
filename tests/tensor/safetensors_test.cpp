#include "tensor/safetensors.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "golden.h"
#include "temporary_folder.h"

namespace e5v::tensor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

/// A file of that header with `data_bytes` of data behind it.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  file += header;
  for (std::size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i);
  return file;
}

void parse(const std::string& file) { parse_safetensors(std::as_bytes(std::span(file)), "weights.safetensors"); }

void expect_error(const std::string& file, const std::string& message) {
  EXPECT_THAT([&] { parse(file); },
              ThrowsMessage<ModelError>(AllOf(StartsWith("[weights.safetensors] "), HasSubstr(message))))
      << file.substr(0, 200);
}

void expect_header_error(const std::string& header, std::size_t data_bytes, const std::string& message) {
  expect_error(file_of(header, data_bytes), message);
}

TEST(Safetensors, ReadsWhatItSays) {
  const std::string file =
      file_of(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},)"
              R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
              R"("empty":{"dtype":"I64","shape":[0,3],"data_offsets":[10,10]},)"
              R"("scalar":{"dtype":"BOOL","shape":[],"data_offsets":[10,11]}}   )",
              11);
  const SafetensorsContent content = parse_safetensors(std::as_bytes(std::span(file)), "x");
  ASSERT_EQ(content.tensors.size(), 4u);
  EXPECT_EQ(content.metadata.at("format"), "pt");
  EXPECT_EQ(content.tensors.find("a")->second.dtype, DType::f32);
  EXPECT_EQ(content.tensors.find("a")->second.shape, (Shape{2, 1}));
  EXPECT_THAT(content.tensors.find("b")->second.as<std::uint8_t>(), ElementsAre(8, 9));
  EXPECT_EQ(content.tensors.find("empty")->second.shape, (Shape{0, 3}));
  EXPECT_THAT(content.tensors.find("scalar")->second.bytes(), ElementsAre(std::byte{10}));
}

TEST(Safetensors, EveryDtype) {
  const std::pair<const char*, DType> types[] = {
      {"F64", DType::f64}, {"F32", DType::f32}, {"F16", DType::f16}, {"BF16", DType::bf16}, {"I64", DType::i64},
      {"I32", DType::i32}, {"I16", DType::i16}, {"I8", DType::i8},   {"U8", DType::u8},     {"BOOL", DType::boolean}};
  for (const auto& [name, dtype] : types) {
    const std::string bytes = std::to_string(size_of(dtype) * 3);
    const std::string file =
        file_of("{\"t\":{\"dtype\":\"" + std::string(name) + "\",\"shape\":[3],\"data_offsets\":[0," + bytes + "]}}",
                static_cast<std::size_t>(size_of(dtype) * 3));
    EXPECT_EQ(parse_safetensors(std::as_bytes(std::span(file)), "x").tensors.find("t")->second.dtype, dtype);
  }
}

TEST(Safetensors, LyingLength) {
  expect_error("", "found only 0 bytes");
  expect_error("1234567", "found only 7 bytes");
  const std::string good = file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4);
  for (std::size_t size = 8; size < good.size(); ++size) {
    EXPECT_THROW(parse(good.substr(0, size)), ModelError) << size;
  }
  expect_error(good.substr(0, 30), "the header claims 53 bytes, the file has 22 after the length");
  std::string huge = good;
  huge.replace(0, 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
  expect_error(huge, "the header claims 18446744073709551615 bytes, the limit is 100000000");
  expect_header_error("", 8, "does not begin with '{'");
  expect_header_error(" {}", 0, "does not begin with '{'");
  expect_error("<!DOCTYPE html><html></html>", "not a safetensors file?");
}

TEST(Safetensors, LyingJson) {
  const std::string entry = R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  expect_header_error("{\"a\":", 2, "the header is not JSON");
  expect_header_error("{\"a\":" + entry + "} x", 2, "the header is not JSON");
  expect_header_error("{\"a\":" + entry + "}" + std::string("\0 x", 3), 2, "NUL byte");
  expect_header_error("{\"\xFF\":" + entry + "}", 2, "the header is not JSON");
  expect_header_error("{\"a\":" + entry + ",\"a\":" + entry + "}", 2, "the header names \"a\" twice");
  expect_header_error(R"({"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}})", 2,
                      "names \"dtype\" twice");
  expect_header_error("{" + std::string(10, ' ') + "\"a\":" + std::string(100'000, '['), 0, "nested too deeply");
  expect_header_error(R"({"a":[1]})", 0, "tensor \"a\": expected an object, found array");
  expect_header_error(R"({"__metadata__":{"a":1}})", 0, "expected \"__metadata__\" to be an object of strings");
  expect_header_error(R"({"__metadata__":"a"})", 0, "expected \"__metadata__\" to be an object of strings");
}

TEST(Safetensors, LyingDtype) {
  expect_header_error(R"({"a":{"shape":[2],"data_offsets":[0,2]}})", 2, "tensor \"a\": expected a \"dtype\" string");
  expect_header_error(R"({"a":{"dtype":8,"shape":[2],"data_offsets":[0,2]}})", 2, "expected a \"dtype\" string");
  expect_header_error(R"({"a":{"dtype":"F8_E5M2","shape":[2],"data_offsets":[0,2]}})", 2,
                      "tensor \"a\" has the unsupported dtype \"F8_E5M2\"");
}

TEST(Safetensors, LyingShape) {
  const auto with_shape = [](const std::string& shape) {
    return R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,8]}})";
  };
  const char* expected = "tensor \"a\": expected a \"shape\" list of non-negative integers";
  for (const char* shape :
       {"2", "[-2]", "[2.0]", "[\"2\"]", "[null]", "[9223372036854775808]", "[18446744073709551616]"}) {
    expect_header_error(with_shape(shape), 8, expected);
  }
  expect_header_error(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, expected);
  expect_header_error(with_shape("[1,1,1,1,1,1,2]"), 8, "has 7 axes, at most 6 are supported");
  expect_header_error(with_shape("[4294967296,4294967296]"), 8, "the shape [4294967296, 4294967296] overflows");
  expect_header_error(with_shape("[2305843009213693952]"), 8, "overflows");
  expect_header_error(with_shape("[0,4611686018427387904,4]"), 8, "overflows");
  expect_header_error(with_shape("[3]"), 8, "f32 [3] takes 12 bytes, its offsets span 8");
  expect_header_error(with_shape("[0]"), 8, "f32 [0] takes 0 bytes, its offsets span 8");
}

TEST(Safetensors, LyingOffsets) {
  const auto with_offsets = [](const std::string& offsets) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets + "}}";
  };
  for (const char* offsets : {"[0]", "[0,4,8]", "[-4,0]", "[0,4.0]", "\"0,4\"", "[0,99999999999999999999]"}) {
    expect_header_error(with_offsets(offsets), 4, "expected \"data_offsets\" of two non-negative integers");
  }
  expect_header_error(R"({"a":{"dtype":"U8","shape":[4]}})", 4, "expected \"data_offsets\"");
  expect_header_error(with_offsets("[4,0]"), 4, "tensor \"a\" ends at 0, before its begin 4");
  expect_header_error(with_offsets("[0,4]"), 3, "tensor \"a\" ends at 4, the file holds 3 bytes of data");
  expect_header_error(with_offsets("[9223372036854775803,9223372036854775807]"), 4, "ends at 9223372036854775807");
  expect_header_error(with_offsets("[0,3]"), 4, "takes 4 bytes, its offsets span 3");
}

TEST(Safetensors, OverlapsAndHoles) {
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  EXPECT_NO_THROW(parse(file_of(two("[4,8]", "[0,4]"), 8)));
  expect_header_error(two("[0,4]", "[0,4]"), 4, "tensor \"b\" begins at 0 and overlaps another that ends at 4");
  expect_header_error(two("[0,4]", "[2,6]"), 6, "tensor \"b\" begins at 2 and overlaps another that ends at 4");
  expect_header_error(two("[0,4]", "[6,10]"), 10, "2 bytes before tensor \"b\" belong to no tensor");
  expect_header_error(two("[1,5]", "[5,9]"), 9, "1 bytes before tensor \"a\" belong to no tensor");
  expect_header_error(two("[0,4]", "[4,8]"), 11, "the last 3 bytes of 11 belong to no tensor");
  expect_header_error("{}", 5, "the last 5 bytes of 5 belong to no tensor");
}

TEST(Safetensors, MessagesStayOnOneLine) {
  try {
    parse(file_of(R"({"a\nb\u0007":{"dtype":"x\ny","shape":[4],"data_offsets":[0,4]}})", 4));
    ADD_FAILURE() << "no exception";
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), AllOf(testing::Not(HasSubstr("\n")), HasSubstr(R"("a\x0ab\x07")")));
  }
}

TEST(SafetensorsFile, ReadsGoldens) {
  const SafetensorsFile file(e5v::test::golden("ckpt/tiny-small-f32/model.safetensors"));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const TensorView* patches = file.find("vision_tower.vision_model.embeddings.patch_embedding.weight");
  ASSERT_NE(patches, nullptr);
  EXPECT_EQ(patches->shape, (Shape{64, 3, 14, 14}));
  EXPECT_EQ(file.find("no such tensor"), nullptr);
  for (const auto& [name, view] : file.tensors()) EXPECT_TRUE(all_finite(view)) << name;
}

TEST(SafetensorsFile, ViewsSurviveMovesAndRelease) {
  const auto path = e5v::test::golden("ckpt/tiny-small-f32/model.safetensors");
  SafetensorsFile file(path);
  const TensorView view = *file.find("language_model.model.embed_tokens.weight");
  const std::vector<float> before(view.as<float>().begin(), view.as<float>().end());
  file.release(view);
  std::vector<SafetensorsFile> files;
  files.push_back(std::move(file));
  files.emplace_back(path);
  EXPECT_EQ(files[0].find("language_model.model.embed_tokens.weight")->data, view.data);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), view.as<float>().begin()));
  // Memory that is not the file's must keep its contents.
  Tensor own(DType::f32, {1 << 16});
  std::fill(own.as<float>().begin(), own.as<float>().end(), 3.0f);
  files[0].release(own.view());
  EXPECT_THAT(own.as<float>(), testing::Each(3.0f));
}

TEST(SafetensorsFile, AlignsUnalignedTensors) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.write("odd.safetensors", file_of(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                                            R"("b":{"dtype":"I64","shape":[2],"data_offsets":[3,19]},)"
                                                            R"("e":{"dtype":"F32","shape":[0],"data_offsets":[3,3]}})",
                                                            19));
  const SafetensorsFile file(path);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.find("b")->data) % 8, 0u);
  EXPECT_THAT(file.find("b")->as<std::int64_t>(), ElementsAre(0x0A09080706050403, 0x1211100F0E0D0C0B));
  EXPECT_THAT(file.find("a")->as<std::uint8_t>(), ElementsAre(0, 1, 2));
  file.release(*file.find("b"));
  EXPECT_EQ(file.find("b")->as<std::int64_t>()[0], 0x0A09080706050403);
}

TEST(SafetensorsFile, NamesTheFile) {
  const e5v::test::TemporaryFolder folder;
  const auto missing = folder.path() / "missing.safetensors";
  EXPECT_THAT([&] { SafetensorsFile file(missing); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr(missing.string()), HasSubstr("No such file"))));
  const auto empty = folder.write("empty.safetensors", "");
  EXPECT_THAT([&] { SafetensorsFile file(empty); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr(empty.string()), HasSubstr("is empty"))));
  EXPECT_THAT([&] { SafetensorsFile file(folder.path()); }, ThrowsMessage<ModelError>(HasSubstr("is a folder")));
  const auto broken = folder.write("broken.safetensors", file_of("{\"a\"", 0));
  EXPECT_THAT([&] { SafetensorsFile file(broken); },
              ThrowsMessage<ModelError>(StartsWith("[" + broken.string() + "]")));
}

}  // namespace
}  // namespace e5v::tensor
