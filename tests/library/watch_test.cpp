#include "library/watch.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchTest : public testing::Test {
 protected:
  WatchTest() { watch_.add({root_, root_ + "/none"}); }
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::set<std::string> events() { return watch_.wait(2s, 50ms).paths; }

  test::TemporaryFolder folder_;
  std::string root_ = fs::canonical(folder_.path()).string();
  FolderWatch watch_;
};

TEST_F(WatchTest, CreatedRenamedAndDeletedFilesAreTold) {
  folder_.write("a.jpg", "x");
  EXPECT_THAT(events(), ElementsAre(path("a.jpg")));
  fs::rename(path("a.jpg"), path("b.jpg"));
  EXPECT_THAT(events(), ElementsAre(path("a.jpg"), path("b.jpg")));
  fs::remove(path("b.jpg"));
  EXPECT_THAT(events(), ElementsAre(path("b.jpg")));
}

TEST_F(WatchTest, AFileIsToldWhenItIsWholeAndNotBefore) {
  std::ofstream stream(path("a.jpg"));
  stream << "half" << std::flush;
  EXPECT_THAT(watch_.wait(200ms, 50ms).paths, IsEmpty());
  stream.close();
  EXPECT_THAT(events(), ElementsAre(path("a.jpg")));
}

TEST_F(WatchTest, AFurtherHardLinkIsTold) {
  folder_.write("a.jpg", "x");
  events();
  fs::create_hard_link(path("a.jpg"), path("b.jpg"));
  EXPECT_THAT(events(), Contains(path("b.jpg")));
}

TEST_F(WatchTest, NewFoldersAreToldAndCanBeAdded) {
  fs::create_directory(path("new"));
  EXPECT_THAT(events(), ElementsAre(path("new")));
  watch_.add({path("new")});
  folder_.write("new/a.jpg", "x");
  EXPECT_THAT(events(), ElementsAre(path("new/a.jpg")));
}

TEST_F(WatchTest, NothingIsToldWhenNothingHappens) { EXPECT_THAT(watch_.wait(50ms).paths, IsEmpty()); }

}  // namespace
}  // namespace e5v::library
