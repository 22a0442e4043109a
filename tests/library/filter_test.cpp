#include "library/filter.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "library/catalogue.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FilterTest : public testing::Test {
 protected:
  void SetUp() override {
    Metadata metadata;
    metadata.taken = "2019-07-14T12:33:10", metadata.camera = "Canon EOS 5D";
    metadata.width = 30, metadata.height = 20, metadata.rating = 4;
    add("/p/a/0.jpg", metadata);
    metadata.taken = "2019-12-31T23:59:59", metadata.camera = "FUJIFILM X100";
    metadata.width = 20, metadata.height = 30, metadata.rating = -1;
    add("/p/b/1.jpg", metadata);
    add("/q/2.jpg", {});
    add("/p/gone.jpg", {});
    catalogue_.set_state(catalogue_.find("/p/gone.jpg")->id, FileState::gone);
  }
  void add(const std::string& path, const Metadata& metadata) {
    const std::int64_t row = catalogue_.rows();
    const Hash128 hash{static_cast<std::uint64_t>(row), 1};
    catalogue_.add_waiting({path, 1, 1});
    catalogue_.add_photo(hash, row, metadata);
    catalogue_.set_done(catalogue_.find(path)->id, {path, 1, 1}, hash);
  }
  std::vector<std::int64_t> rows(const Filter& filter) { return allowed_rows(catalogue_.database(), filter); }

  test::TemporaryFolder folder_;
  Catalogue catalogue_{folder_.path() / "catalogue.sqlite", Database::Access::write};
};

TEST_F(FilterTest, WithoutAFilterAllPhotosWithAFileAreFound) { EXPECT_THAT(rows({}), ElementsAre(0, 1, 2)); }

TEST_F(FilterTest, AMaskMarksTheSameRows) {
  AllowedRows allowed = allowed_mask(catalogue_.database(), {}, 4);
  EXPECT_THAT(allowed.mask, ElementsAre(1, 1, 1, 0));
  EXPECT_EQ(allowed.count, 3);
  allowed = allowed_mask(catalogue_.database(), {.folder = "/p"}, 4);
  EXPECT_THAT(allowed.mask, ElementsAre(1, 1, 0, 0));
  EXPECT_EQ(allowed.count, 2);
  EXPECT_THAT(allowed_mask(catalogue_.database(), {.camera = "canon", .folder = "/p"}, 4).mask,
              ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(allowed_mask(catalogue_.database(), {.camera = "canon", .folder = "/p/b"}, 4).mask,
              ElementsAre(0, 0, 0, 0));
  catalogue_.set_state(catalogue_.find("/p/gone.jpg")->id, FileState::done);
  allowed = allowed_mask(catalogue_.database(), {}, 4);
  EXPECT_TRUE(allowed.mask.empty()) << "all rows";
  EXPECT_EQ(allowed.count, 4);
  allowed.remove(2, 4), allowed.remove(2, 4);
  EXPECT_THAT(allowed.mask, ElementsAre(1, 1, 0, 1));
  EXPECT_EQ(allowed.count, 3);
  EXPECT_EQ(allowed_mask(catalogue_.database(), {.folder = "/none"}, 4).count, 0);
}

TEST_F(FilterTest, DatesIncludeTheirLastDay) {
  EXPECT_THAT(rows({.from = "2019-07-14"}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.from = "2019-07-15"}), ElementsAre(1));
  EXPECT_THAT(rows({.to = "2019-07-14"}), ElementsAre(0));
  EXPECT_THAT(rows({.to = "2019"}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.from = "2019-12", .to = "2019-12-31"}), ElementsAre(1));
  EXPECT_THAT(rows({.to = "2019-07-14T12:33"}), ElementsAre(0));
}

TEST(FilterSizes, AreMegapixelsOrSides) {
  Filter filter;
  EXPECT_TRUE(set_min_size("12.5", filter));
  EXPECT_EQ(filter.min_megapixels, 12.5);
  filter = {};
  EXPECT_TRUE(set_min_size("1080x1920", filter));
  EXPECT_EQ(filter, (Filter{.min_long_side = 1920, .min_short_side = 1080}));
  for (const char* text :
       {"", "0", "-1", "big", "12MP", "1920x", "x1080", "1920x1080x3", "nan", "inf", "1e9", "19.5x10"})
    EXPECT_FALSE(set_min_size(text, filter)) << text;
}

TEST_F(FilterTest, EachMemberFilters) {
  EXPECT_THAT(rows({.camera = "canon"}), ElementsAre(0));
  EXPECT_THAT(rows({.camera = "X100"}), ElementsAre(1));
  EXPECT_THAT(rows({.folder = "/p"}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.folder = "/p/a"}), ElementsAre(0));
  EXPECT_THAT(rows({.shape = Shape::landscape}), ElementsAre(0));
  EXPECT_THAT(rows({.min_megapixels = 600e-6}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.min_megapixels = 601e-6}), ElementsAre());
  EXPECT_THAT(rows({.min_long_side = 30, .min_short_side = 20}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.min_long_side = 30, .min_short_side = 21}), ElementsAre());
  EXPECT_THAT(rows({.shape = Shape::portrait}), ElementsAre(1));
  EXPECT_THAT(rows({.shape = Shape::square}), ElementsAre()) << "an unknown size has no shape";
  EXPECT_THAT(rows({.min_rating = -1}), ElementsAre(0, 1));
  EXPECT_THAT(rows({.min_rating = 3}), ElementsAre(0));
  EXPECT_THAT(rows({.camera = "x", .folder = "/p", .min_rating = 3}), ElementsAre());
}

TEST_F(FilterTest, TheFirstDateIsNotAfterTheLastOne) {
  EXPECT_THAT(rows({.from = "2019-07-14", .to = "2019"}), ElementsAre(0, 1)) << "the days of the year are included";
  EXPECT_THAT([&] { rows({.from = "2020", .to = "2019-12"}); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected a first date that is not after the last one")));
}

TEST_F(FilterTest, WhatIsNoDateIsNamed) {
  for (const char* date : {"19", "2019-7", "July", "2019-07-14T1", "2019-13", "2019-02-29", "2019-07-00",
                           "2019-07-14T24", "2019-07-14T12:60", "2019/07", "2019-07-14 12:00"})
    EXPECT_THAT([&] { rows({.from = date}); }, ThrowsMessage<InvalidInput>(HasSubstr("[filter] expected a date")))
        << date;
}

}  // namespace
}  // namespace e5v::library
