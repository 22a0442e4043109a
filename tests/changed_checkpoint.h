#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "golden.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

namespace e5v::test {

/// A copy of the tiny checkpoint with a number put into one of its tensors.
inline void copy_with(const std::filesystem::path& folder, std::string_view name, float number) {
  const auto model = golden("ckpt/tiny-small-f32");
  std::filesystem::copy(model, folder);
  std::filesystem::permissions(folder / "model.safetensors", std::filesystem::perms::owner_all);
  const tensor::SafetensorsFile file(model / "model.safetensors");
  std::vector<tensor::TensorSpec> specs;
  for (const auto& [key, view] : file.tensors()) specs.push_back({key, view.dtype, view.shape});
  tensor::SafetensorsWriter writer(folder / "model.safetensors", specs);
  for (const auto& [key, view] : file.tensors()) {
    const tensor::Tensor values = copied(view, tensor::Place::host);
    if (key == name) values.as<float>()[7] = number;
    writer.write(key, values.view().bytes());
  }
  writer.finish();
}

/// A copy of the tiny checkpoint with one more tensor, of one number.
inline void copy_with_more(const std::filesystem::path& folder, const std::string& name) {
  const auto model = golden("ckpt/tiny-small-f32");
  std::filesystem::copy(model, folder);
  std::filesystem::permissions(folder / "model.safetensors", std::filesystem::perms::owner_all);
  const tensor::SafetensorsFile file(model / "model.safetensors");
  tensor::TensorMap tensors = file.tensors();
  const tensor::Tensor one = tensor::Tensor::from<float>(std::vector{1.0f}, {1});
  tensors.emplace(name, one.view());
  std::vector<tensor::TensorSpec> specs;
  for (const auto& [key, view] : tensors) specs.push_back({key, view.dtype, view.shape});
  tensor::SafetensorsWriter writer(folder / "model.safetensors", specs);
  for (const auto& [key, view] : tensors) writer.write(key, view.bytes());
  writer.finish();
}

}  // namespace e5v::test
