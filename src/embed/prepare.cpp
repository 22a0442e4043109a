#include "embed/prepare.h"

#include <algorithm>

#include "base/file.h"
#include "image/decode.h"

namespace e5v::embed {
namespace {

constexpr std::string_view kSentenceSlot = "<sent>", kImagePlace = "<image>";

/// The bytes of an image file or the pixels, and a name for messages.
struct ImageContent {
  std::string name;
  std::string file;  // the content of a path's file
  std::span<const std::byte> encoded;
  const Pixels* pixels = nullptr;
};

ImageContent read_image(const ImageSource& source) {
  ImageContent content;
  if (const auto* path = std::get_if<std::filesystem::path>(&source)) {
    content.name = path->string();
    content.file = read_file(*path, kMaxFileBytes);
    content.encoded = std::as_bytes(std::span(content.file));
  } else if (const auto* encoded = std::get_if<EncodedImage>(&source)) {
    content.name = encoded->name;
    content.encoded = encoded->bytes;
  } else {
    content.name = "pixels";
    content.pixels = &std::get<Pixels>(source);
  }
  return content;
}

image::Bitmap check_pixels(const Pixels& pixels, std::int64_t max_pixels) {
  require(pixels.width > 0 && pixels.height > 0, "[pixels] the image is {} x {}, expected at least one pixel",
          pixels.width, pixels.height);
  const std::int64_t count = std::int64_t{pixels.width} * pixels.height;
  require(count <= max_pixels, "[pixels] {} pixels, the limit is {}", count, max_pixels);
  require(static_cast<std::int64_t>(pixels.rgb.size()) == 3 * count,
          "[pixels] {} bytes for {} x {} pixels, expected {}", pixels.rgb.size(), pixels.width, pixels.height,
          3 * count);
  image::Bitmap bitmap;
  bitmap.width = pixels.width;
  bitmap.height = pixels.height;
  bitmap.pixels = pixels.rgb;
  return bitmap;
}

image::Bitmap bitmap_of(const ImageContent& content, const PrepareOptions& options) {
  if (content.pixels != nullptr) return check_pixels(*content.pixels, options.max_pixels);
  return image::decode(content.encoded, content.name, {options.apply_exif, options.max_pixels, drops_alpha(options)});
}

/// A hash of the given image and of its preprocessing.
Hash128 content_key(const ImageContent& content, const std::string& preprocessing) {
  Hasher hasher;
  hasher.add(preprocessing);
  if (content.pixels == nullptr) return hasher.add(content.encoded).digest();
  hasher.add(std::int64_t{content.pixels->width}).add(std::int64_t{content.pixels->height});
  return hasher.add(std::as_bytes(std::span(content.pixels->rgb))).digest();
}

/// The text without a broken character at its end, which may be left when tokens are cut.
std::string without_broken_end(std::string text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  while (text.ends_with(kReplacement)) text.resize(text.size() - kReplacement.size());
  return text;
}

std::size_t count_of(std::string_view slot, std::string_view pattern) {
  std::size_t count = 0;
  for (auto at = pattern.find(slot); at != std::string_view::npos; at = pattern.find(slot, at + slot.size())) ++count;
  return count;
}

/// Checks that a template has a slot for the text, if there is one, and one for each image.
void check_slots(std::string_view name, std::string_view pattern, const Input& input) {
  const bool has_sentence_slot = count_of(kSentenceSlot, pattern) > 0;
  require(has_sentence_slot == input.text.has_value(), "[prompt {}] has {} slot for a text, the input has {}", name,
          has_sentence_slot ? "a" : "no", input.text ? "one" : "none");
  const std::size_t slots = count_of(kImagePlace, pattern), images = input.images.size();
  require((slots > 0) == (images > 0), "[prompt {}] has {} slot for an image, the input has {}", name,
          slots > 0 ? "a" : "no",
          images == 0   ? "none"
          : images == 1 ? "one"
                        : std::to_string(images));
  require(slots == images || images <= 1,
          "[prompt {}] has {} slot{} for images, the input has {}; give a template with an <image> for each", name,
          slots, slots == 1 ? "" : "s", images);
}

}  // namespace

std::string prompt_of(const Input& input, const std::string& run_prompt) {
  std::string prompt = input.prompt.value_or(run_prompt);
  return prompt.empty() ? std::string(text::default_prompt(input.text.has_value(), !input.images.empty())) : prompt;
}

bool drops_alpha(const PrepareOptions& options) {
  return options.alpha == Alpha::drop || (options.alpha == Alpha::automatic && options.paper_compat);
}

Preparer::Preparer(text::Tokenizer tokenizer, text::ChatStyle style, const image::Preprocess& preprocess,
                   const ModelLimits& limits, const PrepareOptions& options, std::string preprocessing)
    : Preparer(std::make_shared<const text::Tokenizer>(std::move(tokenizer)), style, preprocess, limits, options,
               std::move(preprocessing)) {}

Preparer::Preparer(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatStyle style,
                   const image::Preprocess& preprocess, const ModelLimits& limits, const PrepareOptions& options,
                   std::string preprocessing)
    : tokenizer_(std::move(tokenizer)),
      style_(style),
      preprocess_(preprocess),
      limits_(limits),
      options_(options),
      preprocessing_(std::move(preprocessing)) {}

PreparedInput Preparer::prepare(const Input& input, const std::string& prompt) {
  const std::string name = prompt_of(input, prompt);
  const KnownPrompt known = known_prompt(name);
  require(!limits_.one_image || input.images.size() <= 1, "[input] {} images were given, but this model takes one",
          input.images.size());
  const bool is_template = count_of(kSentenceSlot, name) + count_of(kImagePlace, name) > 0;
  check_slots(is_template ? to_string(in_quotes(name)) : name, known.prompt.text_template, input);
  PreparedInput prepared;
  prepared.prompt = known.hash;
  std::int64_t more_rows = 0;
  for (const ImageSource& source : input.images) {
    prepared.images.push_back(prepare_image(source));
    more_rows += prepared.images.back().rows() - 1;
  }
  prepared.symbols = with_image_rows(encode(known.prompt, input, more_rows), prepared.images);
  place(prepared);
  return prepared;
}

image::Bitmap Preparer::decode(const ImageSource& source) const { return bitmap_of(read_image(source), options_); }

std::shared_ptr<const std::string> Preparer::prompt_hash(const std::string& name_or_template) {
  return known_prompt(name_or_template).hash;
}

Preparer::KnownPrompt Preparer::known_prompt(const std::string& name_or_template) {
  const std::lock_guard lock(mutex_);
  const auto found = prompts_.find(name_or_template);
  if (found != prompts_.end()) return found->second;
  KnownPrompt known{text::find_prompt(name_or_template, style_), nullptr};
  Hasher hasher;
  hasher.add(known.prompt.text_template).add(std::int64_t{known.prompt.sts_normalisation});
  known.hash = std::make_shared<const std::string>(hasher.digest().hex());
  constexpr std::size_t kPromptsKept = 1000;
  if (prompts_.size() >= kPromptsKept) prompts_.clear();
  return prompts_.emplace(name_or_template, std::move(known)).first->second;
}

std::vector<std::int32_t> Preparer::encode(const text::Prompt& prompt, const Input& input,
                                           std::int64_t more_rows) const {
  std::string sentence = input.text.value_or("");
  const auto images = static_cast<std::int64_t>(input.images.size());
  auto ids = encode_filled(prompt.fill(sentence), images);
  const auto rows = [&] { return static_cast<std::int64_t>(ids.size()) + more_rows; };
  if (rows() <= limits_.context) return ids;
  require(options_.truncate && input.text, "[input] {} tokens, the context holds {}{}", rows(), limits_.context,
          input.text ? "; shorten the text, or have it cut by option truncate" : "");
  const std::vector<std::int32_t> tokens = tokenizer_->encode(sentence, false);
  for (auto keep = static_cast<std::int64_t>(tokens.size()); rows() > limits_.context;) {
    keep -= rows() - limits_.context;
    require(keep > 0, "[input] the prompt alone has more tokens than the context of {} holds", limits_.context);
    sentence = without_broken_end(tokenizer_->decode(std::span(tokens).first(static_cast<std::size_t>(keep))));
    ids = encode_filled(prompt.fill(sentence), images);
  }
  return ids;
}

std::vector<std::int32_t> Preparer::encode_filled(const std::string& filled, std::int64_t images) const {
  std::vector<std::int32_t> ids = tokenizer_->encode(filled);
  const auto slots = std::count(ids.begin(), ids.end(), limits_.image_token);
  require(images > 0 || slots == 0, "[input] <image> stands in a text, but there is no image");
  require(slots == images, "[input] the prompt holds <image> {} times, expected {}", slots,
          images == 1 ? "once" : fmt::format("{} times", images));
  std::replace(ids.begin(), ids.end(), limits_.image_token, kImageSlot);
  const auto largest = std::max_element(ids.begin(), ids.end());
  require(ids.empty() || *largest < limits_.vocabulary, "[input] token {} is above the model's vocabulary of {}",
          ids.empty() ? 0 : *largest, limits_.vocabulary);
  require(!ids.empty(), "[input] the prompt has no tokens");
  return ids;
}

model::PreparedImage Preparer::cut(const image::Bitmap& bitmap) const {
  return {model::Patches::of(image::make_tiles(bitmap, preprocess_), preprocess_.patch),
          model::ImageLayout(image::packed_order({bitmap.height, bitmap.width}, preprocess_))};
}

InputImage Preparer::prepare_image(const ImageSource& source) {
  require<InvalidInput>(limits_.sees, "[input] an image was given, but this checkpoint takes text only");
  const ImageContent content = read_image(source);
  // A batch may hold inputs with other options, and the result for an image depends on them.
  InputImage image{content_key(content, preprocessing_), nullptr};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = images_.find(image.key); found != images_.end()) image.prepared = found->second.lock();
    if (image.prepared) return image;
    std::erase_if(images_, [](const auto& entry) { return entry.second.expired(); });
  }
  image.prepared = std::make_shared<const model::PreparedImage>(cut(bitmap_of(content, options_)));
  const std::lock_guard lock(mutex_);
  images_[image.key] = image.prepared;
  return image;
}

}  // namespace e5v::embed
