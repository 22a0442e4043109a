#include "train/metrics_log.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"

namespace e5v::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

std::vector<std::int64_t> steps_of(const std::filesystem::path& path) {
  std::vector<std::int64_t> steps;
  for (const StepMetrics& metrics : read_metrics(path)) steps.push_back(metrics.step);
  return steps;
}

TEST(MetricsLog, IsOneObjectALine) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsLog log(path, -1);
  log.add(0, {{metric::kLoss, 2.5}, {metric::kLearningRate, 4e-4}, {"a \"name\"", -1}});
  log.add(1, {{metric::kLoss, std::numeric_limits<double>::quiet_NaN()}});
  // Before the log is closed: a killed run keeps its lines.
  EXPECT_EQ(read_file(path),
            "{\"step\":0,\"loss\":2.5,\"lr\":0.0004,\"a \\\"name\\\"\":-1.0}\n{\"step\":1,\"loss\":null}\n");
}

TEST(MetricsLog, IsReadBack) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsLog log(path, -1);
  log.add(7, {{"loss", 0.1}, {"lr", std::numeric_limits<double>::infinity()}});
  const auto all = read_metrics(path);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].step, 7);
  EXPECT_THAT(all[0].values, ElementsAre(testing::Pair("loss", 0.1), testing::Pair("lr", testing::IsNan())));
}

TEST(MetricsLog, ResumedRunKeepsWhatItsCheckpointHas) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  {
    MetricsLog log(path, -1);
    for (std::int64_t step = 0; step < 10; ++step) log.add(step, {{"loss", 1}});
  }
  MetricsLog(path, 6).add(7, {{"loss", 2}});
  EXPECT_THAT(steps_of(path), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(read_metrics(path).back().values["loss"], 2);
  MetricsLog(path, 100);
  EXPECT_THAT(steps_of(path), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  MetricsLog(path, -1);
  EXPECT_THAT(steps_of(path), IsEmpty());
}

TEST(MetricsLog, TornLineIsCutOff) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.write("metrics.jsonl", "{\"step\":0,\"loss\":1}\n{\"step\":1,\"lo");
  EXPECT_THAT(steps_of(path), ElementsAre(0));
  MetricsLog(path, 5).add(1, {{"loss", 3}});
  EXPECT_EQ(read_file(path), "{\"step\":0,\"loss\":1}\n{\"step\":1,\"loss\":3.0}\n");
  const auto broken = folder.write("broken.jsonl", std::string("{\"step\":0}\n\0\0\n{\"step\":1}\n", 25));
  const MetricsLog log(broken, 5);
  EXPECT_EQ(read_file(broken), "{\"step\":0}\n");
}

TEST(MetricsLog, SaysWhatIsWrong) {
  const e5v::test::TemporaryFolder folder;
  const std::pair<std::string, std::string> cases[] = {
      {"[]", "m.jsonl:2] expected an object, found array"},
      {"x", "m.jsonl:2] is not JSON"},
      {"{\"loss\":1}", "m.jsonl:2] expected \"step\" with a whole number"},
      {"{\"step\":1.5}", "m.jsonl:2] expected \"step\" with a whole number"},
      {"{\"step\":1,\"loss\":\"2\"}", "m.jsonl:2] \"loss\": expected a number, found string"},
  };
  for (const auto& [line, part] : cases) {
    const auto path = folder.write("m.jsonl", "{\"step\":0}\n" + line + "\n");
    EXPECT_THAT([&] { read_metrics(path); }, ThrowsMessage<InvalidInput>(HasSubstr(part)));
  }
  MetricsLog log(folder.path() / "other.jsonl", -1);
  EXPECT_THAT([&] { log.add(1, {{"step", 1}}); }, ThrowsMessage<InvalidInput>(HasSubstr("cannot be called \"step\"")));
  EXPECT_THROW(MetricsLog(folder.path(), -1), InvalidInput);
}

}  // namespace
}  // namespace e5v::train
