#include "model/synthetic_checkpoint.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/file.h"
#include "model/config.h"
#include "model/synthetic.h"
#include "tensor/tensor.h"
#include "text/synthetic_tokenizer.h"
#include "text/tokenizer.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;
using tensor::DType;

constexpr std::uint64_t kPieceBytes = 16 << 20;  // bytes that are generated and written at a time
constexpr std::uint64_t kMarginBytes = 64 << 20;
constexpr const char* kConfigFile = "config.json";
constexpr const char* kIndexFile = "model.safetensors.index.json";

constexpr const char* kE5v = R"({
  "architectures": ["LlavaNextForConditionalGeneration"],
  "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]],
  "image_token_index": 128256,
  "model_type": "llava_next",
  "projector_hidden_act": "gelu",
  "text_config": {
    "architectures": ["LlamaForCausalLM"], "bos_token_id": 128000, "eos_token_id": 128001, "hidden_act": "silu",
    "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 8192, "model_type": "llama",
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0, "vocab_size": 128320
  },
  "tie_word_embeddings": false,
  "vision_config": {
    "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
    "model_type": "clip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14,
    "projection_dim": 768
  },
  "vision_feature_layer": -2,
  "vision_feature_select_strategy": "default"
})";

/// The changes that make `tiny`. The tower's tiles have a quarter of the pixels, so that an image has few tokens.
constexpr const char* kTinyChanges = R"({
  "image_grid_pinpoints": [[168, 336], [336, 168], [336, 336], [504, 168], [168, 504]],
  "image_token_index": 4095,
  "text_config": {
    "bos_token_id": 4079, "eos_token_id": 4080, "hidden_size": 64, "intermediate_size": 192, "num_attention_heads": 4,
    "num_hidden_layers": 2, "num_key_value_heads": 2, "vocab_size": 4096
  },
  "vision_config": {
    "hidden_size": 32, "image_size": 168, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 3,
    "projection_dim": 32
  }
})";

Json named_config(const std::string& name) {
  Json config = Json::parse(kE5v);
  if (name == "tiny") config.merge_patch(Json::parse(kTinyChanges));
  return config;
}

Json preprocessor_config(const ModelConfig& config) {
  const std::int64_t tile = config.vision->image_size;
  const image::Preprocess defaults;
  Json grids = Json::array();
  for (const image::Size& size : config.grid_pinpoints) grids.push_back({size.height, size.width});
  return {{"aspect_ratio_setting", "anyres"},
          {"crop_size", {{"height", tile}, {"width", tile}}},
          {"do_center_crop", true},
          {"do_convert_rgb", true},
          {"do_normalize", true},
          {"do_pad", true},
          {"do_rescale", true},
          {"do_resize", true},
          {"image_grid_pinpoints", grids},
          {"image_mean", {0.48145466, 0.4578275, 0.40821073}},
          {"image_processor_type", "LlavaNextImageProcessor"},
          {"image_std", {0.26862954, 0.26130258, 0.27577711}},
          {"processor_class", "LlavaNextProcessor"},
          {"resample", 3},
          {"rescale_factor", 1 / 255.},
          {"size", {{"shortest_edge", tile}}}};
}

std::uint64_t bytes_of(const SyntheticTensor& tensor) {
  return static_cast<std::uint64_t>(tensor.spec.shape.elements() * size_of(tensor.spec.dtype));
}

std::string tokenizer_text(const SyntheticCheckpoint& checkpoint, const ModelConfig& config) {
  const std::optional<std::int64_t> image =
      config.vision ? std::optional<std::int64_t>(config.image_token) : std::nullopt;
  if (!checkpoint.tokenizer) return text::synthetic_tokenizer_json(config.text.vocabulary, image);
  const std::string origin = checkpoint.tokenizer->string();
  std::string json = read_file(*checkpoint.tokenizer);
  text::Tokenizer tokenizer = text::Tokenizer::from_json(json, origin);
  if (image) tokenizer.ensure_added_token("<image>", static_cast<std::int32_t>(*image));
  const std::int64_t max_ids = std::max(config.text.vocabulary, image.value_or(-1) + 1);
  require(tokenizer.size() <= max_ids, "[{}] has ids up to {}, the model's vocabulary has {} tokens", origin,
          tokenizer.size() - 1, config.text.vocabulary);
  return json;
}

/// The path without a separator at its end.
fs::path without_end(const fs::path& folder) {
  const fs::path whole = fs::weakly_canonical(fs::absolute(folder));
  return whole.has_filename() ? whole : whole.parent_path();
}

/// FOLDER.partial, which belongs to this object from its construction to commit().
class Staging {
 public:
  explicit Staging(const fs::path& folder) : final_(without_end(folder)), path_(partial_folder(folder)) {
    require(!fs::exists(final_) || fs::is_directory(final_), "[{}] is a file, expected a folder", final_.string());
    fs::create_directories(path_.parent_path());
    require(fs::create_directory(path_),
            "[{}] exists: another run writes it, or one that was killed left it: remove it", path_.string());
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

  /// Moves everything to the final folder. A folder without config.json is no checkpoint, so the old one is removed
  /// first and the new one is moved last.
  void commit() const {
    fs::create_directories(final_);
    fs::remove(final_ / kConfigFile);
    std::vector<fs::path> old, made;
    for (const auto& entry : fs::directory_iterator(final_)) {
      const fs::path name = entry.path().filename();
      if (name.extension() == ".safetensors" || name == kIndexFile) old.push_back(entry.path());
    }
    for (const fs::path& path : old) fs::remove(path);
    for (const auto& entry : fs::directory_iterator(path_)) made.push_back(entry.path().filename());
    std::sort(made.begin(), made.end(), [](const fs::path& a, const fs::path& b) {
      return std::pair(a == kConfigFile, a) < std::pair(b == kConfigFile, b);
    });
    for (const fs::path& name : made) fs::rename(path_ / name, final_ / name);
  }

 private:
  fs::path final_, path_;
};

/// Groups tensors into shards of at most `limit` bytes. Each shard has at least one tensor.
std::vector<std::vector<SyntheticTensor>> shards_of(std::vector<SyntheticTensor> tensors, std::uint64_t limit) {
  std::vector<std::vector<SyntheticTensor>> shards;
  std::uint64_t filled = 0;
  for (SyntheticTensor& tensor : tensors) {
    const std::uint64_t bytes = bytes_of(tensor);
    if (shards.empty() || filled + bytes > limit) {
      shards.emplace_back();
      filled = 0;
    }
    filled += bytes;
    shards.back().push_back(std::move(tensor));
  }
  return shards;
}

void write_shard(const fs::path& path, const std::vector<SyntheticTensor>& tensors,
                 const SyntheticCheckpoint& checkpoint, std::span<std::byte> buffer) {
  std::vector<tensor::TensorSpec> specs;
  for (const SyntheticTensor& tensor : tensors) specs.push_back(tensor.spec);
  tensor::SafetensorsWriter writer(path, specs, {{"format", "pt"}});
  for (const SyntheticTensor& tensor : tensors) {
    const std::uint64_t bytes = bytes_of(tensor);
    for (std::uint64_t begin = 0; begin < bytes; begin += buffer.size()) {
      checkpoint.check_stop();
      const std::span<std::byte> piece = buffer.first(std::min<std::uint64_t>(buffer.size(), bytes - begin));
      fill_synthetic(tensor, checkpoint.seed, static_cast<std::int64_t>(begin) / size_of(tensor.spec.dtype), piece);
      writer.write(tensor.spec.name, piece);
      checkpoint.advanced(piece.size());
    }
  }
  writer.finish();
}

void write_weights(const fs::path& folder, const ModelConfig& config, const SyntheticCheckpoint& checkpoint) {
  const auto shards = shards_of(synthetic_tensors(config, checkpoint.dtype, checkpoint.scheme), checkpoint.shard_bytes);
  const tensor::Buffer buffer(kPieceBytes);
  Json map = Json::object();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shards.size() == 1 ? "model.safetensors"
                                                : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    write_shard(folder / name, shards[i], checkpoint, {buffer.data(), buffer.size()});
    for (const SyntheticTensor& tensor : shards[i]) map[tensor.spec.name] = name;
  }
  if (shards.size() == 1) return;
  const Json index{{"metadata", {{"total_size", checkpoint.bytes()}}}, {"weight_map", map}};
  write_file_atomically(folder / kIndexFile, index.dump(2) + "\n");
}

}  // namespace

fs::path partial_folder(const fs::path& folder) { return without_end(folder).string() + ".partial"; }

Json synthetic_config(const std::string& name, std::optional<std::int64_t> layers, DType dtype) {
  const bool named = name == "e5-v" || name == "tiny";
  require(named || fs::exists(name), "[{}] expected e5-v, tiny, or a config.json, found neither", name);
  Json config = named ? named_config(name) : read_json(name);
  parse_config(config, name);  // checks that the members below are objects
  const bool nested = config.contains("text_config") || config.value("model_type", "") == "llava_next";
  if (layers) (nested ? config["text_config"] : config)["num_hidden_layers"] = *layers;
  config["torch_dtype"] = dtype == DType::f32 ? "float32" : "bfloat16";
  parse_config(config, name);
  return config;
}

std::uint64_t SyntheticCheckpoint::bytes() const {
  std::uint64_t total = 0;
  for (const SyntheticTensor& tensor : synthetic_tensors(parse_config(config, kConfigFile), dtype))
    total += bytes_of(tensor);
  return total;
}

void check_space(std::uint64_t needed, std::uint64_t available, const fs::path& folder) {
  constexpr double kGiB = 1 << 30;
  require(available >= needed + kMarginBytes, "[{}] {:.1f} GiB are needed there, {:.1f} GiB are free", folder.string(),
          static_cast<double>(needed + kMarginBytes) / kGiB, static_cast<double>(available) / kGiB);
}

void SyntheticCheckpoint::write(const fs::path& folder) const try {
  const ModelConfig parsed = parse_config(config, kConfigFile);
  const std::string tokenizer_json = tokenizer_text(*this, parsed);
  const Staging staging(folder);
  check_space(bytes(), fs::space(staging.path()).available, folder);
  write_file_atomically(staging.path() / "tokenizer.json", tokenizer_json);
  if (parsed.vision) {
    write_file_atomically(staging.path() / "preprocessor_config.json", preprocessor_config(parsed).dump(2) + "\n");
  }
  write_weights(staging.path(), parsed, *this);
  write_file_atomically(staging.path() / kConfigFile, config.dump(2) + "\n");
  staging.commit();
} catch (const fs::filesystem_error& error) {
  fail<InvalidInput>("[{}] cannot be written: {}", error.path1().string(), error.code().message());
}

}  // namespace e5v::model
