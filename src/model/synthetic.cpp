// Legend: D model width, H heads, K kv heads, E head width, F MLP width; V tower width, M tower MLP width.
#include "model/synthetic.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/hash.h"
#include "base/parallel.h"

namespace e5v::model {
namespace {

using tensor::BFloat16;
using tensor::DType;
using tensor::Shape;

constexpr float kSmall = 0.02f;

/// Collects tensors.
class List {
 public:
  List(DType dtype, WeightScheme scheme) : dtype_(dtype), start_(scheme == WeightScheme::start) {}

  void matrix(const std::string& name, std::int64_t outputs, std::int64_t inputs, float factor = 1) {
    add(name, {outputs, inputs}, 0, (start_ ? factor : 1) / std::sqrt(static_cast<float>(inputs)));
  }
  /// `factor` scales the initial values.
  void biased(const std::string& name, std::int64_t outputs, std::int64_t inputs, float factor = 1) {
    matrix(name + ".weight", outputs, inputs, factor);
    offset(name + ".bias", outputs);
  }
  void small(const std::string& name, const Shape& shape) { add(name, shape, 0, kSmall); }
  void norm(const std::string& name, std::int64_t width) { add(name, {width}, 1, start_ ? 0 : kSmall); }
  void layer_norm(const std::string& name, std::int64_t width) {
    norm(name + ".weight", width);
    offset(name + ".bias", width);
  }
  void offset(const std::string& name, std::int64_t width) { add(name, {width}, 0, start_ ? 0 : kSmall); }
  void places(const std::string& name, std::int64_t width, std::int64_t grid) {
    small(name, {1 + grid * grid, width});
    if (start_) tensors_.back().grid = grid;
  }
  void add(const std::string& name, const Shape& shape, float mean, float deviation) {
    tensors_.push_back({{name, dtype_, shape}, mean, deviation});
  }
  std::vector<SyntheticTensor> take() { return std::move(tensors_); }

 private:
  DType dtype_;
  bool start_;
  std::vector<SyntheticTensor> tensors_;
};

/// The factor of the matrices at the end of a block's branches. Each layer has two branches.
float branch_factor(std::int64_t layers) { return 1 / std::sqrt(2 * static_cast<float>(layers)); }

void add_tower(List& list, const ClipConfig& c) {
  const std::string tower = "vision_tower.vision_model.";
  const std::int64_t V = c.width, M = c.mlp_width, P = c.patch_size;
  const float back = branch_factor(c.layers);
  list.small(tower + "embeddings.class_embedding", {V});
  list.add(tower + "embeddings.patch_embedding.weight", {V, 3, P, P}, 0, 1 / std::sqrt(static_cast<float>(3 * P * P)));
  list.places(tower + "embeddings.position_embedding.weight", V, c.image_size / P);
  list.layer_norm(tower + "pre_layrnorm", V);
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string block = fmt::format("{}encoder.layers.{}.", tower, layer);
    list.layer_norm(block + "layer_norm1", V);
    for (const char* name : {"q_proj", "k_proj", "v_proj"}) list.biased(block + "self_attn." + name, V, V);
    list.biased(block + "self_attn.out_proj", V, V, back);
    list.layer_norm(block + "layer_norm2", V);
    list.biased(block + "mlp.fc1", M, V, 1 / std::numbers::sqrt2_v<float>);
    list.biased(block + "mlp.fc2", V, M, back);
  }
  list.layer_norm(tower + "post_layernorm", V);
}

void add_projector(List& list, const ModelConfig& config) {
  const std::int64_t D = config.text.width;
  const auto linear = [&](const std::string& name, std::int64_t inputs) {
    list.matrix(name + ".weight", D, inputs);
    if (config.projector_bias) list.offset(name + ".bias", D);
  };
  linear("multi_modal_projector.linear_1", config.vision->width);
  linear("multi_modal_projector.linear_2", D);
  list.small("image_newline", {D});
}

void add_language_model(List& list, const LlamaConfig& c, const std::string& prefix) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  const float back = branch_factor(c.layers);
  list.small(prefix + "model.embed_tokens.weight", {c.vocabulary, D});
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string block = fmt::format("{}model.layers.{}.", prefix, layer);
    list.norm(block + "input_layernorm.weight", D);
    list.matrix(block + "self_attn.q_proj.weight", HE, D);
    list.matrix(block + "self_attn.k_proj.weight", KE, D);
    list.matrix(block + "self_attn.v_proj.weight", KE, D);
    list.matrix(block + "self_attn.o_proj.weight", D, HE, back);
    list.norm(block + "post_attention_layernorm.weight", D);
    list.matrix(block + "mlp.gate_proj.weight", F, D);
    list.matrix(block + "mlp.up_proj.weight", F, D);
    list.matrix(block + "mlp.down_proj.weight", D, F, back);
  }
  list.norm(prefix + "model.norm.weight", D);
  if (!c.tied_head) list.matrix(prefix + "lm_head.weight", c.vocabulary, D);
}

/// Bell-shaped values with mean 0 and deviation 1, computed from a counter as the sum of four uniform values
/// (Irwin-Hall). The maximum is 3.5 deviations, and a value costs two multiplications.
struct Bell {
  std::uint64_t state;
  float mean, scale;

  float at(std::uint64_t index) const {
    constexpr std::uint64_t kLow = 0x0000'FFFF'0000'FFFFu;
    std::uint64_t z = state + index * 0x9E37'79B9'7F4A'7C15u;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9u;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBu;
    z ^= z >> 31;
    const std::uint64_t pairs = (z & kLow) + ((z >> 16) & kLow);
    const auto sum = static_cast<std::int32_t>((pairs & 0xFFFF'FFFFu) + (pairs >> 32));
    return mean + scale * static_cast<float>(sum - 2 * 0xFFFF);
  }
};

/// Zeros for the class token. Then, for each place of the grid, sines and cosines of its column and its row with
/// growing wavelengths, the longest of which is 100 places times 2 pi. Deviation 1 / sqrt(2).
struct Waves {
  std::int64_t grid, width;

  float at(std::uint64_t index) const {
    const auto place = static_cast<std::int64_t>(index) / width - 1, d = static_cast<std::int64_t>(index) % width;
    if (place < 0) return 0;
    const std::int64_t quarter = (width + 3) / 4, kind = d / quarter;
    const double x = static_cast<double>(kind < 2 ? place % grid : place / grid);
    const double angle = x * std::pow(100.0, -static_cast<double>(d % quarter) / static_cast<double>(quarter));
    return static_cast<float>(kind % 2 == 0 ? std::sin(angle) : std::cos(angle));
  }
};

template <class T, class Source>
void fill(const Source& source, std::int64_t first, std::span<std::byte> bytes) {
  constexpr std::int64_t kBlock = 1 << 16;
  T* out = reinterpret_cast<T*>(bytes.data());
  const auto count = static_cast<std::int64_t>(bytes.size() / sizeof(T));
  parallel_for((count + kBlock - 1) / kBlock, 1, [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * kBlock);
    for (std::int64_t i = block * kBlock; i < end; ++i) out[i] = T(source.at(static_cast<std::uint64_t>(first + i)));
  });
}

template <class Source>
void fill(DType dtype, const Source& source, std::int64_t first, std::span<std::byte> bytes) {
  switch (dtype) {
    case DType::f32: return fill<float>(source, first, bytes);
    case DType::bf16: return fill<BFloat16>(source, first, bytes);
    default: fail<InvalidInput>("[synthetic] expected f32 or bf16, found {}", name_of(dtype));
  }
}

}  // namespace

std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config, DType dtype, WeightScheme scheme) {
  List list(dtype, scheme);
  if (config.vision) {
    add_tower(list, *config.vision);
    add_projector(list, config);
  }
  add_language_model(list, config.text, config.vision ? "language_model." : "");
  return list.take();
}

void fill_synthetic(const SyntheticTensor& tensor, std::uint64_t seed, std::int64_t first, std::span<std::byte> bytes) {
  if (tensor.grid > 0) return fill(tensor.spec.dtype, Waves{tensor.grid, tensor.spec.shape[1]}, first, bytes);
  Bell bell{Hasher().add(fmt::format("{}\n{}", seed, tensor.spec.name)).digest().low, tensor.mean, 0};
  // The sum of four uniform integers below 2^16 has the variance 4 (2^32 - 1) / 12.
  bell.scale = tensor.deviation / static_cast<float>(std::sqrt((std::pow(2.0, 32) - 1) / 3));
  fill(tensor.spec.dtype, bell, first, bytes);
}

SyntheticWeights make_synthetic(const ModelConfig& config, DType dtype, std::uint64_t seed) {
  SyntheticWeights weights;
  for (const SyntheticTensor& plan : synthetic_tensors(config, dtype)) {
    const tensor::Tensor& made = weights.storage.emplace_back(dtype, plan.spec.shape);
    fill_synthetic(plan, seed, 0, {made.data(), static_cast<std::size_t>(made.elements() * size_of(dtype))});
    weights.tensors.emplace(plan.spec.name, made.view());
  }
  return weights;
}

}  // namespace e5v::model
