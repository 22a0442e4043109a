#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace e5v::tensor {

/// A tensor of the file to be written.
struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

/// Writes a safetensors file of any size without holding its data: first the list of tensors, then their bytes in that
/// order. `path` appears with finish(), complete. Before, the bytes go to `path`.tmp, which the destructor removes.
/// List wider element types first, which aligns every tensor: the format has no gaps.
class SafetensorsWriter {
 public:
  /// Writes the header. Throws InvalidInput when a name occurs twice, is "__metadata__" or no UTF-8, or when the file
  /// cannot be created.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {});
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;
  ~SafetensorsWriter();

  /// Appends bytes to the tensor `name`, as a whole or in pieces. Throws InvalidInput when another tensor comes next,
  /// when there are more bytes than the shape has, or when writing fails.
  void write(std::string_view name, std::span<const std::byte> bytes);

  /// Makes the file durable and renames it. Throws InvalidInput when tensors are missing or incomplete.
  void finish();

 private:
  void append(std::span<const std::byte> bytes);
  void discard();

  std::filesystem::path path_;
  std::string temporary_;
  std::vector<TensorSpec> tensors_;
  std::size_t current_ = 0;    // the tensor that is being written
  std::uint64_t written_ = 0;  // bytes of this tensor so far
  int descriptor_ = -1;        // of the temporary file; -1 after finish()
};

}  // namespace e5v::tensor
