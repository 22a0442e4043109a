#include "base/output_file.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class OutputFileTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "file";
};

TEST_F(OutputFileTest, OpeningLeavesWhatIsThere) {
  folder_.write("file", "whole");
  OutputFile file(path_);
  EXPECT_EQ(file.size(), 5);
  file.append(" and more");
  EXPECT_EQ(read_file(path_), "whole and more");
  EXPECT_EQ(OutputFile(folder_.path() / "new").size(), 0);
}

TEST_F(OutputFileTest, ASizeCutsWhatFollowsIt) {
  folder_.write("file", "whole");
  EXPECT_EQ(OutputFile(path_, 3).size(), 3);
  EXPECT_EQ(read_file(path_), "who");
  EXPECT_THAT([&] { OutputFile(path_, 4); },
              ThrowsMessage<InvalidInput>(HasSubstr("file] has 3 bytes, expected at least 4")));
  EXPECT_EQ(read_file(path_), "who");
}

TEST_F(OutputFileTest, TheLockBringsTheSizeThatTheOneBeforeHasLeft) {
  OutputFile waiting(path_);
  {
    OutputFile first(path_);
    ASSERT_TRUE(first.lock());
    first.append("written since");
    EXPECT_FALSE(waiting.lock());
    EXPECT_EQ(waiting.size(), 0);
  }
  ASSERT_TRUE(waiting.lock());
  EXPECT_EQ(waiting.size(), 13);
  waiting.append("!");
  EXPECT_EQ(read_file(path_), "written since!");
}

TEST_F(OutputFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_THAT([] { OutputFile("/dev/null"); }, ThrowsMessage<InvalidInput>(HasSubstr("is no regular file")));
  EXPECT_THAT([&] { OutputFile(folder_.path()); }, ThrowsMessage<InvalidInput>(HasSubstr("cannot be written")));
}

}  // namespace
}  // namespace e5v
