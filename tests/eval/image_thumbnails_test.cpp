#include "eval/image_thumbnails.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "image/encode.h"
#include "report/page.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ImagesTest : public testing::Test {
 protected:
  /// A PNG of one grey.
  fs::path grey(const std::string& name, std::uint8_t level, int width = 4, int height = 4) const {
    image::Bitmap bitmap(width, height);
    std::ranges::fill(bitmap.pixels, level);
    return folder_.write(name, image::encode_png(bitmap));
  }
  std::int64_t rules() const { return std::ranges::count(images_.style(), '\n'); }

  test::TemporaryFolder folder_;
  ImageThumbnails images_;
};

TEST_F(ImagesTest, AnElementShowsTheRuleThatHoldsTheImage) {
  EXPECT_EQ(images_.style(), "");
  EXPECT_EQ(images_.html_of(grey("a&b.png", 10)),
            "<span class=\"image image0\" role=\"img\" aria-label=\"a&amp;b.png\" title=\"a&amp;b.png\"></span>");
  EXPECT_THAT(images_.style(), testing::StartsWith(".image0{background-image:url(data:image/jpeg;base64,"));
  EXPECT_THAT(images_.html_of(grey("c.png", 200)), HasSubstr("class=\"image image1\""));
  EXPECT_THAT(images_.style(), HasSubstr("\n.image1{background-image:url("));
}

TEST_F(ImagesTest, WhatLooksTheSameIsThereOnce) {
  images_.html_of(grey("a.png", 10));
  EXPECT_THAT(images_.html_of(grey("b.png", 10)), testing::AllOf(HasSubstr("image0"), HasSubstr("title=\"b.png\"")));
  EXPECT_EQ(rules(), 1);
}

TEST_F(ImagesTest, AFileIsReadOnce) {
  const fs::path file = grey("a.png", 10);
  const std::string shown = images_.html_of(file);
  fs::remove(file);
  EXPECT_EQ(images_.html_of(file), shown);
  EXPECT_EQ(rules(), 1);
}

TEST_F(ImagesTest, ImagesAreSmall) {
  images_.html_of(grey("large.png", 10, 880, 440));
  image::Bitmap small(220, 110);
  std::ranges::fill(small.pixels, std::uint8_t{10});
  EXPECT_THAT(images_.style(), HasSubstr(report::data_uri("image/jpeg", image::encode_jpeg(small, 80))));
}

TEST_F(ImagesTest, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(images_.html_of("/no<where>/x.png"), "<p>/no&lt;where&gt;/x.png (cannot be read)</p>");
  const fs::path broken = folder_.write("broken.png", "\x89PNG\r\n\x1A\n and no more");
  EXPECT_EQ(images_.html_of(broken), "<p>" + broken.string() + " (cannot be read)</p>");
  EXPECT_EQ(images_.style(), "");
}

}  // namespace
}  // namespace e5v::eval
