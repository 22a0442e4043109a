#include "runs/vector_sink.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <limits>

#include "base/file.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"
#include "vectors/vector_file.h"

namespace e5v::runs {

using namespace vectors;
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(vectors::VectorFormat, ByEnding) {
  EXPECT_EQ(vectors::format_of("a/b.npy"), vectors::VectorFormat::npy);
  EXPECT_EQ(vectors::format_of("b.tar.jsonl"), vectors::VectorFormat::jsonl);
  EXPECT_EQ(vectors::format_of("b.safetensors"), vectors::VectorFormat::safetensors);
  for (const char* other : {"b", "b.NPY", "npy", ".npy", "b.npz", ""})
    EXPECT_EQ(vectors::format_of(other), std::nullopt) << other;
}

TEST(vectors::VectorFormat, NumbersReadBackAsTheSameFloats) {
  const std::vector<float> values{0.1f, -0.0f, 1e-38f, 1.17549435e-38f, 3.4028235e38f, 1.0f / 3, 16777216, 5e-45f};
  std::string line;
  vectors::append_json_row("é\"", values, line);
  const Json json = Json::parse(line);
  EXPECT_EQ(json.at("id"), "é\"");
  EXPECT_EQ(json.at("embedding").get<std::vector<float>>(), values);
  EXPECT_EQ(line.back(), '\n');
}

TEST(vectors::VectorFormat, HeadsHaveTheirSizeBeforehand) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 8;
  for (const vectors::VectorFormat format :
       {vectors::VectorFormat::npy, vectors::VectorFormat::jsonl, vectors::VectorFormat::safetensors}) {
    const vectors::VectorLayout layout{format, 1, {{"prompt", "a \"quoted\" one\xff"}}};
    for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000}, kMost}) {
      EXPECT_EQ(static_cast<std::int64_t>(layout.head(rows, rows).size()), layout.head_size());
    }
    EXPECT_EQ(layout.head_size() % 64, 0);
  }
}

/// Row i of width 3.
std::vector<float> row(int i) { return {static_cast<float>(i), 0.5f, -1}; }

class VectorFileTest : public testing::TestWithParam<vectors::VectorFormat> {
 protected:
  vectors::VectorLayout layout() const { return {GetParam(), 3, {{"compute", "f32"}}}; }
  fs::path path(const std::string& name) const { return folder.path() / name; }

  /// A file of rows, flushed after every third one.
  void write(const fs::path& output, int rows) const {
    vectors::VectorFile file(output, layout());
    for (int i = 0; i < rows; ++i) {
      file.add(i, row(i));
      if (i % 3 == 2) file.flush();
    }
    file.flush();
    file.complete();
    vectors::VectorFile::publish(output, GetParam());
  }

  test::TemporaryFolder folder;
};

TEST_P(VectorFileTest, GoesOnFromAnyFlush) {
  write(path("whole"), 10);
  vectors::VectorFileSize size;
  Hash128 hash;
  {
    vectors::VectorFile file(path("v"), layout());
    for (int i = 0; i < 5; ++i) file.add(i, row(i));
    hash = file.flush();
    size = file.size();
    file.add(99, row(99));  // lost
    file.flush();
    file.add(98, row(98));  // never written
  }
  EXPECT_EQ(size.rows, 5);
  const vectors::VectorFileCheck check(path("v"), GetParam());
  const vectors::VectorFileSize beginning{0, layout().head_size(), 0};
  EXPECT_EQ(check.hash(beginning, size), hash);
  EXPECT_EQ(check.hash(beginning, {1, size.bytes + 1'000'000, size.id_bytes}), std::nullopt);
  vectors::VectorFile file(path("v"), layout(), size);
  for (int i = 5; i < 10; ++i) file.add(i, row(i));
  file.flush();
  file.complete();
  EXPECT_FALSE(fs::exists(path("v")));
  vectors::VectorFile::publish(path("v"), GetParam());
  EXPECT_EQ(read_file(path("v")), read_file(path("whole")));
  EXPECT_FALSE(fs::exists(vectors::VectorFile::partial_path(path("v"))));
  EXPECT_FALSE(fs::exists(vectors::VectorFile::partial_ids_path(path("v"))));
}

TEST_P(VectorFileTest, RefusesToGoOnFromMoreThanThereIs) {
  { vectors::VectorFile file(path("v"), layout()); }
  EXPECT_THAT(
      [&] {
        vectors::VectorFile(path("v"), layout(), {9, 1000, 0});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("expected at least")));
}

INSTANTIATE_TEST_SUITE_P(Formats, VectorFileTest,
                         testing::Values(vectors::VectorFormat::npy, vectors::VectorFormat::jsonl,
                                         vectors::VectorFormat::safetensors));

TEST(vectors::VectorFile, SafetensorsIsRead) {
  const test::TemporaryFolder folder;
  const fs::path output = folder.path() / "v.safetensors";
  vectors::VectorFile file(output, {vectors::VectorFormat::safetensors, 3, {{"compute", "f32"}}});
  for (int i = 0; i < 3; ++i) file.add("id " + std::to_string(i), row(i));
  file.flush();
  file.complete();
  vectors::VectorFile::publish(output, vectors::VectorFormat::safetensors);
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
  static vectors::VectorOrigin origin_of(const std::string& weights) {
    return {weights, "p", "f32+l2/1", "sts", 3, 0, {}};
  }

  /// Item `number` is row `number`, and the hash of the items up to it has that in it.
  static void add(FileSink& sink, int number) {
    sink.add(number, row(number));
    sink.commit({number, 0, {1, static_cast<std::uint64_t>(number)}});
  }

  /// Two batches, and then no more.
  void begin() const {
    FileSink sink(output, origin, Existing::refuse);
    add(sink, 1);
    add(sink, 2);
    sink.add(99, row(99));
  }
  Found look(Existing existing) const { return look_for_output(output, *vectors::format_of(output), existing); }

  const vectors::VectorOrigin origin = origin_of("one");
  test::TemporaryFolder folder;
  fs::path output = folder.path() / "v.npy";
};

TEST_F(FileSinkTest, GoesOnBehindTheLastBatch) {
  begin();
  EXPECT_EQ(look(Existing::resume), Found::part);
  FileSink sink(output, origin, Existing::resume);
  EXPECT_EQ(sink.position().items, 2);
  EXPECT_EQ(sink.position().source, (Hash128{1, 2}));
  add(sink, 3);
  sink.finish();
  EXPECT_EQ(read_file(vectors::VectorFile::ids_path(output)), "1\n2\n3\n");
  EXPECT_EQ(look(Existing::resume), Found::complete);
}

TEST_F(FileSinkTest, RefusesAnotherIdentityAndKeepsWhatIsThere) {
  begin();
  EXPECT_THAT([&] { FileSink(output, origin_of("two"), Existing::resume); },
              ThrowsMessage<InvalidInput>(HasSubstr("the model's weights was \"one\", now it is \"two\"")));
  EXPECT_EQ(FileSink(output, origin, Existing::resume).position().items, 2);
}

TEST_F(FileSinkTest, RefusesWhatExists) {
  begin();
  EXPECT_THAT([&] { look(Existing::refuse); }, ThrowsMessage<InvalidInput>(HasSubstr("option resume goes on")));
  EXPECT_EQ(look(Existing::replace), Found::room);
  { FileSink sink(output, origin, Existing::replace); }  // nothing committed: nothing stays
  EXPECT_EQ(look(Existing::refuse), Found::room);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  folder.write("v.npy", "old");
  EXPECT_THAT([&] { look(Existing::refuse); }, ThrowsMessage<InvalidInput>(HasSubstr("exists already")));
  EXPECT_EQ(look(Existing::resume), Found::unknown);
}

TEST_F(FileSinkTest, RefusesFilesOfStrangersBesideTheOutput) {
  for (const char* name :
       {"v.npy.ids.txt", "v.npy.origin.json", "v.npy.partial", "v.npy.partial.ids", "v.npy.partial.journal"}) {
    const fs::path stranger = folder.write(name, "a stranger's");
    for (const Existing existing : {Existing::refuse, Existing::resume})
      EXPECT_THAT([&] { look(existing); }, ThrowsMessage<InvalidInput>(HasSubstr(stranger.string()))) << name;
    EXPECT_EQ(read_file(stranger), "a stranger's");
    EXPECT_EQ(look(Existing::replace), Found::room);
    fs::remove(stranger);
  }
  ASSERT_EQ(::mkfifo(output.c_str(), 0600), 0);
  EXPECT_THAT([&] { look(Existing::replace); }, ThrowsMessage<InvalidInput>(HasSubstr("v.npy] is a FIFO")));
}

TEST_F(FileSinkTest, ACrashBetweenTheRenamesIsMended) {
  begin();
  FileSink(output, origin, Existing::resume).finish();
  const std::vector<fs::path> files{output, vectors::VectorFile::ids_path(output), vectors::origin_path(output)};
  std::vector<std::string> contents;
  for (const fs::path& file : files) contents.push_back(read_file(file));
  for (std::size_t renamed = 0; renamed <= 2; ++renamed) {
    for (const fs::path& file : files) fs::remove(file);
    begin();
    {
      Journal journal(output);
      const Journal::Record record = *journal.read();
      vectors::VectorOrigin whole = origin;
      whole.rows = 2;
      whole.position = {2, 0, {1, 2}};
      vectors::VectorFile file(output, {vectors::VectorFormat::npy, 3, origin.beginning()}, record.commits.back().size);
      file.complete(whole.ending());
      journal.complete();
    }
    if (renamed >= 1) fs::rename(vectors::VectorFile::partial_ids_path(output), vectors::VectorFile::ids_path(output));
    if (renamed >= 2) fs::rename(vectors::VectorFile::partial_origin_path(output), vectors::origin_path(output));
    EXPECT_EQ(look(Existing::resume), Found::complete);
    for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(read_file(files[i]), contents[i]) << files[i];
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 3);
  }
}

TEST_F(FileSinkTest, OneWriterAtATime) {
  const FileSink first(output, origin, Existing::refuse);
  EXPECT_THAT([&] { FileSink(output, origin, Existing::replace); },
              ThrowsMessage<InvalidInput>(HasSubstr("another process is writing")));
}

/// An output is finished with two rows.
class FinishedOutput : public FileSinkTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    output = folder.path() / GetParam();
    begin();
    FileSink(output, origin, Existing::resume).finish();
    before = read_file(output);
  }
  std::string before;
};

TEST_P(FinishedOutput, TellsItsOrigin) {
  const auto found = vectors::read_origin(output);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity(), origin.identity());
  EXPECT_EQ(found->rows, 2);
  EXPECT_EQ(found->position.items, 2);
  EXPECT_EQ(found->position.source, (Hash128{1, 2}));
  EXPECT_EQ(count_rows(output, *vectors::format_of(output)), 2);
}

TEST_P(FinishedOutput, StaysWhenNothingFollows) {
  {
    FileSink sink(output, origin, Existing::resume);
    EXPECT_TRUE(sink.is_complete());
    EXPECT_EQ(sink.position().items, 2);
    sink.finish();
  }
  EXPECT_EQ(read_file(output), before);
  EXPECT_FALSE(fs::exists(Journal::path_of(output)));
}

TEST_P(FinishedOutput, GrowsToWhatOneRunWouldHaveWritten) {
  {
    FileSink sink(output, origin, Existing::resume);
    add(sink, 3);
  }  // interrupted
  EXPECT_EQ(read_file(output), before);
  EXPECT_EQ(look(Existing::resume), Found::part);
  {
    FileSink sink(output, origin, Existing::resume);
    EXPECT_EQ(sink.position().items, 3);
    add(sink, 4);
    sink.finish();
  }
  const fs::path whole = folder.path() / (std::string("whole") + GetParam());
  FileSink sink(whole, origin, Existing::refuse);
  for (int i = 1; i <= 4; ++i) add(sink, i);
  sink.finish();
  EXPECT_EQ(read_file(output), read_file(whole));
  const auto companions = vectors::VectorFile::companions(output, *vectors::format_of(output)),
             others = vectors::VectorFile::companions(whole, *vectors::format_of(whole));
  for (std::size_t i = 0; i < others.size(); ++i) EXPECT_EQ(read_file(companions[i]), read_file(others[i]));
  EXPECT_EQ(vectors::read_origin(output)->rows, 4);
}

TEST_P(FinishedOutput, RefusesAnotherOrigin) {
  EXPECT_THAT([&] { FileSink(output, origin_of("two"), Existing::resume); },
              ThrowsMessage<InvalidInput>(HasSubstr("the model's weights was \"one\", now it is \"two\"")));
  EXPECT_EQ(read_file(output), before);
  EXPECT_FALSE(fs::exists(Journal::path_of(output)));
}

INSTANTIATE_TEST_SUITE_P(Formats, FinishedOutput, testing::Values("v.npy", "v.jsonl", "v.safetensors"));

class OriginTest : public FileSinkTest {
 protected:
  fs::path write(const char* name, const vectors::VectorOrigin& made_by) const {
    const fs::path path = folder.path() / name;
    FileSink sink(path, made_by, Existing::replace);
    add(sink, 1);
    sink.finish();
    return path;
  }
};

TEST_F(OriginTest, ASidecarKnowsItsFile) {
  const fs::path path = write("a.npy", origin), sidecar = vectors::origin_path(path);
  const std::string told = read_file(sidecar);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(130) << "x";
  EXPECT_THAT([&] { vectors::read_origin(path); },
              ThrowsMessage<InvalidInput>(HasSubstr("a.npy.origin.json] tells what made another file")));
  write("a.npy", origin);
  const std::pair<std::string, const char*> cases[] = {
      {"{", "is not JSON"},
      {"[1]", "tells no origin of vectors"},
      {"{\"e5v_origin\": 2}", "is of version 2, expected 1"},
      {std::string(told).replace(told.find("\"items\": \"1"), 11, "\"items\": \"x"),
       "\"items\" is \"x\", expected a number"},
      {std::string(told).replace(told.find("weights"), 7, "no more"), "has no \"weights\""}};
  for (const auto& [content, part] : cases) {
    write_file_atomically(sidecar, content);
    EXPECT_THAT([&] { vectors::read_origin(path); }, ThrowsMessage<InvalidInput>(HasSubstr(part))) << content;
  }
  fs::remove(sidecar);
  EXPECT_EQ(vectors::read_origin(path), std::nullopt);
}

TEST_F(OriginTest, VectorsOfDifferentSpacesAreNotCompared) {
  const auto with = [&](auto member, const char* value) {
    vectors::VectorOrigin changed = origin;
    changed.*member = value;
    return changed;
  };
  const fs::path a = write("a.npy", origin);
  vectors::require_comparable(a, write("b.safetensors", with(&vectors::VectorOrigin::prompt, "image")));
  vectors::require_comparable(
      a, write("b.jsonl", with(&vectors::VectorOrigin::compute, "f32/1")));  // only its lengths differ
  vectors::require_comparable(a, folder.write("stranger.npy", "of unknown origin"));
  EXPECT_THAT([&] { vectors::require_comparable(a, write("c.npy", with(&vectors::VectorOrigin::weights, "two"))); },
              ThrowsMessage<InvalidInput>(HasSubstr("c.npy] its vectors cannot be compared with those of " +
                                                    a.string() + ": the weights differ, two and one")));
  EXPECT_THAT([&] { vectors::require_comparable(a, write("c.npy", with(&vectors::VectorOrigin::preprocessing, "q"))); },
              ThrowsMessage<InvalidInput>(HasSubstr("preprocessing differ")));
  EXPECT_THAT(
      [&] { vectors::require_comparable(write("c.jsonl", with(&vectors::VectorOrigin::compute, "bf16+l2/1")), a); },
      ThrowsMessage<InvalidInput>(HasSubstr("the arithmetics differ")));
}

}  // namespace
}  // namespace e5v::runs
