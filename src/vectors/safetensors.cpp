#include "vectors/safetensors.h"

#include "base/error.h"
#include "base/json.h"

namespace e5v::vectors {
namespace {

constexpr const char *kVectors = "embeddings", *kIds = "ids";

}  // namespace

std::string safetensors_header(std::int64_t rows, std::int64_t width, std::int64_t id_bytes,
                               const std::map<std::string, std::string>& metadata) {
  const std::int64_t row_bytes = rows * width * static_cast<std::int64_t>(sizeof(float));
  const Json json = {
      {"__metadata__", metadata},
      {kVectors, {{"dtype", "F32"}, {"shape", {rows, width}}, {"data_offsets", {std::int64_t{0}, row_bytes}}}},
      {kIds,
       {{"dtype", "U8"}, {"shape", Json::array({id_bytes})}, {"data_offsets", {row_bytes, row_bytes + id_bytes}}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

tensor::SafetensorsFile open_safetensors(const std::string& path) try {
  return tensor::SafetensorsFile(path);
} catch (const ModelError& error) {
  throw InvalidInput(error.what());
}

VectorArray embeddings_of(const tensor::TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(kVectors);
  require(found != tensors.end(), "[{}] has no tensor \"{}\", expected vectors under this name", name, kVectors);
  const tensor::TensorView& view = found->second;
  require(tensor::is_floating(view.dtype), "[{}] \"{}\" is {}, expected f16, bf16, f32 or f64", name, kVectors,
          tensor::name_of(view.dtype));
  require(view.shape.rank() == 2, "[{}] \"{}\" has the shape {}, expected two axes", name, kVectors, view.shape.text());
  require(view.elements() > 0, "[{}] is empty: {}", name, view.shape.text());
  return {view.data, view.dtype, view.shape[0], view.shape[1]};
}

std::optional<std::string_view> id_text_of(const tensor::TensorMap& tensors) {
  const auto found = tensors.find(kIds);
  if (found == tensors.end() || found->second.dtype != tensor::DType::u8) return std::nullopt;
  const auto bytes = found->second.bytes();
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace e5v::vectors
