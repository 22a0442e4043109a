#include "serve/library/search_request.h"

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class SearchRequestTest : public LibraryServiceTest {};

TEST_F(SearchRequestTest, WrongFieldsAreNamed) {
  EXPECT_THAT(refusal({{"filter", {{"from", "July"}}}}), HasSubstr("[filter.from] expected a date such as 2019"));
  EXPECT_THAT(refusal({{"filter", {{"from", "2020"}, {"to", "2019"}}}}),
              HasSubstr("[filter] expected a first date that is not after the last one"));
  EXPECT_THAT(refusal({{"filter", {{"to", ""}}}}), HasSubstr("[filter.to] expected a date"));
  EXPECT_THAT(refusal({{"filter", {{"orientation", "round"}}}}), HasSubstr("[filter.orientation] expected any or"));
  EXPECT_THAT(refusal({{"filter", {{"min_rating", 6}}}}),
              HasSubstr("[filter.min_rating] expected a whole number from -1"));
  EXPECT_THAT(refusal({{"filter", 3}}), HasSubstr("[filter] expected an object, found 3"));
  EXPECT_THAT(refusal({{"plus", "a"}}), HasSubstr("[plus] expected a list of texts, found \"a\""));
  EXPECT_THAT(refusal({{"plus", {"a", 1}}}), HasSubstr("[plus[1]] expected a string, found 1"));
  EXPECT_THAT(refusal({{"plus", {""}}}), HasSubstr("[plus[0]] expected a text"));
  EXPECT_THAT(refusal({{"minus", {"b", "a:200"}}}), HasSubstr("[minus[1]] expected a weight above 0"));
  EXPECT_THAT(refusal({{"plus", Json(std::vector<std::string>(33, "a"))}}),
              HasSubstr("expected at most 32 texts, found 33"));
  EXPECT_THAT(refusal({{"top", 0}}), HasSubstr("[top] expected a whole number from 1 to 1000, found 0"));
  EXPECT_THAT(refusal({{"text", "a"}, {"offset", 2'000'000'000}}), HasSubstr("[offset] expected"));
  EXPECT_THAT(refusal({{"min_score", 2}}), HasSubstr("[min_score] expected a number from -1 to 1, found 2"));
  EXPECT_THAT(refusal({{"image", "no base64!"}}), HasSubstr("[image] expected an image as base64"));
  EXPECT_THAT(refusal({{"image", golden_image()}, {"like", "0"}}),
              HasSubstr("[like] expected like or image, found both"));
  EXPECT_THAT(refusal({{"text", 3}}), HasSubstr("[text] expected a string, found 3"));
  EXPECT_THAT(refusal({{"text", "a"}, {"minus", {"a"}}}), HasSubstr("cancel each other"));
}

TEST_F(SearchRequestTest, AnEmptyTextIsNoQuery) {
  EXPECT_FALSE(search({{"text", ""}}).at("photos").at(0).contains("score"));
  EXPECT_TRUE(search({{"text", "a"}}).at("photos").at(0).contains("score"));
}

}  // namespace
}  // namespace e5v::serve
