#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

namespace e5v::train::test {

/// A copy of the tiny checkpoint in which one matrix is stored in 8 bits, all of them 1 with a scale of 1/64.
inline void copy_with_int8_matrix(const std::filesystem::path& folder) {
  const std::string name = "language_model.model.layers.0.self_attn.q_proj";
  const auto model = e5v::test::golden("ckpt/tiny-small-f32");
  std::filesystem::copy(model, folder);
  for (const char* file : {"model.safetensors", "config.json"})
    std::filesystem::permissions(folder / file, std::filesystem::perms::owner_all);
  Json config = read_json(model / "config.json");
  const Json weights{{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "channel"}};
  config["quantization_config"] = {
      {"quant_method", "compressed-tensors"},
      {"format", "int-quantized"},
      {"quantization_status", "compressed"},
      {"config_groups",
       {{"group_0", {{"targets", {"re:language_model.*layers\\.0\\.self_attn\\.q_proj"}}, {"weights", weights}}}}}};
  write_file_atomically(folder / "config.json", config.dump());

  const tensor::Tensor values(tensor::DType::i8, {128, 128}), scales(tensor::DType::f32, {128, 1});
  std::ranges::fill(values.as<std::int8_t>(), std::int8_t{1});
  std::ranges::fill(scales.as<float>(), 1 / 64.0f);
  const tensor::SafetensorsFile file(model / "model.safetensors");
  tensor::TensorMap tensors = file.tensors();
  tensors.erase(name + ".weight");
  std::vector<tensor::TensorSpec> specs;
  for (const auto& [key, view] : tensors) specs.push_back({key, view.dtype, view.shape});
  specs.push_back({name + ".weight_scale", tensor::DType::f32, scales.shape()});
  specs.push_back({name + ".weight", tensor::DType::i8, values.shape()});
  tensor::SafetensorsWriter writer(folder / "model.safetensors", specs);
  for (const auto& [key, view] : tensors) writer.write(key, view.bytes());
  writer.write(name + ".weight_scale", scales.view().bytes());
  writer.write(name + ".weight", values.view().bytes());
  writer.finish();
}

}  // namespace e5v::train::test
