#include "train/curves.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::train {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

std::vector<StepMetrics> run(std::int64_t steps) {
  std::vector<StepMetrics> all;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto place = static_cast<double>(step);
    StepMetrics metrics{
        step, {{"epoch", 2 * (place + 1) / static_cast<double>(steps)}, {"loss", 1 / (1 + place)}, {"lr", 1e-4}}};
    if (step % 50 == 49) metrics.values["held_out_loss"] = 2 / (1 + place);
    all.push_back(std::move(metrics));
  }
  return all;
}

TEST(Curves, ShowWhatWasMeasured) {
  const std::string page = curves_page(run(200), {"NLI <1>", {{"batch", "768"}, {"model", "E5-V & co"}}});
  EXPECT_THAT(page, AllOf(HasSubstr("<title>NLI &lt;1&gt;</title>"), HasSubstr("up to step 199"),
                          HasSubstr("<dt>batch</dt><dd>768</dd>"), HasSubstr("<dd>E5-V &amp; co</dd>")));
  EXPECT_THAT(
      page, AllOf(HasSubstr("<h2>Loss"), HasSubstr("held out <b>0.01</b>"), HasSubstr("<h2>Learning rate"),
                  HasSubstr(">epoch 2</text>"), Not(HasSubstr(">epoch 1</text>")), Not(HasSubstr(">epoch 3</text>"))));
  EXPECT_THAT(page, Not(testing::AnyOf(HasSubstr("Accuracy"), HasSubstr("Gradient norm"), HasSubstr("Speed"))));
}

TEST(Curves, NeedNothingElse) {
  const std::string page = curves_page(run(10), {});
  EXPECT_THAT(page,
              Not(testing::AnyOf(HasSubstr("http"), HasSubstr("<script"), HasSubstr("url("), HasSubstr("@import"))));
}

TEST(Curves, DoNotGrowWithTheRun) { EXPECT_LT(curves_page(run(100000), {}).size(), std::size_t{1} << 18); }

TEST(Curves, LeaveGapsOut) {
  auto metrics = run(20);
  metrics[3].values["loss"] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(curves_page(metrics, {}), Not(HasSubstr("nan")));
  EXPECT_THAT(curves_page({}, {}), HasSubstr("no step yet"));
}

TEST(Curves, AreWrittenFromTheLog) {
  const e5v::test::TemporaryFolder folder;
  const auto metrics = folder.write("metrics.jsonl", "{\"step\":0,\"loss\":1.5}\n"),
             page = folder.write("page.html", "old");
  write_curves(metrics, page, {"A run", {}});
  EXPECT_THAT(read_file(page), AllOf(testing::StartsWith("<!DOCTYPE html>"), HasSubstr("A run")));
  const auto empty = folder.write("empty.jsonl", "");
  EXPECT_THAT([&] { write_curves(empty, page, {}); }, ThrowsMessage<InvalidInput>(HasSubstr("holds no step")));
}

}  // namespace
}  // namespace e5v::train
