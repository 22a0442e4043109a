#include "embed/loading.h"

#include <algorithm>

#include "base/file.h"
#include "base/hub_cache.h"
#include "base/json.h"
#include "base/log.h"
#include "embed/clip_prepare.h"
#include "image/processor_file.h"
#include "model/adapter.h"
#include "model/unused_tensors.h"
#include "ops/accelerator.h"
#include "ops/isa.h"

namespace e5v::embed {
namespace {

namespace fs = std::filesystem;

std::string rope_text(const model::LinearRopeScaling& s) { return fmt::format(" linear {}", s.factor); }

std::string rope_text(const model::Llama3RopeScaling& s) {
  return fmt::format(" llama3 {} {} {} {}", s.factor, s.low_frequency_factor, s.high_frequency_factor,
                     s.original_max_positions);
}

std::string rope_text(const model::YarnRopeScaling& s) {
  return fmt::format(" yarn {} {} {} {} {} {}", s.factor, s.attention_factor, s.beta_fast, s.beta_slow,
                     s.original_max_positions, s.truncate);
}

/// Everything in the config that the numbers depend on beyond the weights' shapes.
std::string config_text(const model::ModelConfig& c) {
  std::string text = fmt::format("{} {} {} {} {} {}", c.text.heads, c.text.kv_heads, c.text.head_width, c.text.rms_eps,
                                 c.text.rope_theta, c.image_token);
  if (c.text.rope_scaling)
    text += std::visit([](const auto& scaling) { return rope_text(scaling); }, *c.text.rope_scaling);
  if (c.vision) {
    text +=
        fmt::format(" vision {} {} {} {} {}", c.vision->heads, c.vision->norm_eps,
                    static_cast<int>(c.vision->activation), c.feature_layer, static_cast<int>(c.projector_activation));
  }
  return text;
}

/// context: most rows of a sequence, which decides where texts are cut.
Hash128 preprocessing_hash(const fs::path& folder, const image::Preprocess& p, const EmbedderOptions& options,
                           std::int64_t context) {
  Hasher hasher;
  add_preparation(hasher, folder);
  for (const image::Size& size : p.grid_pinpoints) hasher.add(std::int64_t{size.height}).add(std::int64_t{size.width});
  hasher.add(fmt::format("{} {} {} {} {} {}", p.tile, p.shortest_edge, p.patch, p.rescale, static_cast<int>(p.filter),
                         p.max_tiles));
  for (std::size_t c = 0; c < 3; ++c) hasher.add(fmt::format("{} {}", p.mean[c], p.std[c]));
  hasher.add(std::int64_t{options.paper_compat}).add(std::int64_t{options.apply_exif});
  hasher.add(std::int64_t{drops_alpha(options)});
  if (options.truncate) hasher.add("truncate").add(context);
  return hasher.digest();
}

std::string pinpoints_text(const std::vector<image::Size>& pinpoints) {
  std::string text;
  for (const image::Size& size : pinpoints)
    text += fmt::format("{}{}x{}", text.empty() ? "" : " ", size.height, size.width);
  return text;
}

}  // namespace

image::Preprocess read_preprocess(const fs::path& folder, const model::ModelConfig& config,
                                  const EmbedderOptions& options) {
  image::Preprocess preprocess;
  if (!config.vision) return preprocess;
  const std::optional<image::ProcessorFile> file = image::find_processor(folder);
  const std::string origin = (file ? file->path : folder / "config.json").string();
  if (file) {
    preprocess = image::Preprocess::from_json(file->settings, origin);
    require<ModelError>(preprocess.grid_pinpoints == config.grid_pinpoints,
                        "[{}] image_grid_pinpoints are {}, but config.json has {}", origin,
                        pinpoints_text(preprocess.grid_pinpoints), pinpoints_text(config.grid_pinpoints));
  } else {
    preprocess.grid_pinpoints = config.grid_pinpoints;
    preprocess.tile = preprocess.shortest_edge = static_cast<int>(config.vision->image_size);
  }
  preprocess.patch = static_cast<int>(config.vision->patch_size);
  preprocess.variant = options.paper_compat ? image::Variant::v4412 : image::Variant::v5;
  preprocess.max_tiles = options.max_tiles;
  preprocess.check(origin);
  return preprocess;
}

text::Tokenizer read_tokenizer(const fs::path& folder, const model::ModelConfig& config) {
  text::Tokenizer tokenizer = text::Tokenizer::from_file(folder / "tokenizer.json");
  if (config.vision) tokenizer.ensure_added_token("<image>", static_cast<std::int32_t>(config.image_token));
  return tokenizer;
}

StyledTokenizer read_any_tokenizer(const fs::path& folder) {
  if (model::is_clip(folder))
    return {read_clip_tokenizer(folder, model::read_clip_config(folder).text), text::ChatStyle::plain};
  const model::ModelConfig config = model::read_config(folder);
  text::Tokenizer tokenizer = read_tokenizer(folder, config);
  const char* backbone = config.text.backbone == model::Backbone::mistral ? "mistral" : "llama";
  const text::ChatStyle style = text::chat_style_for(tokenizer, backbone);
  return {std::move(tokenizer), style};
}

void add_preparation(Hasher& hasher, const fs::path& folder, std::int64_t revision) {
  hasher.add(revision).add(read_file(folder / "tokenizer.json"));
}

std::string compute_text(nn::Precision precision, bool normalize, tensor::Place place) {
  std::string text(name_of(precision));
  if (place == tensor::Place::host) {
    if (precision == nn::Precision::int8 && !ops::has_native_int8()) text += "-wide";  // activations of 16 bits
    if (precision != nn::Precision::f32 && !ops::has_native_bf16()) text += "-f32";    // what is not int8, at least
  }
  return fmt::format("{}{}/{}", text, normalize ? "+l2" : "", kArithmeticRevision);
}

model::Checkpoint open_checkpoint(const fs::path& folder, const EmbedderOptions& options) {
  model::Checkpoint checkpoint(folder);
  checkpoint.place_on(ops::open_device(options.device));
  checkpoint.decode_as(decoded_type(choose_precision(options.dtype, stored_weights(checkpoint), checkpoint.place())));
  return checkpoint;
}

void warn_of_unused(const fs::path& folder, const std::vector<std::string>& names) {
  if (!names.empty()) log_warning("[{}] tensors that nothing uses: {}", folder.string(), model::names_text(names));
}

StoredWeights stored_weights(const model::Checkpoint& checkpoint) {
  const model::Checkpoint::Decoded decoded = checkpoint.decoded();
  return {.dtype = checkpoint.stored_dtype(),
          .format = checkpoint.stored_format(),
          .bytes = checkpoint.used_bytes(),
          .decoded = decoded.numbers,
          .unpacked = decoded.bytes,
          .rounds_inputs = checkpoint.rounds_inputs()};
}

nn::Precision choose_precision(ComputeType asked, const StoredWeights& stored, tensor::Place place) {
  switch (asked) {
    case ComputeType::f32: return nn::Precision::f32;
    case ComputeType::bf16: return nn::Precision::bf16;
    case ComputeType::fp8:
      require(place == tensor::Place::device, "[dtype] fp8 needs a GPU: CPUs have no 8-bit floats");
      return nn::Precision::fp8;
    case ComputeType::automatic: break;
  }
  return nn::default_precision(stored.dtype, stored.format, place, stored.rounds_inputs);
}

Preparer make_preparer(const fs::path& folder, const model::ModelConfig& config, const model::Checkpoint& checkpoint,
                       nn::Precision precision, const EmbedderOptions& options) {
  const image::Preprocess preprocess = read_preprocess(folder, config, options);
  ModelLimits limits;
  limits.sees = config.vision.has_value();
  limits.vocabulary = config.text.vocabulary;
  limits.context = std::min(config.text.max_positions, config.text.sliding_window.value_or(config.text.max_positions));
  Fingerprint base;
  const Hash128 weights = checkpoint.fingerprint();
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(&weights, 1))).add(config_text(config));
  if (!options.adapter.empty()) model::Adapter::add_content(hub_snapshot(options.adapter), hasher);
  base.weights = hasher.digest().hex();
  base.preprocessing = preprocessing_hash(folder, preprocess, options, limits.context).hex();
  base.compute = compute_text(precision, options.normalize, checkpoint.place());
  text::Tokenizer tokenizer = read_tokenizer(folder, config);
  const char* backbone = config.text.backbone == model::Backbone::mistral ? "mistral" : "llama";
  const text::ChatStyle style = text::chat_style_for(tokenizer, backbone);
  limits.image_token = tokenizer.id_of("<image>").value_or(-1);
  return {std::move(tokenizer), style, preprocess, limits, options, std::move(base)};
}

}  // namespace e5v::embed
