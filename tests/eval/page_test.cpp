#include "eval/page.h"

#include <gmock/gmock.h>

#include <limits>

#include "golden.h"

namespace e5v::eval {
namespace {

using testing::HasSubstr;
using testing::Not;

Result retrieval() {
  Result result{.task = "retrieval", .title = "Cats & dogs", .unit = "recall x 100"};
  result.facts = {{"model", "a<b"}};
  result.figures = {{"R@1", 52.5, 50.0}, {"R@5", 70, 75.0, 71.0}, {"R@10", std::numeric_limits<double>::quiet_NaN()}};
  const std::filesystem::path image = test::golden("images/img04_tiny_3x2.png");
  result.best = {{{"a <cat>", {}}, 1, {{{"", image}, 0.5, true}, {{"", "/nowhere/x.png"}, 0.25, false}}}};
  result.worst = {{{"change it", image}, 40, {{{"", image}, 0.5, false}}}};
  result.computed = 3, result.reused = 4, result.seconds = 5;
  return result;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Page, ShowsFiguresBesideThePapers) {
  const Result result = retrieval();
  const std::string html = page_of({&result, 1});
  EXPECT_THAT(html, HasSubstr("<tr><td>R@1</td><td>52.50</td><td>50.00</td><td class=\"better\">+2.50</td>"));
  EXPECT_THAT(html, HasSubstr("<td>75.00</td><td class=\"worse\">-5.00</td><td>71.00</td>"));
  EXPECT_THAT(html, HasSubstr("<td>R@10</td><td>undefined</td>"));
  EXPECT_THAT(html, HasSubstr("<b style=\"left:75.00%\""));
  EXPECT_THAT(html, HasSubstr("Cats &amp; dogs"));
  EXPECT_THAT(html, HasSubstr("a&lt;b"));
  EXPECT_THAT(html, HasSubstr("3 vectors computed, 4 reused"));
}

TEST(Page, TheTableSaysWhatIsUndefined) {
  Result result = retrieval();
  result.figures.push_back({"R@50", std::numeric_limits<double>::quiet_NaN(), 90.0});
  const std::string table = table_of(result);
  EXPECT_THAT(table, HasSubstr("R@10 undefined"));
  EXPECT_THAT(table, HasSubstr("R@50 undefined     90.00"));
  EXPECT_THAT(table, Not(HasSubstr("nan")));
  EXPECT_TRUE(json_of(result).at("figures")[3].at("value").is_null());
}

TEST(Page, HoldsTheImagesItself) {
  const Result result = retrieval();
  const std::string html = page_of({&result, 1});
  EXPECT_EQ(count(html, "class=\"image image0\""), 3u);
  EXPECT_EQ(count(html, "data:image/jpeg;base64,"), 1u) << "once, however often it is shown";
  EXPECT_THAT(html, HasSubstr("/nowhere/x.png (cannot be read)"));
  EXPECT_THAT(html, HasSubstr("a &lt;cat&gt;"));
  EXPECT_THAT(html, HasSubstr("rank of the right candidate: 40"));
  EXPECT_EQ(count(html, "class=\"found right\""), 1u);
  EXPECT_THAT(html, Not(testing::AnyOf(HasSubstr("http"), HasSubstr("<script"))));
}

TEST(Page, ShowsTheSpaceAndOnlyWhatThereIs) {
  Result gap{.task = "gap", .title = "Gap", .unit = "vectors", .in_percent = false};
  gap.figures = {{"distance", 0.5}};
  gap.space = SpacePlot{{{"texts", {{0, 0}, {1, 1}}}, {"images", {{0.5, 0.2}}}}, "two components"};
  const std::vector<Result> both{retrieval(), gap};
  const std::string html = page_of(both);
  EXPECT_EQ(count(html, "<h2 class=\"section\">"), 2u);
  EXPECT_EQ(count(html, "class=\"point\""), 3u);
  EXPECT_EQ(count(html, "<h2>Results"), 1u);
  EXPECT_THAT(page_of({&gap, 1}), Not(HasSubstr("Queries")));
}

TEST(Page, SumsUpManyEvaluations) {
  std::vector<Result> results{retrieval(), retrieval()};
  results[1].figures[1].headline = true;
  const std::string same = page_of(results);
  EXPECT_THAT(same, HasSubstr("2 evaluations"));
  EXPECT_EQ(count(same, "href=\"#evaluation1\""), 1u);
  EXPECT_THAT(same, HasSubstr("<section id=\"evaluation1\">"));
  EXPECT_THAT(same, HasSubstr("Cats &amp; dogs, R@5</span>")) << "its headline";
  EXPECT_THAT(same, HasSubstr("Cats &amp; dogs, R@1</span>")) << "the first figure, where none is a headline";
  EXPECT_EQ(count(same, "data:image/jpeg;base64,"), 1u);
  EXPECT_THAT(same, Not(HasSubstr("<th>model</th>")));
  results[1].facts = {{"model", "/models/clip"}, {"adapter", "run"}};
  EXPECT_THAT(page_of(results), HasSubstr("<td>clip + run</td>"));
  EXPECT_THAT(page_of({results.data(), 1}), Not(HasSubstr("Summary")));
}

TEST(Page, ShowsJudgedPairs) {
  Result result{.task = "sts", .title = "STS", .unit = "x"};
  result.agreed = {{{"a <b>", {}}, {"c", {}}, 2.5, 0.75, 0.5, 0.51}};
  result.disagreed = {{{"", test::golden("images/img04_tiny_3x2.png")}, {"d", {}}, 5, 0.125, 1, 0}};
  const std::string html = page_of({&result, 1});
  EXPECT_THAT(html, HasSubstr("<td><p>a &lt;b&gt;</p></td><td><p>c</p></td><td>50 %<small>2.5</small></td>"
                              "<td>51 %<small>0.750</small></td>"));
  EXPECT_THAT(html, HasSubstr("<td>100 %<small>5</small></td><td>0 %<small>0.125</small></td>"));
  EXPECT_EQ(count(html, "class=\"image image0\""), 1u);
}

}  // namespace
}  // namespace e5v::eval
