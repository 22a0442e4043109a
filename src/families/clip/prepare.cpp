#include "families/clip/prepare.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "embed/loading.h"
#include "image/processor_file.h"
#include "image/tile.h"

namespace e5v::families {
namespace {

namespace fs = std::filesystem;

embed::ModelLimits limits_of(const model::ClipTextConfig& config) {
  embed::ModelLimits limits;
  limits.sees = limits.one_image = true;
  limits.vocabulary = config.vocabulary;
  limits.context = config.max_positions;
  return limits;
}

/// The end of a text: the index after the token with the text's hidden state. Later tokens cannot change that state.
std::size_t end_of(const std::vector<std::int32_t>& ids, std::optional<std::int32_t> end_token) {
  const auto place =
      end_token ? std::find(ids.begin(), ids.end(), *end_token) : std::max_element(ids.begin(), ids.end());
  return static_cast<std::size_t>(place - ids.begin()) + (place != ids.end());
}

/// Texts are always cut. The shapes of the weights give the context, so it is not part of the hash.
Hash128 preprocessing_hash(const fs::path& folder, const image::Preprocess& p, const PrepareOptions& options) {
  Hasher hasher;
  embed::add_preparation(hasher, folder);
  hasher.add(fmt::format("clip {} {} {} {} {} {} {}", p.tile, p.shortest_edge, p.squeezed, p.rescale,
                         static_cast<int>(p.filter), options.apply_exif, embed::drops_alpha(options)));
  for (std::size_t c = 0; c < 3; ++c) hasher.add(fmt::format("{} {}", p.mean[c], p.std[c]));
  return hasher.digest();
}

}  // namespace

std::string config_text(const model::ClipModelConfig& c) {
  return fmt::format("clip {} {} {} {} vision {} {} {}", c.text.heads, c.text.norm_eps,
                     static_cast<int>(c.text.activation), c.text.end_token.value_or(-1), c.vision.heads,
                     c.vision.norm_eps, static_cast<int>(c.vision.activation));
}

ClipPreparer::ClipPreparer(std::shared_ptr<const text::Tokenizer> tokenizer, const image::Preprocess& preprocess,
                           const model::ClipTextConfig& config, const PrepareOptions& options,
                           std::string preprocessing)
    : embed::Preparer(std::move(tokenizer), text::ChatStyle::plain, preprocess, limits_of(config), options,
                      std::move(preprocessing)),
      end_token_(config.end_token) {}

std::vector<std::int32_t> ClipPreparer::encode(const text::Prompt& prompt, const Input& input, std::int64_t) const {
  if (!input.images.empty()) return {embed::kImageSlot};
  std::vector<std::int32_t> ids = tokenizer().encode_truncated(prompt.fill(*input.text), limits().context);
  ids.resize(end_of(ids, end_token_));
  return ids;
}

model::PreparedImage ClipPreparer::cut(const image::Bitmap& bitmap) const {
  model::Patches patches = model::Patches::of(image::centre_crop(bitmap, preprocess()), preprocess().patch);
  std::vector<std::int32_t> rows(static_cast<std::size_t>(patches.grids.front().patches()) + 1);
  std::iota(rows.begin(), rows.end(),
            model::ImageLayout::special(0));  // -1, the class token, then the features from 0
  return {std::move(patches), model::ImageLayout(std::move(rows))};
}

image::Preprocess read_clip_preprocess(const fs::path& folder, const model::ClipModelConfig& config) {
  std::optional<image::ProcessorFile> file = image::find_processor(folder);
  const std::string origin = (file ? file->path : folder / "config.json").string();
  image::Preprocess preprocess;
  if (file) {
    Json& json = file->settings;
    require<ModelError>(json.is_object(), "[{}] expected an object, found {}", origin, json.type_name());
    json["image_grid_pinpoints"] = Json::array();
    preprocess = image::Preprocess::from_json(json, origin);
    require<ModelError>(preprocess.tile == config.vision.image_size,
                        "[{}] \"crop_size\": expected the vision tower's {}, found {}", origin,
                        config.vision.image_size, preprocess.tile);
  } else {
    preprocess.grid_pinpoints.clear();
    preprocess.tile = preprocess.shortest_edge = static_cast<int>(config.vision.image_size);
  }
  preprocess.patch = static_cast<int>(config.vision.patch_size);
  preprocess.check(origin);
  return preprocess;
}

text::Tokenizer read_clip_tokenizer(const fs::path& folder, const model::ClipTextConfig& config) {
  const fs::path file = folder / "tokenizer.json";
  text::Tokenizer tokenizer = text::Tokenizer::from_file(file);
  require<ModelError>(tokenizer.size() <= config.vocabulary, "[{}] {} tokens, more than the vocabulary of {}",
                      file.string(), tokenizer.size(), config.vocabulary);
  const std::vector<std::int32_t> frame = tokenizer.encode("");
  require<ModelError>(static_cast<std::int64_t>(frame.size()) < config.max_positions,
                      "[{}] {} special tokens around a text, the context holds {}", file.string(), frame.size(),
                      config.max_positions);
  const bool ends = !frame.empty() && (!config.end_token || std::ranges::find(frame, *config.end_token) != frame.end());
  require<ModelError>(ends, "[{}] texts do not end with the eos_token_id of config.json, {}", file.string(),
                      config.end_token.value_or(2));
  return tokenizer;
}

std::unique_ptr<ClipPreparer> make_clip_preparer(const fs::path& folder, const model::ClipModelConfig& config,
                                                 const PrepareOptions& options, const embed::Preparer* sibling) {
  const image::Preprocess preprocess = read_clip_preprocess(folder, config);
  const auto tokenizer = sibling != nullptr
                             ? sibling->shared_tokenizer()
                             : std::make_shared<const text::Tokenizer>(read_clip_tokenizer(folder, config.text));
  return std::make_unique<ClipPreparer>(tokenizer, preprocess, config.text, options,
                                        preprocessing_hash(folder, preprocess, options).hex());
}

}  // namespace e5v::families
