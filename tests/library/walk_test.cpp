#include "library/walk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

class WalkTest : public testing::Test {
 protected:
  std::string path(const std::string& name = "") const { return name.empty() ? root_ : root_ + "/" + name; }
  void make(const std::string& name, const std::string& content = "x") const {
    fs::create_directories(fs::path(path(name)).parent_path());
    folder_.write(name, content);
  }
  /// The images in the root, relative to it.
  std::vector<std::string> found(const std::vector<std::string>& exclude = {},
                                 const fs::path& library = "/none") const {
    std::vector<std::string> names;
    for (const FileStatus& file : walk(root_, WalkFilter({root_, exclude}, library)).files)
      names.push_back(file.path.substr(root_.size() + 1));
    return names;
  }
  test::TemporaryFolder folder_;
  std::string root_ = fs::canonical(folder_.path()).string();
};

TEST_F(WalkTest, ImagesAtAnyDepthAreFoundSortedByBytes) {
  for (const char* name : {"b.jpg", "a/z.png", "a/b/c.webp", "a.jpg", "a!/x.jpg", "notes.txt"}) make(name);
  EXPECT_THAT(found(), ElementsAre("a!/x.jpg", "a.jpg", "a/b/c.webp", "a/z.png", "b.jpg"));
}

TEST_F(WalkTest, AFileHasItsSizeAndTime) {
  make("a.jpg", "12345");
  const timespec times[2] = {{0, 0}, {1'500'000'000, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("a.jpg").c_str(), times, 0), 0);
  const Walked walked = walk(root_, WalkFilter({root_, {}}, "/none"));
  EXPECT_THAT(walked.files, ElementsAre(FileStatus{path("a.jpg"), 5, 1'500'000'000'123'456'789}));
  EXPECT_EQ(image_status(path("a.jpg")), walked.files[0]);
  EXPECT_EQ(image_status(path("none.jpg")), std::nullopt);
}

TEST_F(WalkTest, HiddenFilesAndFoldersOfOtherProgramsAreLeftOut) {
  for (const char* name :
       {".hidden.jpg", ".git/a.jpg", "@eaDir/a.jpg", "x/node_modules/a.jpg", "library/t/a.jpg", "a.jpg"})
    make(name);
  EXPECT_THAT(found({}, path("library")), ElementsAre("a.jpg"));
}

TEST_F(WalkTest, PatternsNameNamesOrRelativePaths) {
  for (const char* name : {"a.jpg", "a.png", "raw/a.jpg", "2019/raw/a.jpg", "2019/b.jpg", "2019/c/b.jpg"}) make(name);
  EXPECT_THAT(found({"raw", "*.png"}), ElementsAre("2019/b.jpg", "2019/c/b.jpg", "a.jpg"));
  EXPECT_THAT(found({"2019/*.jpg", "2019/raw", "raw/*"}), ElementsAre("2019/c/b.jpg", "a.jpg", "a.png"));
  const WalkFilter filter({root_, {"raw"}}, "/none");
  EXPECT_FALSE(filter.excludes(path("2019/raw/a.jpg"))) << "its folder is left out, not the file itself";
  EXPECT_TRUE(filter.excludes_with_folders(path("2019/raw/a.jpg")));
  EXPECT_FALSE(filter.excludes_with_folders(path("2019/b.jpg")));
  EXPECT_FALSE(filter.excludes_with_folders(root_));
}

TEST_F(WalkTest, LinksAreNotFollowed) {
  make("a.jpg");
  fs::create_symlink(path("a.jpg"), path("link.jpg"));
  fs::create_directory_symlink(root_, path("loop"));
  EXPECT_THAT(found(), ElementsAre("a.jpg"));
  EXPECT_EQ(image_status(path("link.jpg")), std::nullopt);
}

TEST_F(WalkTest, AFifoIsNoImage) {
  ASSERT_EQ(::mkfifo(path("a.jpg").c_str(), 0600), 0);
  EXPECT_THAT(found(), ElementsAre());
}

TEST_F(WalkTest, AFolderThatCannotBeReadIsReportedUnlessItIsTheRoot) {
  if (::geteuid() == 0) {
    EXPECT_THAT(
        [&] {
          walk(path("none"), WalkFilter({root_, {}}, "/none"));
        },
        ThrowsMessage<InvalidInput>(HasSubstr("none] cannot be read: No such file or directory")));
    return;  // root may read all folders
  }
  make("closed/a.jpg"), make("b.jpg");
  fs::permissions(path("closed"), fs::perms::none);
  const Walked walked = walk(root_, WalkFilter({root_, {}}, "/none"));
  fs::permissions(path("closed"), fs::perms::owner_all);
  EXPECT_THAT(walked.unreadable, ElementsAre(path("closed")));
  EXPECT_THAT(walked.problems, ElementsAre(HasSubstr("closed] cannot be read: Permission denied")));
  EXPECT_EQ(walked.files.size(), 1u);
}

TEST_F(WalkTest, FoldersAreListedForWatching) {
  make("a/b/c.jpg"), make(".d/e.jpg");
  EXPECT_THAT(walk(root_, WalkFilter({root_, {}}, "/none")).folders,
              UnorderedElementsAre(root_, path("a"), path("a/b")));
}

}  // namespace
}  // namespace e5v::library
