#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/safetensors.h"
#include "vectors/vector_array.h"

/// Vectors in a safetensors file, both ways: "embeddings" [N, D], and "ids" U8, their text, one a line.
namespace e5v::vectors {

/// The JSON header of such a file of f32.
std::string safetensors_header(std::int64_t rows, std::int64_t width, std::int64_t id_bytes,
                               const std::map<std::string, std::string>& metadata);

/// Opens a file as tensor::SafetensorsFile does, but throws InvalidInput: vectors are not a model.
tensor::SafetensorsFile open_safetensors(const std::string& path);

/// The vectors among the tensors of a file, of f16, bf16, f32 or f64; `name` leads the messages. The values are not
/// looked at. Throws InvalidInput when there are none, or they have another type or shape.
VectorArray embeddings_of(const tensor::TensorMap& tensors, const std::string& name);

/// The text of the ids; nothing when the file has none.
std::optional<std::string_view> id_text_of(const tensor::TensorMap& tensors);

}  // namespace e5v::vectors
