#include "runs/journal.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::runs {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const RunIdentity kIdentity{{"weights", "w"}, {"prompt", "a \"quoted\" one"}};

Commit commit_of(int number) {
  return {{number * 10, number, {1, static_cast<std::uint64_t>(number)}},
          {number * 9, number * 1000, number * 50},
          {~std::uint64_t{0}, static_cast<std::uint64_t>(number)}};
}

class JournalTest : public testing::Test {
 protected:
  void write(int commits) const {
    Journal journal(output_);
    journal.begin(kIdentity);
    for (int i = 1; i <= commits; ++i) journal.add(commit_of(i));
  }
  std::string content() const { return read_file(path_); }

  test::TemporaryFolder folder_;
  std::filesystem::path output_ = folder_.path() / "v.npy", path_ = Journal::path_of(output_);
};

TEST_F(JournalTest, GivesBackWhatItWasTold) {
  write(2);
  const auto record = Journal(output_).read();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->identity, kIdentity);
  ASSERT_EQ(record->commits.size(), 2u);
  for (int i = 1; i <= 2; ++i) {
    const Commit &found = record->commits[static_cast<std::size_t>(i - 1)], expected = commit_of(i);
    EXPECT_EQ(found.position, expected.position);
    EXPECT_EQ(found.size, expected.size);
    EXPECT_EQ(found.written, expected.written);
  }
  EXPECT_FALSE(record->complete);
  EXPECT_EQ(record->ends.back(), std::ssize(content()));
}

/// A kill at any byte.
TEST_F(JournalTest, LinesCountUpToTheFirstThatIsTorn) {
  write(2);
  const std::string whole = content();
  const std::vector<std::int64_t> ends = Journal(output_).read()->ends;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    folder_.write("v.npy.partial.journal", whole.substr(0, size));
    const auto record = Journal(output_).read();
    const auto lines =
        std::ranges::count_if(ends, [&](std::int64_t end) { return end <= static_cast<std::int64_t>(size); });
    ASSERT_EQ(record.has_value(), lines > 0) << size;
    if (record) {
      ASSERT_EQ(std::ssize(record->commits), lines - 1) << size;
    }
  }
}

TEST_F(JournalTest, ALineThatIsNoCommitEndsIt) {
  write(1);
  for (const char* line :
       {"{}", "[]", "{\"items\": 1}", "nonsense", "{\"e5v_journal\": 2, \"identity\": {\"a\": \"b\"}}"}) {
    write(1);
    const std::string one = content();
    write(2);
    folder_.write("v.npy.partial.journal", one + line + "\n" + content().substr(one.size()));
    EXPECT_EQ(Journal(output_).read()->commits.size(), 1u) << line;
  }
}

TEST_F(JournalTest, RewindingForgetsWhatFollows) {
  write(3);
  Journal journal(output_);
  const Journal::Record record = *journal.read();
  journal.rewind(record, 1);
  EXPECT_EQ(journal.read()->commits.size(), 1u);
  journal.add(commit_of(7));
  EXPECT_EQ(journal.read()->commits.back().position.items, 70);
  journal.rewind(record, 0);
  EXPECT_TRUE(journal.read()->commits.empty());
}

TEST_F(JournalTest, TellsWhenTheOutputIsComplete) {
  Journal journal(output_);
  journal.begin(kIdentity);
  journal.add(commit_of(1));
  journal.complete();
  EXPECT_TRUE(journal.read()->complete);
  journal.remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(JournalTest, FilesOfOthersAreLeftAlone) {
  for (const char* text : {"a stranger's", "{\"e5v\": 1}", "{\"e5v_journal_of_another\": 1}"}) {
    folder_.write("v.npy.partial.journal", text);
    EXPECT_THAT([&] { Journal(output_).read(); },
                ThrowsMessage<InvalidInput>(HasSubstr("v.npy.partial.journal] is no log of a run")));
    EXPECT_EQ(content(), text);
  }
  for (const char* text : {"{\"e5v_journal\":1,\"identity\":{\"--prompt\":\"\"}}\n", "{\"e5v_journal\":20,"}) {
    folder_.write("v.npy.partial.journal", text);
    EXPECT_THAT([&] { Journal(output_).read(); },
                ThrowsMessage<InvalidInput>(HasSubstr("was written by another version of e5v; option force")));
  }
}

TEST_F(JournalTest, OneProcessWritesIt) {
  const Journal first(output_);
  EXPECT_THAT([&] { Journal{output_}; },
              ThrowsMessage<InvalidInput>("[" + output_.string() + "] another process is writing this output"));
}

}  // namespace
}  // namespace e5v::runs
