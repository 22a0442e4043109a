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
  require(o.micro_batch > 0, "[train] option micro_batch {} is not positive", o.micro_batch);
  require(o.loss.temperature >= kMinTemperature && o.loss.temperature <= kMaxTemperature,
          "[train] option temperature {} is not in [{}, {}]: the loss would overflow, or hardly depend on the cosines",
          o.loss.temperature, kMinTemperature, kMaxTemperature);
  require(o.learning_rate * o.optimizer.weight_decay <= 1,
          "[train] option learning_rate {} times option weight_decay {} is more than 1: each step would change the "
          "signs of parameters",
          o.learning_rate, o.optimizer.weight_decay);
  require(o.data.together == 0 || o.data.together > 1, "[train] option together is 1, expected 0, or 2 or more");
  require(o.examples.augment >= 0 && o.examples.augment <= 2, "[train] option augment {} is not in [0, 2]",
          o.examples.augment);
  require(o.optimizer.beta2 < 1, "[train] option beta2 {} is not in [0, 1)", o.optimizer.beta2);
  require(!o.optimizer.muon || o.trainee.parts.weights(),
          "[train] option muon is for weights: option parts llm, projector, vision or all; adapters follow AdamW");
  require(o.trainee.lora.dropout >= 0 && o.trainee.lora.dropout < 1, "[train] option dropout {} is not in [0, 1)",
          o.trainee.lora.dropout);
  const bool drops = o.trainee.parts.lora && o.trainee.lora.dropout > 0;
  for (const DataSource& source : o.data.sources) {
    require(source.objective != Objective::contrastive || drops || pair_format_of(source.file) != PairFormat::text,
            "[{}] its sentences are their own positives, which differ only by dropout: expected option parts lora and "
            "option dropout above 0",
            source.file.string());
  }
  require(o.steps >= 0 && (o.steps > 0 || o.epochs > 0),
          "[train] expected at least one step or a positive number of epochs");
  require(o.epochs <= kMaxEpochs, "[train] option epochs {} is more than {}", o.epochs, kMaxEpochs);
  require(o.keep > 0 && o.save_every > 0 && o.evaluate_every > 0, "[train] expected intervals of 1 or more");
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
                       {"option parts", names_of(o.trainee.parts)},
                       {"option dtype", std::string(name_of(model.precision()))},
                       {"option batch", text_of(data.batch_size())},
                       {"the number of steps (option epochs, option steps)", text_of(steps_of(o, data))},
                       {"option schedule", std::string(name_of(o.schedule))},
                       {"option learning_rate", text_of(o.learning_rate)},
                       {"option warmup", text_of(o.warmup)},
                       {"option weight_decay", text_of(o.optimizer.weight_decay)},
                       {"option beta2", text_of(o.optimizer.beta2)},
                       {"option muon", text_of(o.optimizer.muon)},
                       {"option clip", text_of(o.clip)},
                       {"option temperature", text_of(o.loss.temperature)},
                       {"option together", text_of(o.data.together)},
                       {"option symmetric", text_of(o.loss.symmetric)},
                       {"option augment", text_of(o.examples.augment)},
                       {"option seed", text_of(o.data.seed)},
                       {"option held_out", text_of(o.data.held_out)},
                       {"option max_tokens", text_of(o.examples.max_tokens)},
                       {"option caption_prompt", o.examples.caption_prompt},
                       {"option paper_compat", text_of(o.examples.paper_prompts || o.examples.paper_masks)}};
  if (data.has_images()) identity["option image_alpha"] = embed::drops_alpha(o.prepare) ? "drop" : "white";
  if (model.place() == tensor::Place::device) identity["option device"] = "a GPU";
  if (o.trainee.parts.lora) {
    identity["option lora_rank"] = text_of(model.lora()->adapter().rank);
    identity["option lora_alpha"] = text_of(o.trainee.lora.alpha);
    identity["option dropout"] = text_of(o.trainee.lora.dropout);
    identity["option targets"] = fmt::format("{}", fmt::join(o.trainee.lora.targets, ","));
  }
  return identity;
}

}  // namespace e5v::train
