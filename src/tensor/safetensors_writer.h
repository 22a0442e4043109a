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

/// A tensor that a file will hold.
struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

/// Writes a safetensors file of any size without holding its data: the list of tensors first, then their bytes in that
/// order. `path` appears only with finish(), complete; until then the bytes go to `path`.tmp, which the destructor
/// removes. List wider element types first to have every tensor aligned: the format leaves no gaps.
class SafetensorsWriter {
 public:
  /// Writes the header. Throws InvalidInput when a name occurs twice, is "__metadata__" or no UTF-8, or when the file
  /// cannot be created.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {});
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;
  ~SafetensorsWriter();

  /// Appends bytes to the tensor `name`, whole or piece by piece. Throws InvalidInput when it is not its turn, when it
  /// gets more bytes than its shape has, or when writing fails.
  void write(std::string_view name, std::span<const std::byte> bytes);

  /// Makes the file durable and gives it its name. Throws InvalidInput when tensors are missing or incomplete.
  void finish();

 private:
  void append(std::span<const std::byte> bytes);
  void discard();

  std::filesystem::path path_;
  std::string temporary_;
  std::vector<TensorSpec> tensors_;
  std::size_t current_ = 0;    // the tensor being written
  std::uint64_t written_ = 0;  // bytes of it so far
  int descriptor_ = -1;        // of the temporary file; -1 once finished
};

}  // namespace e5v::tensor
