#include "inspect/doctor.h"

#include <gmock/gmock.h>

#include <cmath>
#include <new>

#include "base/error.h"
#include "changed_checkpoint.h"
#include "golden.h"
#include "temporary_folder.h"

namespace e5v::inspect {
namespace {

using testing::HasSubstr;

std::vector<Check> checks_of(const std::filesystem::path& folder) {
  std::vector<Check> checks;
  check_model(folder, {}, [&](const Check& check) { checks.push_back(check); });
  return checks;
}

std::vector<std::string> names_of(const std::vector<Check>& checks) {
  std::vector<std::string> names;
  for (const Check& check : checks) names.push_back(check.name);
  return names;
}

TEST(Doctor, ReportsWhatACheckThrows) {
  std::vector<Check> seen;
  const ReportCheck report = [&](const Check& check) { seen.push_back(check); };
  EXPECT_TRUE(run_check("fine", report, [] { return "all well"; }));
  EXPECT_FALSE(run_check("broken", report, []() -> std::string { throw ModelError("no"); }));
  EXPECT_FALSE(run_check("short", report, []() -> std::string { throw std::bad_alloc(); }));
  ASSERT_EQ(seen.size(), 3);
  EXPECT_TRUE(seen[0].ok);
  EXPECT_EQ(seen[1].detail, "no");
  EXPECT_EQ(seen[2].detail, "out of memory");
}

TEST(Doctor, AGoodFolderPassesEveryCheck) {
  const std::vector<Check> checks = checks_of(test::golden("ckpt/tiny-small-f32"));
  for (const Check& check : checks) {
    EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
    EXPECT_FALSE(check.detail.empty()) << check.name;
  }
  EXPECT_THAT(names_of(checks),
              testing::ElementsAre("folder", "config.json", "weights", "  model.safetensors", "tensors", "values",
                                   "tokenizer.json", "preprocessor_config.json", "memory for it", "embedding"));
}

TEST(Doctor, WithoutAFolderNothingElseIsLookedAt) {
  const std::vector<Check> checks = checks_of("/no/such/folder");
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_FALSE(checks[0].ok);
  EXPECT_THAT(checks[0].detail, HasSubstr("/no/such/folder"));
}

TEST(Doctor, ChecksThatDependOnAFailedOneAreLeftOut) {
  const test::TemporaryFolder folder;
  const auto model = folder.path() / "model";
  test::copy_with(model, "language_model.model.norm.weight", NAN);
  const std::vector<Check> checks = checks_of(model);
  const auto values = std::ranges::find(checks, "values", &Check::name);
  ASSERT_NE(values, checks.end());
  EXPECT_FALSE(values->ok);
  EXPECT_THAT(values->detail, HasSubstr("norm.weight"));
  EXPECT_THAT(names_of(checks), testing::Contains("tokenizer.json"));
  EXPECT_THAT(names_of(checks), testing::Not(testing::Contains("embedding")));
}

TEST(Doctor, WithoutAConfigTheFilesAreStillLookedAt) {
  const test::TemporaryFolder folder;
  const auto model = folder.path() / "model";
  std::filesystem::copy(test::golden("ckpt/tiny-small-f32"), model);
  std::filesystem::remove(model / "config.json");
  std::ofstream(model / "config.json") << "{}";
  const std::vector<Check> checks = checks_of(model);
  const auto config = std::ranges::find(checks, "config.json", &Check::name);
  ASSERT_NE(config, checks.end());
  EXPECT_FALSE(config->ok);
  EXPECT_THAT(names_of(checks), testing::Contains("values"));
  EXPECT_THAT(names_of(checks), testing::Not(testing::Contains("embedding")));
}

TEST(Doctor, TellsOfTheMachine) {
  std::vector<Check> checks;
  check_machine("cpu", [&](const Check& check) { checks.push_back(check); });
  EXPECT_THAT(names_of(checks), testing::ElementsAre("processor", "instructions", "GPU", "memory"));
  for (const Check& check : checks) EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
  EXPECT_EQ(checks[2].detail, "not looked for: the device is to be cpu");
}

}  // namespace
}  // namespace e5v::inspect
