#include "library/metadata_text.h"

#include <gtest/gtest.h>

namespace e5v::library {
namespace {

TEST(MetadataTexts, BlanksAndNulsAtTheEndsAreCut) {
  EXPECT_EQ(clean_text(std::string_view(" X100 \0\0", 8), 100), "X100");
  EXPECT_EQ(clean_text("a\xC3\xA9", 2), "a") << "no part of a character";
  EXPECT_EQ(clean_text("caf\xE9", 100), "caf\xEF\xBF\xBD");
}

TEST(MetadataTexts, DatesAreReadInBothSpellings) {
  EXPECT_EQ(iso_time("2019:07:14 12:33:10"), "2019-07-14T12:33:10");
  EXPECT_EQ(iso_time("2019-07-14T12:33:10+02:00"), "2019-07-14T12:33:10");
  EXPECT_EQ(iso_time("2019-07-14"), "2019-07-14T00:00:00");
  for (const char* date :
       {"", "2019", "2019:13:01 00:00:00", "    :  :     :  :  ", "2019-07-14T12", "2019:07:14 25:00:00"})
    EXPECT_EQ(iso_time(date), "") << date;
}

TEST(MetadataTexts, CamerasAreNamedOnce) {
  EXPECT_EQ(camera_name("Canon", "Canon EOS 5D"), "Canon EOS 5D");
  EXPECT_EQ(camera_name("FUJIFILM", "X100"), "FUJIFILM X100");
  EXPECT_EQ(camera_name("Apple", ""), "Apple");
  EXPECT_EQ(camera_name("", "X100"), "X100");
}

}  // namespace
}  // namespace e5v::library
