#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "golden.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/llama.h"
#include "model/sequence.h"
#include "model/unused_tensors.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {

/// The model of tools/make_quantised_goldens.py.
inline ModelConfig tiny_config() {
  ModelConfig config;
  config.text = {.vocabulary = 40,
                 .width = 16,
                 .layers = 2,
                 .heads = 2,
                 .kv_heads = 2,
                 .head_width = 8,
                 .mlp_width = 24,
                 .max_positions = 64,
                 .rms_eps = 1e-5f,
                 .rope_theta = 10000,
                 .rope_scaling = std::nullopt,
                 .sliding_window = std::nullopt,
                 .tied_head = true};
  return config;
}

/// A quantised checkpoint of the goldens, which a test may change and open.
struct Scheme {
  tensor::SafetensorsFile file{e5v::test::golden("quantised/schemes.safetensors")};
  Json facts = read_json(e5v::test::golden("quantised/schemes.json"));
  std::string name;
  Json config;
  tensor::TensorMap tensors;
  std::vector<tensor::Tensor> own;

  explicit Scheme(std::string of) : name(std::move(of)), config(facts.at("schemes").at(name)) {
    for (const std::string& prefix : {std::string("shared/"), name + "/"}) {
      for (const auto& [key, view] : file.tensors()) {
        if (key.starts_with(prefix) && !key.ends_with("/right")) tensors.emplace(key.substr(prefix.size()), view);
      }
    }
  }

  Json& group() { return config.at("config_groups").at("group_0"); }
  void set(const std::string& key, tensor::Tensor tensor) {
    tensors.insert_or_assign(key, own.emplace_back(std::move(tensor)).view());
  }
  Quantization quantization() const {
    const Json whole{{"quantization_config", config}};
    return Quantization::from(Fields(whole, "config.json"));
  }
  Checkpoint open() const { return {tensors, "DIR", quantization()}; }
  std::span<const float> right() const { return file.find(name + "/right")->as<float>(); }

  std::vector<float> vector(nn::Precision precision) const {
    Checkpoint checkpoint = open();
    checkpoint.decode_as(decoded_type(precision));
    const LlamaConfig text = tiny_config().text;
    const Llama llama(LlamaWeights::from(checkpoint, text), text, precision);
    const auto ids = facts.at("ids").get<std::vector<std::int32_t>>();
    const auto length = static_cast<std::int64_t>(ids.size());
    const tensor::Tensor x(tensor::DType::f32, {length, text.width}), y(tensor::DType::f32, {1, text.width});
    tensor::Arena arena;
    llama.embed(ids, matrix_of(x), arena);
    llama.forward(matrix_of(x), one_sequence(length), matrix_of(y), arena);
    const auto values = y.as<float>();
    return {values.begin(), values.end()};
  }
};

/// The message with which a changed scheme is refused; "nothing" when it is taken.
template <class Change>
std::string refusal(const char* name, const Change& change) {
  Scheme scheme(name);
  change(scheme);
  try {
    const Checkpoint checkpoint = scheme.open();
    const LlamaWeights weights = LlamaWeights::from(checkpoint, tiny_config().text);
    const Llama llama(weights, tiny_config().text, nn::Precision::f32);
    unused_tensors(checkpoint, tiny_config());
  } catch (const ModelError& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace e5v::model::test
