#include "runs/vector_sink.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::runs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Row i of width 3.
std::vector<float> row(int i) { return {static_cast<float>(i), 0.5f, -1}; }

TEST(StreamSink, WritesABatchAtATime) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const auto written = [&] {
    std::string text(1000, '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
  };
  StreamSink sink(file);
  sink.add("a", row(1));
  EXPECT_EQ(written(), "");
  sink.add(2, row(2));
  sink.commit({2, 0, {}});
  EXPECT_EQ(written(), "{\"id\": \"a\", \"embedding\": [1, 0.5, -1]}\n{\"id\": 2, \"embedding\": [2, 0.5, -1]}\n");
  sink.commit({2, 0, {}});
  sink.finish();
  EXPECT_EQ(written().size(), 76u);
  std::fclose(file);
}

class FileSinkTest : public testing::Test {
 protected:
  static vectors::VectorOrigin origin_of(const std::string& weights) { return {weights, "p", "f32+l2/1", "sts", 3}; }

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

TEST_F(FileSinkTest, GoesOnAfterTheLastBatch) {
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
  EXPECT_THAT([&] { look(Existing::refuse); },
              ThrowsMessage<InvalidInput>(HasSubstr("option resume goes on with it, option force starts over")));
  EXPECT_EQ(look(Existing::replace), Found::room);
  { FileSink sink(output, origin, Existing::replace); }  // nothing committed: nothing stays
  EXPECT_EQ(look(Existing::refuse), Found::room);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  folder.write("v.npy", "old");
  EXPECT_THAT([&] { look(Existing::refuse); },
              ThrowsMessage<InvalidInput>(HasSubstr("exists already; option force replaces it")));
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
      whole.items = 2, whole.source = {1, 2};
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
  EXPECT_EQ(identity_of(*found), identity_of(origin));
  EXPECT_EQ(found->rows, 2);
  EXPECT_EQ(found->items, 2);
  EXPECT_EQ(found->source, (Hash128{1, 2}));
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

}  // namespace
}  // namespace e5v::runs
