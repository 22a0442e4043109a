#include "families/llava_next/prepare.h"

#include <algorithm>

#include "image/processor_file.h"

namespace e5v::families {
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

/// `context` is the maximum number of rows of a sequence, at which texts are cut.
Hash128 preprocessing_hash(const fs::path& folder, const image::Preprocess& p, const PrepareOptions& options,
                           std::int64_t context) {
  Hasher hasher;
  embed::add_preparation(hasher, folder);
  for (const image::Size& size : p.grid_pinpoints) hasher.add(std::int64_t{size.height}).add(std::int64_t{size.width});
  hasher.add(fmt::format("{} {} {} {} {} {}", p.tile, p.shortest_edge, p.patch, p.rescale, static_cast<int>(p.filter),
                         p.max_tiles));
  for (std::size_t c = 0; c < 3; ++c) hasher.add(fmt::format("{} {}", p.mean[c], p.std[c]));
  hasher.add(std::int64_t{options.paper_compat}).add(std::int64_t{options.apply_exif});
  hasher.add(std::int64_t{embed::drops_alpha(options)});
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

image::Preprocess read_llava_next_preprocess(const fs::path& folder, const model::ModelConfig& config,
                                             const PrepareOptions& options) {
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

embed::StyledTokenizer read_llava_next_tokenizer(const fs::path& folder, const model::ModelConfig& config) {
  text::Tokenizer tokenizer = text::Tokenizer::from_file(folder / "tokenizer.json");
  if (config.vision) tokenizer.ensure_added_token("<image>", static_cast<std::int32_t>(config.image_token));
  const char* backbone = config.text.backbone == model::Backbone::mistral ? "mistral" : "llama";
  const text::ChatStyle style = text::chat_style_for(tokenizer, backbone);
  return {std::move(tokenizer), style};
}

embed::Preparer make_llava_next_preparer(const fs::path& folder, const model::ModelConfig& config,
                                         const PrepareOptions& options, const embed::Preparer* sibling) {
  const image::Preprocess preprocess = read_llava_next_preprocess(folder, config, options);
  embed::ModelLimits limits;
  limits.sees = config.vision.has_value();
  limits.vocabulary = config.text.vocabulary;
  limits.context = std::min(config.text.max_positions, config.text.sliding_window.value_or(config.text.max_positions));
  const std::string hash = preprocessing_hash(folder, preprocess, options, limits.context).hex();
  if (sibling != nullptr) {
    limits.image_token = sibling->limits().image_token;
    return {sibling->shared_tokenizer(), sibling->style(), preprocess, limits, options, hash};
  }
  auto [read, style] = read_llava_next_tokenizer(folder, config);
  const auto tokenizer = std::make_shared<const text::Tokenizer>(std::move(read));
  limits.image_token = tokenizer->id_of("<image>").value_or(-1);
  return {tokenizer, style, preprocess, limits, options, hash};
}

}  // namespace e5v::families
