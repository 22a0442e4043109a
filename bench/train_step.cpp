#include <fmt/format.h>

#include <memory>
#include <optional>
#include <random>

#include "train/examples.h"
#include "train/grad_cache.h"
#include "train/optimizer.h"
#include "train/trainee.h"
#include "workloads.h"

namespace e5v::bench {
namespace {

/// A number of pairs that fills the device. A GPU of 80 GB keeps their activations next to the weights.
std::int64_t pairs_for(tensor::Place place, std::int64_t layers) {
  if (place == tensor::Place::host) return 16;
  return layers > 8 ? 48 : 128;
}

/// A sentence of a dozen words.
std::string sentence(unsigned seed) {
  static constexpr const char* kWords[] = {"a",   "man",   "two",   "dogs", "the",   "street",
                                           "red", "plays", "music", "near", "small", "house"};
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < 12; ++i) text += std::string(i == 0 ? "" : " ") + kWords[random() % std::size(kWords)];
  return text + ".";
}

train::PairBatch batch_of(embed::Preparer& preparer, std::int64_t count) {
  std::vector<train::Pair> pairs;
  for (unsigned i = 0; i < count; ++i) {
    pairs.push_back({Input::from_text(sentence(3 * i)), Input::from_text(sentence(3 * i + 1)), sentence(3 * i + 2)});
  }
  return train::Examples(preparer, {}).contrastive(pairs);
}

/// The state of a training run.
struct Step {
  processes::Group alone;
  train::Trainee model;
  std::int64_t pairs;
  train::PairBatch batch;
  std::vector<train::Parameter> parameters;
  std::unique_ptr<train::Optimizer> optimizer;
  train::GradCache gradients;
  std::uint32_t number = 0;

  Step(BenchModel& bench, std::optional<std::int64_t> wanted)
      : model(model::Checkpoint(bench.tensors(), "synthetic weights"), bench.config(), {}, options_of(bench)),
        pairs(wanted.value_or(pairs_for(bench.place(), bench.config().text.layers))),
        batch(batch_of(bench.preparer(), pairs)),
        parameters(model.parameters()),
        gradients(model, {.micro_batch = pairs}, alone) {
    const std::vector<train::TrainedSpan> spans(parameters.begin(), parameters.end());
    optimizer = std::make_unique<train::Optimizer>(spans, train::OptimizerOptions{});
  }

  static train::TraineeOptions options_of(const BenchModel& bench) {
    train::TraineeOptions options;
    options.precision = bench.precision();
    options.place = bench.place();
    return options;
  }

  void run() {
    model.clear_gradients();
    const nn::Dropout dropout{0.05f, 1, number++};
    gradients.accumulate(batch, &dropout);
    const std::vector<train::TrainedSpan> spans(parameters.begin(), parameters.end());
    train::clip_gradients(spans, 1);
    optimizer->step(spans, 1e-5);
  }

  /// Rows times parameters, summed over all matrices. In the last block all rows are multiplied only for keys and
  /// values.
  double products() const {
    const auto tokens = static_cast<double>(batch.tokens());
    const std::string last = fmt::format("layers.{}.", model.config().text.layers - 1);
    double count = 0;
    for (const model::AdapterSite& site : adapter_sites(model.config().text)) {
      const bool pooled =
          site.name.find(last) != std::string::npos && !site.name.ends_with("k_proj") && !site.name.ends_with("v_proj");
      count += static_cast<double>(site.outputs * site.inputs) * (pooled ? 3.0 * static_cast<double>(pairs) : tokens);
    }
    return count;
  }
};

}  // namespace

Workload train_step(BenchModel& model, std::optional<std::int64_t> pairs) {
  const auto step = std::make_shared<Step>(model, pairs);
  const auto tokens = static_cast<double>(step->batch.tokens());
  return {"train", "tokens", tokens, 4 * step->products(), [step] { step->run(); }};
}

}  // namespace e5v::bench
