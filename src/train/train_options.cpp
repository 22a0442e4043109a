#include "train/train_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "ops/accelerator.h"

namespace e5v::train {
namespace {

template <class T>
std::string text_of(const T& value) {
  return fmt::format("{}", value);
}

}  // namespace

void check(const TrainOptions& o) {
  std::error_code error;
  for (const std::filesystem::path& own : {o.output, o.output / "model"})
    require(!std::filesystem::equivalent(o.model, own, error), "[{}] is the model's own folder", own.string());
  require(o.micro_batch > 0, "[train] --micro-batch {} is not positive", o.micro_batch);
  require(o.loss.temperature >= kLeastTemperature && o.loss.temperature <= kMostTemperature,
          "[train] --temperature {} is not in [{}, {}]: the loss would overflow, or not see the cosines",
          o.loss.temperature, kLeastTemperature, kMostTemperature);
  require(o.learning_rate * o.optimizer.weight_decay <= 1,
          "[train] --lr {} by --weight-decay {} is more than 1: each step would turn the parameters' signs",
          o.learning_rate, o.optimizer.weight_decay);
  require(o.data.together == 0 || o.data.together > 1,
          "[train] --together 1 leaves each row alone: expected 0, or 2 and more");
  require(o.examples.augment >= 0 && o.examples.augment <= 2, "[train] --augment {} is not in [0, 2]",
          o.examples.augment);
  require(o.optimizer.beta2 < 1, "[train] --beta2 {} is not in [0, 1)", o.optimizer.beta2);
  require(!o.optimizer.muon || o.trainee.parts.weights(),
          "[train] --muon is for weights: --train llm, projector, vision or all; adapters follow AdamW");
  require(o.trainee.lora.dropout >= 0 && o.trainee.lora.dropout < 1, "[train] --dropout {} is not in [0, 1)",
          o.trainee.lora.dropout);
  const bool drops = o.trainee.parts.lora && o.trainee.lora.dropout > 0;
  for (const DataSource& source : o.data.sources) {
    require(
        source.objective != Objective::contrastive || drops || pair_format_of(source.file) != PairFormat::text,
        "[{}] its sentences are their own positives, which dropout alone tells apart: --train lora, --dropout above 0",
        source.file.string());
  }
  require(o.steps >= 0 && (o.steps > 0 || o.epochs > 0), "[train] no steps to make");
  require(o.epochs <= kMostEpochs, "[train] --epochs {} is more than {}", o.epochs, kMostEpochs);
  require(o.keep > 0 && o.save_every > 0 && o.evaluate_every > 0, "[train] intervals are counted from 1");
}

std::int64_t steps_of(const TrainOptions& o, const TrainData& data) {
  if (o.steps > 0) return o.steps;
  return std::max<std::int64_t>(1, std::llround(o.epochs * static_cast<double>(data.steps_per_epoch())));
}

ContrastiveOptions loss_of(const TrainOptions& options) {
  ContrastiveOptions loss = options.loss;
  loss.grouped = options.data.together > 1;
  return loss;
}

TraineeOptions trainee_options(const TrainOptions& options, const TrainData& data) {
  TraineeOptions result = options.trainee;
  result.seed = options.data.seed;
  result.images = data.has_images();
  result.head = data.has_captions();
  result.place = ops::open_device(options.load.device);
  if (options.load.dtype == ComputeType::f32) result.precision = nn::Precision::f32;
  if (options.load.dtype == ComputeType::bf16) result.precision = nn::Precision::bf16;
  if (options.load.dtype == ComputeType::fp8) result.precision = nn::Precision::fp8;
  return result;
}

std::string names_of(const TrainedParts& parts) {
  std::vector<std::string_view> names;
  if (parts.lora) names.emplace_back("lora");
  if (parts.language_model) names.emplace_back("llm");
  if (parts.projector) names.emplace_back("projector");
  if (parts.vision) names.emplace_back("vision");
  return fmt::format("{}", fmt::join(names, ","));
}

RunIdentity identity_of(const TrainOptions& o, const TrainData& data, const Trainee& model) {
  RunIdentity identity{{"the model's weights", model.checkpoint().fingerprint().hex()},
                       {"the data", data.digest()},
                       {"--train", names_of(o.trainee.parts)},
                       {"--dtype", std::string(name_of(model.precision()))},
                       {"--batch", text_of(data.batch_size())},
                       {"the number of steps (--epochs, --steps)", text_of(steps_of(o, data))},
                       {"--schedule", std::string(name_of(o.schedule))},
                       {"--lr", text_of(o.learning_rate)},
                       {"--warmup", text_of(o.warmup)},
                       {"--weight-decay", text_of(o.optimizer.weight_decay)},
                       {"--beta2", text_of(o.optimizer.beta2)},
                       {"--muon", text_of(o.optimizer.muon)},
                       {"--clip", text_of(o.clip)},
                       {"--temperature", text_of(o.loss.temperature)},
                       {"--together", text_of(o.data.together)},
                       {"--symmetric", text_of(o.loss.symmetric)},
                       {"--augment", text_of(o.examples.augment)},
                       {"--seed", text_of(o.data.seed)},
                       {"--held-out", text_of(o.data.held_out)},
                       {"--max-tokens", text_of(o.examples.max_tokens)},
                       {"--caption-prompt", o.examples.caption_prompt},
                       {"--paper-compat", text_of(o.examples.paper_prompts || o.examples.paper_masks)}};
  if (data.has_images()) identity["--image-alpha"] = embed::drops_alpha(o.prepare) ? "drop" : "white";
  if (model.place() == tensor::Place::device) identity["--device"] = "a GPU";
  if (o.trainee.parts.lora) {
    identity["--rank"] = text_of(model.lora()->adapter().rank);
    identity["--alpha"] = text_of(o.trainee.lora.alpha);
    identity["--dropout"] = text_of(o.trainee.lora.dropout);
    identity["--targets"] = fmt::format("{}", fmt::join(o.trainee.lora.targets, ","));
  }
  return identity;
}

}  // namespace e5v::train
