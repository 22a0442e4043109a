#include "library/changes.h"

#include <gmock/gmock.h>

#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ChangesTest : public testing::Test {
 protected:
  Changes record(std::vector<FileStatus> files, std::vector<std::string> unreadable = {}) {
    Walked walked;
    walked.files = std::move(files);
    walked.unreadable = std::move(unreadable);
    return record_changes(catalogue_, "/p", walked);
  }
  /// Gives all waiting files photos of their own.
  void finish() {
    for (const FileEntry& file : catalogue_.files_with(FileState::waiting)) {
      const Hash128 hash{static_cast<std::uint64_t>(++photos_), 0};
      catalogue_.add_photo(hash, photos_ - 1, {});
      catalogue_.set_done(file.id, file.status, hash);
    }
  }
  std::vector<std::string> waiting() {
    std::vector<std::string> paths;
    for (const FileEntry& file : catalogue_.files_with(FileState::waiting)) paths.push_back(file.status.path);
    return paths;
  }

  test::TemporaryFolder folder_;
  Catalogue catalogue_{folder_.path() / "catalogue.sqlite", Database::Access::write};
  std::int64_t photos_ = 0;
};

TEST_F(ChangesTest, NewFilesWaitAndUnchangedOnesStayAsTheyAre) {
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}}), (Changes{.added = 2}));
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}}), (Changes{.waiting = 2}));
  finish();
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}, {"/p/c.jpg", 1, 1}}),
            (Changes{.unchanged = 2, .added = 1}));
  EXPECT_THAT(waiting(), ElementsAre("/p/c.jpg"));
}

TEST_F(ChangesTest, AnotherSizeOrTimeIsAChange) {
  record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}, {"/p/c.jpg", 1, 1}});
  finish();
  EXPECT_EQ(record({{"/p/a.jpg", 2, 1}, {"/p/b.jpg", 1, 2}, {"/p/c.jpg", 1, 1}}),
            (Changes{.unchanged = 1, .changed = 2}));
  EXPECT_THAT(waiting(), ElementsAre("/p/a.jpg", "/p/b.jpg"));
}

TEST_F(ChangesTest, OtherSidecarsMakeMetadataStaleAndNothingWaits) {
  record({{"/p/a.jpg", 1, 1, 5}, {"/p/b.jpg", 1, 1}});
  finish();
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1, 5}, {"/p/b.jpg", 1, 1}}), (Changes{.unchanged = 2}));
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1, 0}, {"/p/b.jpg", 1, 1, 7}}), (Changes{.described = 2}));
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(catalogue_.stale_files().size(), 2u);
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1, 0}, {"/p/b.jpg", 1, 1, 7}}), (Changes{.unchanged = 2}));
  catalogue_.set_fresh(catalogue_.stale_files().front().id);
  EXPECT_EQ(catalogue_.stale_files().size(), 1u);
}

TEST_F(ChangesTest, ASidecarIsThatOfTheImagesBesideIt) {
  const std::string root = std::filesystem::canonical(folder_.path()).string();
  const auto path = [&](const char* name) { return root + "/" + name; };
  for (const char* name : {"a.jpg", "a.png", "a.b.jpg", "ab.jpg"}) {
    folder_.write(name, "x");
    catalogue_.add_waiting(*image_status(path(name)));
  }
  finish();
  const WalkFilter filter({root, {}}, "/none");
  folder_.write("a.xmp", "x");
  EXPECT_EQ(record_path(catalogue_, path("a.xmp"), filter), (Changes{.described = 2}));
  folder_.write("a.jpg.xmp", "x");
  EXPECT_EQ(record_path(catalogue_, path("a.jpg.xmp"), filter), (Changes{.described = 1}));
  folder_.write("a.b.txt", "x");
  EXPECT_EQ(record_path(catalogue_, path("a.b.txt"), filter), (Changes{.described = 1}));
  EXPECT_EQ(record_changes(catalogue_, root, walk(root, filter)), (Changes{.unchanged = 4})) << "a walk sees the same";
  std::filesystem::remove(path("a.xmp"));
  EXPECT_EQ(record_changes(catalogue_, root, walk(root, filter)), (Changes{.unchanged = 2, .described = 2}));
}

TEST_F(ChangesTest, DeletedFilesAreMarkedAndComeBackWithoutWaiting) {
  record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}});
  finish();
  EXPECT_EQ(record({{"/p/b.jpg", 1, 1}}), (Changes{.unchanged = 1, .gone = 1}));
  EXPECT_EQ(record({{"/p/b.jpg", 1, 1}}), (Changes{.unchanged = 1})) << "it is gone only once";
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1}, {"/p/b.jpg", 1, 1}}), (Changes{.unchanged = 1, .returned = 1}));
  EXPECT_EQ(catalogue_.counts(), (Counts{.done = 2, .vectors = 2}));
  record({});
  EXPECT_EQ(record({{"/p/a.jpg", 5, 5}}), (Changes{.added = 1})) << "another file has its name";
  EXPECT_THAT(waiting(), ElementsAre("/p/a.jpg"));
}

TEST_F(ChangesTest, AFailedFileWaitsOnlyWhenItHasChanged) {
  record({{"/p/a.jpg", 1, 1}});
  catalogue_.set_failed(catalogue_.files_with(FileState::waiting)[0].id, {"/p/a.jpg", 1, 1}, "broken");
  EXPECT_EQ(record({{"/p/a.jpg", 1, 1}}), (Changes{.unchanged = 1}));
  EXPECT_EQ(record({{"/p/a.jpg", 1, 2}}), (Changes{.changed = 1}));
  EXPECT_THAT(waiting(), ElementsAre("/p/a.jpg"));
}

TEST_F(ChangesTest, FilesWithoutAVectorAreForgottenWhenTheyAreDeleted) {
  record({{"/p/a.jpg", 1, 1}});
  EXPECT_EQ(record({}), (Changes{.gone = 1}));
  EXPECT_EQ(catalogue_.counts(), Counts());
}

TEST_F(ChangesTest, OtherFoldersAndUnreadableOnesStayAsTheyAre) {
  catalogue_.add_waiting({"/p2/a.jpg", 1, 1});
  catalogue_.add_waiting({"/p/closed/a.jpg", 1, 1});
  catalogue_.add_waiting({"/p/closed2/a.jpg", 1, 1});
  finish();
  EXPECT_EQ(record({}, {"/p/closed"}), (Changes{.gone = 1}));
  EXPECT_EQ(catalogue_.counts(), (Counts{.done = 2, .gone = 1, .vectors = 3}));
}

TEST_F(ChangesTest, OnePathIsComparedByItself) {
  const std::string root = std::filesystem::canonical(folder_.path()).string();
  const WalkFilter filter({root, {"raw"}}, "/none");
  const auto record = [&](const std::string& name) { return record_path(catalogue_, root + "/" + name, filter); };
  folder_.write("a.jpg", "1");
  std::filesystem::create_directories(folder_.path() / "b/raw");
  folder_.write("b/c.jpg", "1"), folder_.write("b/raw/d.jpg", "1");
  EXPECT_EQ(record("a.jpg"), (Changes{.added = 1}));
  EXPECT_EQ(record("b"), (Changes{.added = 1}));
  EXPECT_EQ(record("b/raw/d.jpg"), Changes());
  EXPECT_EQ(record("notes.txt"), Changes());
  finish();
  folder_.write("a.jpg", "12");
  EXPECT_EQ(record("a.jpg"), (Changes{.changed = 1}));
  finish();
  std::filesystem::remove_all(folder_.path() / "b");
  std::filesystem::remove(folder_.path() / "a.jpg");
  EXPECT_EQ(record("b"), (Changes{.gone = 1}));
  EXPECT_EQ(record("a.jpg"), (Changes{.gone = 1}));
  EXPECT_EQ(record("a.jpg"), Changes());
}

}  // namespace
}  // namespace e5v::library
