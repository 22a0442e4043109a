#include "eval/result.h"

#include <gmock/gmock.h>

#include <cmath>

namespace e5v::eval {
namespace {

using testing::HasSubstr;
using testing::Not;

Result some_result() {
  Result result{.task = "sts", .title = "Similarity", .unit = "correlation"};
  result.facts = {{"data", "own"}};
  result.figures = {{"all", 81.236, 80.0}, {"undefined", NAN}, {"tied", 50, {}, 75.0}};
  result.seconds = 2, result.computed = 3, result.reused = 4;
  return result;
}

TEST(Result, HeadlinesAreThoseMarkedOrElseTheFirst) {
  Result result = some_result();
  ASSERT_EQ(headlines(result).size(), 1u);
  EXPECT_EQ(headlines(result)[0].name, "all");
  result.figures[2].headline = true;
  ASSERT_EQ(headlines(result).size(), 1u);
  EXPECT_EQ(headlines(result)[0].name, "tied");
  EXPECT_TRUE(headlines(Result{}).empty());
}

TEST(Result, JsonHoldsNumbersAndNullForWhatIsNone) {
  const Json json = json_of(some_result());
  EXPECT_EQ(json.at("task"), "sts");
  EXPECT_EQ(json.at("facts").at("data"), "own");
  EXPECT_EQ(json.at("figures").at(0), (Json{{"name", "all"}, {"value", 81.236}, {"paper", 80.0}}));
  EXPECT_TRUE(json.at("figures").at(1).at("value").is_null());
  EXPECT_EQ(json.at("figures").at(2).at("optimistic"), 75.0);
  EXPECT_EQ(json.at("computed"), 3);
  EXPECT_FALSE(json.contains("best"));
  EXPECT_EQ(Json::parse(json.dump()), json);
}

TEST(Result, JsonNamesWhatIsMissing) {
  Result result = some_result();
  result.left_out = LeftOut{{"a.jpg", "b.jpg"}, 5};
  const Json left_out = json_of(result).at("left_out");
  EXPECT_EQ(left_out, (Json{{"pictures", 2}, {"queries", 5}, {"missing", {"a.jpg", "b.jpg"}}}));
}

TEST(Result, TheTableHasAColumnForThePaperOnlyWhereItSaysSomething) {
  Result result = some_result();
  EXPECT_THAT(table_of(result), HasSubstr("Similarity (correlation)\n  data: own\n"));
  EXPECT_THAT(table_of(result), HasSubstr("     81.24     80.00       +1.24"));
  EXPECT_THAT(table_of(result), HasSubstr("3 vectors computed, 4 reused"));
  result.figures[0].paper.reset();
  EXPECT_THAT(table_of(result), Not(HasSubstr("paper")));
  EXPECT_THAT(table_of(result), HasSubstr("ties as wins"));
}

}  // namespace
}  // namespace e5v::eval
