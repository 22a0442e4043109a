#include "embed/vector_file.h"

#include <gmock/gmock.h>

#include <limits>

#include "base/file.h"
#include "embed/vector_sink.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"

namespace e5v::embed {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(VectorFormat, ByEnding) {
  EXPECT_EQ(format_of("a/b.npy"), VectorFormat::npy);
  EXPECT_EQ(format_of("b.tar.jsonl"), VectorFormat::jsonl);
  EXPECT_EQ(format_of("b.safetensors"), VectorFormat::safetensors);
  for (const char* other : {"b", "b.NPY", "npy", ".npy", "b.npz", ""})
    EXPECT_EQ(format_of(other), std::nullopt) << other;
}

TEST(VectorFormat, NumbersReadBackAsTheSameFloats) {
  const std::vector<float> values{0.1f, -0.0f, 1e-38f, 1.17549435e-38f, 3.4028235e38f, 1.0f / 3, 16777216, 5e-45f};
  std::string line;
  append_json_row("é\"", values, line);
  const Json json = Json::parse(line);
  EXPECT_EQ(json.at("id"), "é\"");
  EXPECT_EQ(json.at("embedding").get<std::vector<float>>(), values);
  EXPECT_EQ(line.back(), '\n');
}

TEST(VectorFormat, HeadsHaveTheirSizeBeforehand) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 8;
  for (const VectorFormat format : {VectorFormat::npy, VectorFormat::jsonl, VectorFormat::safetensors}) {
    const VectorLayout layout{format, 1, {{"prompt", "a \"quoted\" one\xff"}}};
    for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000}, kMost}) {
      EXPECT_EQ(static_cast<std::int64_t>(layout.head(rows, rows).size()), layout.head_size());
    }
    EXPECT_EQ(layout.head_size() % 64, 0);
  }
}

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
      ThrowsMessage<InvalidInput>(HasSubstr("expected at least")));
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

class FileSinkTest : public testing::Test {
 protected:
  const VectorLayout layout{VectorFormat::npy, 3, {}};
  const RunIdentity identity{{"the weights", "one"}};

  /// Two batches, and then no more.
  void begin() const {
    FileSink sink(output, layout, identity, Existing::refuse);
    for (int batch = 1; batch <= 2; ++batch) {
      sink.add(batch, row(batch));
      sink.commit({batch, 0, {1, static_cast<std::uint64_t>(batch)}});
    }
    sink.add(99, row(99));
  }
  bool is_complete(Existing existing) const { return FileSink::is_complete(output, layout.format, existing); }

  test::TemporaryFolder folder;
  const fs::path output = folder.path() / "v.npy";
};

TEST_F(FileSinkTest, GoesOnBehindTheLastBatch) {
  begin();
  EXPECT_FALSE(is_complete(Existing::resume));
  FileSink sink(output, layout, identity, Existing::resume);
  EXPECT_EQ(sink.position().items, 2);
  EXPECT_EQ(sink.position().source, (Hash128{1, 2}));
  sink.add(3, row(3));
  sink.commit({3, 0, {}});
  sink.finish();
  EXPECT_EQ(read_file(VectorFile::ids_path(output)), "1\n2\n3\n");
  EXPECT_TRUE(is_complete(Existing::resume));
}

TEST_F(FileSinkTest, RefusesAnotherIdentityAndKeepsWhatIsThere) {
  begin();
  EXPECT_THAT(
      [&] {
        FileSink(output, layout, {{"the weights", "two"}}, Existing::resume);
      },
      ThrowsMessage<InvalidInput>(HasSubstr("the weights was \"one\", now it is \"two\"")));
  EXPECT_EQ(FileSink(output, layout, identity, Existing::resume).position().items, 2);
}

TEST_F(FileSinkTest, RefusesWhatExists) {
  begin();
  EXPECT_THAT([&] { is_complete(Existing::refuse); }, ThrowsMessage<InvalidInput>(HasSubstr("--resume goes on")));
  EXPECT_FALSE(is_complete(Existing::replace));
  { FileSink sink(output, layout, identity, Existing::replace); }  // nothing committed: nothing stays
  EXPECT_FALSE(is_complete(Existing::refuse));
  EXPECT_TRUE(fs::is_empty(folder.path()));
  folder.write("v.npy", "old");
  EXPECT_THAT([&] { is_complete(Existing::refuse); }, ThrowsMessage<InvalidInput>(HasSubstr("exists already")));
}

TEST_F(FileSinkTest, ACrashBetweenTheRenamesIsMended) {
  begin();
  FileSink(output, layout, identity, Existing::resume).finish();
  const std::string rows = read_file(output), ids = read_file(VectorFile::ids_path(output));
  fs::remove(output);
  begin();
  {
    Journal journal(output);
    const Journal::Record record = *journal.read();
    VectorFile file(output, layout, record.commits.back().size);
    file.complete();
    journal.complete();
  }
  fs::rename(VectorFile::partial_ids_path(output), VectorFile::ids_path(output));
  EXPECT_TRUE(is_complete(Existing::resume));
  EXPECT_EQ(read_file(output), rows);
  EXPECT_EQ(read_file(VectorFile::ids_path(output)), ids);
  EXPECT_FALSE(fs::exists(Journal::path_of(output)));
}

TEST_F(FileSinkTest, OneWriterAtATime) {
  const FileSink first(output, layout, identity, Existing::refuse);
  EXPECT_THAT([&] { FileSink(output, layout, identity, Existing::replace); },
              ThrowsMessage<InvalidInput>(HasSubstr("another process is writing")));
}

}  // namespace
}  // namespace e5v::embed
