#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/interrupted.h"
#include "golden.h"
#include "temporary_folder.h"
#include "train/metrics_log.h"
#include "train/trainer.h"

namespace e5v::train::test {

inline constexpr const char* kPairs =
    "sent0,sent1,hard_neg\n"
    "Two dogs run.,Dogs are running.,A cat sleeps.\n"
    "He reads a book.,A man is reading.,Nobody reads.\n"
    "It is cold.,The day is freezing.,It is hot.\n"
    "She sings.,A woman is singing.,She is silent.\n"
    "bad row\n"
    "\"Rain, again.\",It rains.,The sun shines.\n"
    "The bus left.,The bus is gone.,The bus waits.\n"
    "Snow fell.,It snowed.,No snow fell.\n";

/// A short run on the tiny checkpoint.
struct Fixture {
  e5v::test::TemporaryFolder folder;
  TrainOptions options;
  TrainHooks hooks;
  std::vector<std::string> said;
  std::vector<StepReport> reports;

  Fixture() {
    options.model = e5v::test::golden("ckpt/tiny-small-f32");
    options.output = folder.path() / "run";
    options.data.sources = {{folder.write("pairs.csv", kPairs), Objective::contrastive}};
    options.data.batch = 3;
    options.micro_batch = 2;
    options.steps = 6;
    options.warmup = 2;
    options.trainee.lora = {.rank = 4, .alpha = 8, .dropout = 0.1, .targets = {"q_proj", "down_proj"}};
    options.save_every = 2;
    options.evaluate_every = 2;
    hooks.say = [this](const std::string& message) { said.push_back(message); };
    hooks.step = [this](const StepReport& report) { reports.push_back(report); };
  }

  void run() {
    reports.clear();
    train(options, hooks, processes::Group());
  }

  /// Runs, and stops behind a step.
  void run_until(std::int64_t step) {
    hooks.check_stop = [this, step] {
      if (!reports.empty() && reports.back().step == step) throw Interrupted();
    };
    EXPECT_THROW(run(), Interrupted);
    hooks.check_stop = nullptr;
  }

  std::vector<std::string> states() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options.output / "checkpoints"))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  std::vector<StepMetrics> metrics() const { return read_metrics(options.output / "metrics.jsonl"); }
};

}  // namespace e5v::train::test
