#include "serve/library/photo_json.h"

#include <gtest/gtest.h>

namespace e5v::serve {
namespace {

library::Photo full_photo() {
  library::Photo photo;
  photo.hash = {1, 2};
  photo.paths = {"/photos/a b.jpg", "/photos/copy.jpg"};
  photo.bytes = 300;
  photo.metadata = {.width = 40,
                    .height = 30,
                    .taken = "2019-07-14T12:33:10",
                    .camera = "Canon EOS 5D",
                    .lens = "EF50mm",
                    .latitude = 46.5,
                    .longitude = 7.25,
                    .orientation = 6,
                    .rating = 4,
                    .keywords = {"sea", "night sky"},
                    .caption = "At the \"sea\""};
  return photo;
}

TEST(PhotoJson, DetailsAreAllThatIsKnown) {
  EXPECT_EQ(photo_details(full_photo()), Json::parse(R"({"id":"00000000000000020000000000000001","name":"a b.jpg",
    "width":40,"height":30,"taken":"2019-07-14T12:33:10","caption":"At the \"sea\"","rating":4,
    "paths":["/photos/a b.jpg","/photos/copy.jpg"],"bytes":300,"camera":"Canon EOS 5D","lens":"EF50mm",
    "place":[46.5,7.25],"keywords":["sea","night sky"]})"));
}

TEST(PhotoJson, SummariesNameNoFolder) {
  const Json summary = photo_summary(full_photo());
  EXPECT_EQ(summary.dump().find("/photos"), std::string::npos);
  EXPECT_EQ(summary["name"], "a b.jpg");
}

TEST(PhotoJson, WhatIsNotKnownIsAbsent) {
  library::Photo photo;
  photo.paths = {"/a.jpg"};
  const Json details = photo_details(photo);
  for (const char* key : {"taken", "caption", "rating", "camera", "lens", "place", "keywords"})
    EXPECT_FALSE(details.contains(key)) << key;
}

}  // namespace
}  // namespace e5v::serve
