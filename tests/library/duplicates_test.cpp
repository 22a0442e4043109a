#include "library/duplicates.h"

#include <gmock/gmock.h>

#include <cmath>

#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class DuplicatesTest : public testing::Test {
 protected:
  void SetUp() override {
    ModelRecord model;
    model.folder = "/m";
    model.width = 2;
    library_.set_model(model);
  }
  /// A photo whose vector has that angle in degrees, with files of that size.
  void add(double degrees, std::int64_t width, const std::vector<std::string>& paths) {
    const double angle = degrees * M_PI / 180;
    const std::int64_t row =
        library_.writer().add(std::vector{static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
    library_.writer().flush();
    const Hash128 hash{static_cast<std::uint64_t>(row), 1};
    Metadata metadata;
    metadata.width = width, metadata.height = 10;
    library_.catalogue().add_photo(hash, row, metadata);
    for (const std::string& path : paths) {
      library_.catalogue().add_waiting({path, 100 + row, 1});
      library_.catalogue().set_done(library_.catalogue().find(path)->id, {path, 100 + row, 1}, hash);
    }
  }
  static std::vector<std::string> paths_of(const DuplicateGroup& group) {
    std::vector<std::string> paths;
    for (const DuplicateFile& file : group.files) paths.push_back(file.path);
    return paths;
  }

  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
};

TEST_F(DuplicatesTest, ExactOnesAreFilesOfOnePhoto) {
  add(0, 10, {"/b.jpg", "/a.jpg"});
  add(90, 10, {"/c.jpg"});
  const auto groups = exact_duplicates(library_);
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_TRUE(groups[0].exact);
  EXPECT_EQ(groups[0].score, 1);
  EXPECT_THAT(paths_of(groups[0]), ElementsAre("/a.jpg", "/b.jpg"));
}

TEST_F(DuplicatesTest, NearOnesAreJoinedByPhotosBetweenThemAndTheLargestIsTheBest) {
  add(0, 10, {"/a.jpg"});
  add(4, 30, {"/b.jpg"});
  add(8, 20, {"/c.jpg", "/copy of c.jpg"});
  add(60, 10, {"/d.jpg"});
  const auto groups = near_duplicates(library_, std::cos(5 * M_PI / 180));
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_FALSE(groups[0].exact);
  EXPECT_NEAR(groups[0].score, std::cos(4 * M_PI / 180), 1e-3);
  EXPECT_THAT(paths_of(groups[0]), ElementsAre("/b.jpg", "/c.jpg", "/copy of c.jpg", "/a.jpg"));
  EXPECT_EQ(groups[0].files[0], (DuplicateFile{"/b.jpg", 101, 30, 10}));
  EXPECT_THAT(near_duplicates(library_, std::cos(3 * M_PI / 180)), SizeIs(0));
}

TEST_F(DuplicatesTest, OfEqualSizesTheFileWithMoreBytesIsTheBest) {
  add(0, 10, {"/a.jpg"});
  add(1, 10, {"/b.jpg"});  // one byte more
  EXPECT_THAT(paths_of(near_duplicates(library_, 0.9).at(0)), ElementsAre("/b.jpg", "/a.jpg"));
}

TEST_F(DuplicatesTest, AFilterLimitsWhatIsCompared) {
  add(0, 10, {"/p/a.jpg"});
  add(1, 10, {"/p/b.jpg"});
  add(1, 10, {"/q/c.jpg"});
  EXPECT_THAT(paths_of(near_duplicates(library_, 0.9, {.folder = "/p"}).at(0)), ElementsAre("/p/b.jpg", "/p/a.jpg"));
  EXPECT_THAT(near_duplicates(library_, 0.9, {.folder = "/q"}), SizeIs(0));
}

}  // namespace
}  // namespace e5v::library
