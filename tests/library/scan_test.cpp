#include "library/scan.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

class ScanTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "a/b", "c"}) fs::create_directories(photos_.path() / name);
    for (const char* name : {"a/1.jpg", "a/2.png", "a/b/3.jpg", "c/4.jpg"}) photos_.write(name, "x");
  }
  std::string path(const std::string& name) const { return root_ + "/" + name; }

  test::TemporaryFolder folder_, photos_;
  std::string root_ = fs::canonical(photos_.path()).string();
  Library library_{folder_.path(), "test"};
};

TEST_F(ScanTest, FoldersOfARootBelongToIt) {
  EXPECT_EQ(add_folder(library_, path("a") + "/", std::vector<std::string>{"*.png"}), path("a"));
  EXPECT_EQ(add_folder(library_, path("a/b")), path("a/b"));
  EXPECT_THAT(library_.catalogue().roots(), ElementsAre(Root{path("a"), {"*.png"}}));
  EXPECT_EQ(scan_folders(library_, {path("a/b")}).changes, (Changes{.added = 1}));
  EXPECT_EQ(scan_folders(library_).changes, (Changes{.waiting = 1, .added = 1}));
  add_folder(library_, path("a"), std::vector<std::string>{});
  EXPECT_EQ(scan_folders(library_).changes, (Changes{.waiting = 2, .added = 1})) << "its patterns were replaced";
  EXPECT_EQ(filter_for(library_, path("a/b/3.jpg"))->root().path, path("a"));
  EXPECT_FALSE(filter_for(library_, path("c")).has_value());
}

TEST_F(ScanTest, AllRootsAreWalkedUnlessFoldersAreNamed) {
  add_folder(library_, path("a")), add_folder(library_, path("c"));
  EXPECT_EQ(scan_folders(library_, {path("c")}).changes, (Changes{.added = 1}));
  const Scan scan = scan_folders(library_);
  EXPECT_EQ(scan.changes, (Changes{.waiting = 1, .added = 3}));
  EXPECT_THAT(scan.folders, SizeIs(3));
  EXPECT_THAT([&] { scan_folders(library_, {root_}); },
              ThrowsMessage<InvalidInput>(HasSubstr("is no folder of the library")));
}

TEST_F(ScanTest, FilesOfAMissingRootStay) {
  add_folder(library_, path("a")), add_folder(library_, path("c"));
  scan_folders(library_);
  fs::rename(path("a"), path("unmounted"));
  const Scan scan = scan_folders(library_);
  EXPECT_THAT(scan.problems, ElementsAre(HasSubstr("a] cannot be read: No such file or directory; its photos stay")));
  EXPECT_EQ(scan.changes, (Changes{.waiting = 1}));
  EXPECT_EQ(library_.catalogue().counts().waiting, 4);
}

TEST_F(ScanTest, TheLibraryIsNoPhotoOfItself) {
  add_folder(library_, fs::canonical(folder_.path()));
  folder_.write("thumbnail.jpg", "x");
  EXPECT_EQ(scan_folders(library_).changes, (Changes{.added = 1})) << "a root that is asked for is walked";
  fs::create_directories(path("a/library"));
  Library inner(path("a/library"), "test");
  photos_.write("a/library/thumbnail.jpg", "x");
  add_folder(inner, path("a"));
  EXPECT_EQ(scan_folders(inner).changes, (Changes{.added = 3}));
}

TEST_F(ScanTest, WhatIsNoFolderIsNamed) {
  EXPECT_THAT([&] { add_folder(library_, path("none")); },
              ThrowsMessage<InvalidInput>(HasSubstr("none] no such folder")));
  EXPECT_THAT([&] { add_folder(library_, path("a/1.jpg")); },
              ThrowsMessage<InvalidInput>(HasSubstr("1.jpg] expected a folder of photos, found a file")));
}

}  // namespace
}  // namespace e5v::library
