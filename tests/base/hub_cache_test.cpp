#include "base/hub_cache.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class HubCache : public testing::Test {
 protected:
  void have_snapshots(const std::vector<std::string>& commits) const {
    for (const std::string& commit : commits) fs::create_directories(cache_ / "snapshots" / commit);
  }

  void have_ref(const std::string& name, const std::string& commit) const {
    fs::create_directories(cache_ / "refs");
    folder_.write("models--org--name/refs/" + name, commit);
  }

  test::TemporaryFolder folder_;
  fs::path cache_ = folder_.path() / "models--org--name";
};

TEST_F(HubCache, TheSnapshotOfMainCounts) {
  have_snapshots({"aaa", "bbb"});
  have_ref("main", "bbb");
  EXPECT_EQ(hub_snapshot(cache_), cache_ / "snapshots" / "bbb");
  have_ref("main", "aaa\n");
  EXPECT_EQ(hub_snapshot(cache_), cache_ / "snapshots" / "aaa");
}

TEST_F(HubCache, WithoutMainTheOnlySnapshotCounts) {
  have_snapshots({"aaa"});
  EXPECT_EQ(hub_snapshot(cache_), cache_ / "snapshots" / "aaa");
  have_ref("main", "not-downloaded");
  EXPECT_EQ(hub_snapshot(cache_), cache_ / "snapshots" / "aaa");
}

TEST_F(HubCache, SeveralSnapshotsWithoutMainAreNamed) {
  have_snapshots({"bbb", "aaa"});
  have_ref("v1", "aaa");
  EXPECT_THAT([&] { hub_snapshot(cache_); },
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr("2 snapshots"), HasSubstr("give one of aaa, bbb"))));
  have_ref("main", "../snapshots/aaa");  // a name, not a path
  EXPECT_THROW(hub_snapshot(cache_), InvalidInput);
}

TEST_F(HubCache, WithoutAnySnapshotItSaysSo) {
  fs::create_directories(cache_ / "snapshots");
  EXPECT_THAT([&] { hub_snapshot(cache_); }, ThrowsMessage<InvalidInput>(HasSubstr("without a snapshot")));
}

TEST_F(HubCache, OtherFoldersStayAsTheyAre) {
  EXPECT_EQ(hub_snapshot(folder_.path()), folder_.path());
  EXPECT_EQ(hub_snapshot(folder_.path() / "none"), folder_.path() / "none");
  have_snapshots({"aaa", "bbb"});  // a model that happens to have a folder of that name
  folder_.write("models--org--name/config.json", "{}");
  EXPECT_EQ(hub_snapshot(cache_), cache_);
}

}  // namespace
}  // namespace e5v
