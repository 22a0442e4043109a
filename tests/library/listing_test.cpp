#include "library/listing.h"

#include <gmock/gmock.h>

#include "library/library.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;

class ListingTest : public testing::Test {
 protected:
  static Hash128 hash(std::int64_t row) { return {static_cast<std::uint64_t>(row), 9}; }
  void add(std::int64_t row, const Metadata& metadata, const std::vector<std::string>& paths) {
    library_.catalogue().add_photo(hash(row), row, metadata);
    for (const std::string& path : paths) {
      const FileStatus status{path, 100, 1};
      library_.catalogue().add_waiting(status);
      library_.catalogue().set_done(library_.catalogue().find(path)->id, status, hash(row));
    }
  }
  static Metadata taken(const char* date, const char* camera) {
    Metadata metadata;
    metadata.taken = date;
    metadata.camera = camera;
    return metadata;
  }
  void SetUp() override {
    library_.catalogue().set_root({"/photos", {}});
    add(0, taken("2019-07-14T12:00:00", "A"), {"/photos/2019/a.jpg", "/photos/copy/a.jpg"});
    add(1, {}, {"/photos/b.jpg"});
    Metadata rated = taken("2021-01-01", "B");
    rated.rating = 3;
    add(2, rated, {"/photos/2021/jan/c.jpg"});
    add(3, taken("2020-01-01", "A"), {"/photos/d.jpg"});
    add(4, taken("2030-01-01", "gone"), {"/photos/gone/e.jpg"});
    library_.catalogue().set_state(library_.catalogue().find("/photos/gone/e.jpg")->id, FileState::gone);
  }

  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
  Database& database_ = library_.catalogue().database();
};

TEST_F(ListingTest, ARowIsFoundByItsHashWhileAFileExists) {
  EXPECT_EQ(row_of(database_, hash(2)), 2);
  EXPECT_EQ(row_of(database_, hash(4)), std::nullopt);
  EXPECT_EQ(row_of(database_, hash(7)), std::nullopt);
}

TEST_F(ListingTest, TheNewestPhotoIsTheFirst) {
  EXPECT_THAT(newest_rows(database_, {}), ElementsAre(2, 3, 0, 1));
  EXPECT_THAT(newest_rows(database_, {.camera = "a"}), ElementsAre(3, 0));
}

TEST_F(ListingTest, ValuesAreThoseOfExistingPhotos) {
  const FilterValues values = filter_values(database_);
  EXPECT_THAT(values.cameras, ElementsAre(Count{"A", 2}, Count{"B", 1}));
  EXPECT_THAT(values.folders, ElementsAre(Count{"/photos", 5}, Count{"/photos/2019", 1}, Count{"/photos/2021", 1},
                                          Count{"/photos/2021/jan", 1}, Count{"/photos/copy", 1}));
  EXPECT_EQ(values.first, "2019-07-14");
  EXPECT_EQ(values.last, "2021-01-01");
  EXPECT_TRUE(values.ratings);
}

TEST_F(ListingTest, LongListsKeepWhatIsNearTheRoot) {
  const FilterValues values = filter_values(database_, 2);
  EXPECT_THAT(values.folders, ElementsAre(Count{"/photos", 5}, Count{"/photos/2019", 1}));
  EXPECT_EQ(filter_values(database_, 1).cameras.size(), 1u);
}

}  // namespace
}  // namespace e5v::library
