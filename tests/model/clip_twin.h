#pragma once
#include <random>
#include <string>
#include <vector>

#include "model/clip_block.h"
#include "ops/reference/ops.h"
#include "tensor/matrix.h"

namespace e5v::model::test {

using Exact = ops::reference::Matrix;

inline Exact exact(tensor::ConstMatrix x) {
  Exact result(x.rows, x.columns);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t c = 0; c < x.columns; ++c) result.at(r, c) = double{x.row<float>(r)[c]};
  }
  return result;
}

inline std::vector<double> exact(const tensor::TensorView& vector) {
  return {vector.as<float>().begin(), vector.as<float>().end()};
}

/// Random f32 weights of a block of CLIP, under the prefix "b.".
struct RandomClipBlock {
  std::int64_t width, mlp_width;
  std::vector<tensor::Tensor> storage;
  tensor::TensorMap tensors;

  RandomClipBlock(std::int64_t D, std::int64_t F) : width(D), mlp_width(F) {
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"})
      add_linear(name, D, D);
    add_linear("mlp.fc1", F, D);
    add_linear("mlp.fc2", D, F);
    for (const char* norm : {"layer_norm1", "layer_norm2"}) {
      add(std::string(norm) + ".weight", {D}, 1, 0.2f);
      add(std::string(norm) + ".bias", {D}, 0, 0.2f);
    }
  }
  void add_linear(const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    add(name + ".weight", {outputs, inputs}, 0, 0.4f);
    add(name + ".bias", {outputs}, 0, 0.3f);
  }
  void add(const std::string& name, const tensor::Shape& shape, float mean, float deviation) {
    tensor::Tensor tensor(tensor::DType::f32, shape);
    std::mt19937 random(static_cast<unsigned>(storage.size()) + 1);
    std::normal_distribution<float> normal(mean, deviation);
    for (float& value : tensor.as<float>()) value = normal(random);
    tensors["b." + name] = storage.emplace_back(std::move(tensor)).view();
  }

  /// x + attention(norm(x)), then x + mlp(norm(x)), in double.
  Exact forward(Exact x, const ClipBlockConfig& config, double (*activation)(double),
                const ops::AttentionPlan& plan) const {
    const auto norm = [&](const std::string& name) {
      return ops::reference::layer_norm(x, vector(name + ".weight"), vector(name + ".bias"), config.norm_eps);
    };
    const auto linear = [&](const Exact& in, const std::string& name) {
      return ops::reference::matmul(in, exact(matrix_of(tensors.at("b." + name + ".weight"))), vector(name + ".bias"));
    };
    const auto add = [&](const Exact& y) {
      for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
    };
    const Exact n = norm("layer_norm1");
    const double scale = 1 / std::sqrt(static_cast<double>(width / config.heads));
    add(linear(ops::reference::attention(linear(n, "self_attn.q_proj"), linear(n, "self_attn.k_proj"),
                                         linear(n, "self_attn.v_proj"), config.heads, config.heads, scale, plan),
               "self_attn.out_proj"));
    Exact wide = linear(norm("layer_norm2"), "mlp.fc1");
    for (double& value : wide.values) value = activation(value);
    add(linear(wide, "mlp.fc2"));
    return x;
  }

 private:
  std::vector<double> vector(const std::string& name) const { return exact(tensors.at("b." + name)); }
};

}  // namespace e5v::model::test
