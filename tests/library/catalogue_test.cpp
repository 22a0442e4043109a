#include "library/catalogue.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class CatalogueTest : public testing::Test {
 protected:
  std::vector<std::string> paths_in(const std::string& folder) {
    std::vector<std::string> paths;
    catalogue_.for_each_file(folder, [&](const FileEntry& file) { paths.push_back(file.status.path); });
    return paths;
  }
  /// A file with a photo.
  void add_done(const std::string& path, const Hash128& hash, std::int64_t row) {
    catalogue_.add_waiting({path, 1, 2});
    if (!catalogue_.has_photo(hash)) catalogue_.add_photo(hash, row, {});
    catalogue_.set_done(catalogue_.files_with(FileState::waiting).back().id, {path, 1, 2}, hash);
  }

  test::TemporaryFolder folder_;
  Catalogue catalogue_{folder_.path() / "catalogue.sqlite", Database::Access::write};
};

TEST_F(CatalogueTest, FilesOfAFolderAreThoseBelowItSortedByBytes) {
  for (const char* path : {"/p/b.jpg", "/p/a/c.jpg", "/p.jpg", "/p0/x.jpg", "/p!/x.jpg", "/p/\xFF.jpg"})
    catalogue_.add_waiting({path, 1, 2});
  EXPECT_THAT(paths_in("/p"), ElementsAre("/p/a/c.jpg", "/p/b.jpg", "/p/\xFF.jpg"));
  EXPECT_EQ(paths_in("").size(), 6u);
  EXPECT_EQ(paths_in("/").size(), 6u);
}

TEST_F(CatalogueTest, AChangedFileWaitsAgain) {
  add_done("/a.jpg", Hash128{1, 2}, 0);
  EXPECT_EQ(catalogue_.counts(), (Counts{.done = 1, .vectors = 1}));
  catalogue_.add_waiting({"/a.jpg", 5, 6});
  const auto waiting = catalogue_.files_with(FileState::waiting);
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].status, (FileStatus{"/a.jpg", 5, 6}));
  EXPECT_EQ(waiting[0].hash, std::nullopt);
}

TEST_F(CatalogueTest, AFailureHasItsReasonUntilItIsTriedAgain) {
  catalogue_.add_waiting({"/a.jpg", 1, 2});
  catalogue_.set_failed(catalogue_.files_with(FileState::waiting)[0].id, {"/a.jpg", 3, 4}, "it is cut short");
  const auto failed = catalogue_.files_with(FileState::failed);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, "it is cut short");
  EXPECT_EQ(failed[0].status.size, 3);
  EXPECT_EQ(catalogue_.retry_failed(), 1);
  EXPECT_EQ(catalogue_.counts(), (Counts{.waiting = 1}));
}

TEST_F(CatalogueTest, PurgingForgetsDeletedFilesAndPhotosWithoutFiles) {
  add_done("/a.jpg", Hash128{1, 1}, 0);
  add_done("/copy of a.jpg", Hash128{1, 1}, 0);
  add_done("/b.jpg", Hash128{2, 2}, 1);
  catalogue_.for_each_file("", [&](const FileEntry& file) {
    if (file.status.path != "/copy of a.jpg") catalogue_.set_state(file.id, FileState::gone);
  });
  EXPECT_EQ(catalogue_.counts(), (Counts{.done = 1, .gone = 2, .vectors = 2}));
  EXPECT_EQ(catalogue_.purge_gone(), 2);
  EXPECT_EQ(catalogue_.counts(), (Counts{.done = 1, .vectors = 1}));
  EXPECT_TRUE(catalogue_.has_photo(Hash128{1, 1}));
  EXPECT_FALSE(catalogue_.has_photo(Hash128{2, 2}));
}

TEST_F(CatalogueTest, OneDeletedFileIsForgottenForEachFileThatTurnsUp) {
  add_done("/a.jpg", Hash128{1, 1}, 0);
  add_done("/b.jpg", Hash128{1, 1}, 0);
  EXPECT_FALSE(catalogue_.forget_gone(Hash128{1, 1})) << "both exist";
  catalogue_.for_each_file("", [&](const FileEntry& file) { catalogue_.set_state(file.id, FileState::gone); });
  EXPECT_TRUE(catalogue_.forget_gone(Hash128{1, 1}));
  EXPECT_THAT(paths_in(""), ElementsAre("/b.jpg"));
}

TEST_F(CatalogueTest, FilesOfLostRowsWaitAgain) {
  add_done("/a.jpg", Hash128{1, 1}, 0);
  add_done("/b.jpg", Hash128{2, 2}, 1);
  EXPECT_EQ(catalogue_.rows(), 2);
  EXPECT_EQ(catalogue_.forget_rows_from(1), 1);
  EXPECT_EQ(catalogue_.rows(), 1);
  EXPECT_EQ(catalogue_.files_with(FileState::waiting)[0].status.path, "/b.jpg");
}

TEST_F(CatalogueTest, ARootTakesInTheRootsInIt) {
  catalogue_.set_root({"/photos/2019", {"*.tmp"}});
  catalogue_.set_root({"/photos2", {}});
  catalogue_.set_root({"/photos", {"raw", "a/*.png"}});
  EXPECT_THAT(catalogue_.roots(), ElementsAre(Root{"/photos", {"raw", "a/*.png"}}, Root{"/photos2", {}}));
}

TEST_F(CatalogueTest, SettingsStay) {
  EXPECT_EQ(catalogue_.setting("model"), std::nullopt);
  catalogue_.set("model", "a");
  catalogue_.set("model", "b");
  EXPECT_EQ(Catalogue(folder_.path() / "catalogue.sqlite", Database::Access::read).setting("model"), "b");
}

TEST_F(CatalogueTest, StatesAreCalledByTheirNames) {
  for (const FileState state : {FileState::waiting, FileState::done, FileState::failed, FileState::gone})
    EXPECT_EQ(state_of(name_of(state)), state);
  EXPECT_THAT([] { state_of("lost"); }, ThrowsMessage<InvalidInput>(HasSubstr("found \"lost\"")));
}

}  // namespace
}  // namespace e5v::library
