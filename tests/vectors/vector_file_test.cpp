#include "vectors/vector_file.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;

/// Row i of width 3.
std::vector<float> row(int i) { return {static_cast<float>(i), 0.5f, -1}; }

class VectorFileTest : public testing::TestWithParam<VectorFormat> {
 protected:
  VectorLayout layout() const { return {GetParam(), 3, {{"compute", "f32"}}}; }
  fs::path path(const std::string& name) const { return folder.path() / name; }

  /// A file of rows, flushed after every third one.
  void write(const fs::path& output, int rows) const {
    VectorFile file(output, layout());
    for (int i = 0; i < rows; ++i) {
      file.add(i, row(i));
      if (i % 3 == 2) file.flush();
    }
    file.flush();
    file.complete();
    VectorFile::publish(output, GetParam());
  }

  test::TemporaryFolder folder;
};

TEST_P(VectorFileTest, GoesOnFromAnyFlush) {
  write(path("whole"), 10);
  VectorFileSize size;
  Hash128 hash;
  {
    VectorFile file(path("v"), layout());
    for (int i = 0; i < 5; ++i) file.add(i, row(i));
    hash = file.flush();
    size = file.size();
    file.add(99, row(99));  // lost
    file.flush();
    file.add(98, row(98));  // never written
  }
  EXPECT_EQ(size.rows, 5);
  const VectorFileCheck check(path("v"), GetParam());
  const VectorFileSize beginning{0, layout().head_size(), 0};
  EXPECT_EQ(check.hash(beginning, size), hash);
  EXPECT_EQ(check.hash(beginning, {1, size.bytes + 1'000'000, size.id_bytes}), std::nullopt);
  VectorFile file(path("v"), layout(), size);
  for (int i = 5; i < 10; ++i) file.add(i, row(i));
  file.flush();
  file.complete();
  EXPECT_FALSE(fs::exists(path("v")));
  VectorFile::publish(path("v"), GetParam());
  EXPECT_EQ(read_file(path("v")), read_file(path("whole")));
  EXPECT_FALSE(fs::exists(VectorFile::partial_path(path("v"))));
  EXPECT_FALSE(fs::exists(VectorFile::partial_ids_path(path("v"))));
}

TEST_P(VectorFileTest, RefusesToGoOnFromMoreThanThereIs) {
  { VectorFile file(path("v"), layout()); }
  EXPECT_THAT(
      [&] {
        VectorFile(path("v"), layout(), {9, 1000, 0});
      },
      testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("expected at least")));
}

INSTANTIATE_TEST_SUITE_P(Formats, VectorFileTest,
                         testing::Values(VectorFormat::npy, VectorFormat::jsonl, VectorFormat::safetensors));

TEST(VectorFile, SafetensorsIsRead) {
  const test::TemporaryFolder folder;
  const fs::path output = folder.path() / "v.safetensors";
  VectorFile file(output, {VectorFormat::safetensors, 3, {{"compute", "f32"}}});
  for (int i = 0; i < 3; ++i) file.add("id " + std::to_string(i), row(i));
  file.flush();
  file.complete();
  VectorFile::publish(output, VectorFormat::safetensors);
  const tensor::SafetensorsFile read(output);
  const auto values = read.find("embeddings")->as<float>();
  EXPECT_EQ(read.find("embeddings")->shape, tensor::Shape({3, 3}));
  EXPECT_EQ(std::vector<float>(values.begin() + 6, values.end()), row(2));
  const auto ids = read.find("ids")->as<std::uint8_t>();
  EXPECT_EQ(std::string(ids.begin(), ids.end()), "id 0\nid 1\nid 2\n");
  EXPECT_EQ(read.metadata().at("compute"), "f32");
}

TEST(VectorFile, AnotherLayoutIsNotReopened) {
  const test::TemporaryFolder folder;
  const fs::path output = folder.path() / "v.npy";
  const VectorLayout layout{VectorFormat::npy, 3};
  VectorFile file(output, layout);
  file.add(0, row(0));
  file.flush();
  file.complete();
  VectorFile::publish(output, layout.format);
  EXPECT_EQ(VectorFile::reopen(output, layout, 1).rows, 1);
  EXPECT_THAT([&] { VectorFile::reopen(output, layout, 2); },
              testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("expected 152 for 2 rows")));
  EXPECT_THAT(
      [&] {
        VectorFile::reopen(output, {VectorFormat::npy, 4}, 1);
      },
      testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("has 140 bytes, expected 144")));
}

}  // namespace
}  // namespace e5v::vectors
