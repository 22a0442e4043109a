#pragma once
#include <deque>
#include <string>

#include "model/llama.h"
#include "quantize/random_matrix.h"
#include "quantize/rounding.h"
#include "quantize/scheme.h"

namespace e5v::quantize::test {

/// A language model of random weights in memory: two blocks of width 32 with 4 heads over 2 kv heads of width 8, and an
/// MLP of width 48.
struct SmallLlama {
  model::LlamaConfig config{.vocabulary = 6,
                            .width = 32,
                            .layers = 2,
                            .heads = 4,
                            .kv_heads = 2,
                            .head_width = 8,
                            .mlp_width = 48,
                            .max_positions = 64,
                            .rms_eps = 1e-5f,
                            .rope_theta = 10000,
                            .rope_scaling = {},
                            .sliding_window = {}};
  std::deque<tensor::Tensor> own;
  tensor::TensorMap tensors;  ///< "model.layers.0.mlp.up_proj.weight"

  explicit SmallLlama(tensor::DType type) {
    add("model.embed_tokens.weight", {6, 32}, type);
    add("model.norm.weight", {32}, type);
    for (std::int64_t block = 0; block < 2; ++block) {
      for (const std::string_view norm : kNorms) add(stored_name(block, norm), {32}, type);
      for (const std::string_view matrix : kMatrices) add(stored_name(block, matrix), shape_of(matrix), type);
    }
  }

  static std::string stored_name(std::int64_t block, std::string_view part) {
    return fmt::format("model.layers.{}.{}.weight", block, part);
  }
  static tensor::Shape shape_of(std::string_view matrix) {
    if (matrix == "mlp.down_proj") return {32, 48};
    if (matrix.starts_with("mlp.")) return {48, 32};
    return matrix == "self_attn.k_proj" || matrix == "self_attn.v_proj" ? tensor::Shape{16, 32} : tensor::Shape{32, 32};
  }

  void add(const std::string& name, const tensor::Shape& shape, tensor::DType type) {
    const tensor::Tensor& values = own.emplace_back(type, shape);
    const tensor::Tensor random = random_matrix(1, shape.elements(), static_cast<unsigned>(own.size()));
    for (std::int64_t i = 0; i < shape.elements(); ++i)
      store(values, i, random.as<float>()[static_cast<std::size_t>(i)]);
    tensors.insert_or_assign(name, values.view());
  }

  model::Checkpoint checkpoint() const { return {tensors, "DIR"}; }
};

}  // namespace e5v::quantize::test
