#include "http/message.h"

#include <gtest/gtest.h>

namespace e5v::http {
namespace {

TEST(Fields, NamesAreComparedWithoutCase) {
  Fields fields;
  fields.add("Content-Type", "text/plain");
  fields.add("content-type", "second");
  EXPECT_EQ(fields.find("CONTENT-TYPE"), "text/plain");
  EXPECT_EQ(fields.find("content"), "");
  EXPECT_EQ(fields.find("content-type-x"), "");
}

TEST(MediaType, HasNoCaseAndNoParameters) {
  EXPECT_EQ(media_type("application/json"), "application/json");
  EXPECT_EQ(media_type("Multipart/Form-Data \t; boundary=AbC"), "multipart/form-data");
  EXPECT_EQ(media_type(";"), "");
  EXPECT_EQ(media_type(""), "");
}

TEST(PercentDecoding, TakesOnlyWholeEscapes) {
  EXPECT_EQ(percent_decoded("/v1%2Fa%20b"), "/v1/a b");
  EXPECT_EQ(percent_decoded("%"), "%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%4x%zz%41"), "%4x%zzA");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
}

TEST(Query, ValuesAreFoundByTheirKey) {
  EXPECT_EQ(query_value("a=1&bc=x+y%21&d", "a"), "1");
  EXPECT_EQ(query_value("a=1&bc=x+y%21&d", "bc"), "x y!");
  EXPECT_EQ(query_value("a=1&bc=x+y%21&d", "d"), "");
  EXPECT_EQ(query_value("a=1&bc=2", "b"), std::nullopt);
  EXPECT_EQ(query_value("a=&b", "a"), "");
  EXPECT_EQ(query_value("%61=1", "a"), "1");
  EXPECT_EQ(query_value("", "a"), std::nullopt);
  EXPECT_EQ(query_value("a==", "a"), "=");
}

}  // namespace
}  // namespace e5v::http
