#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mmap.h"
#include "tensor/tensor.h"

namespace e5v::tensor {

using TensorMap = std::map<std::string, TensorView, std::less<>>;

/// The key of the header that names no tensor.
inline constexpr const char* kMetadataKey = "__metadata__";

/// The contents of a safetensors header. The views borrow the parsed bytes.
struct SafetensorsContent {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses a whole safetensors file in memory: u64 length, JSON header, data. Everything in the header is checked: its
/// own length, known dtypes, shapes without overflow and with at most Shape::kMaxRank axes, and offsets that agree with
/// the shapes and cover the data without overlap or hole. The format does not align tensors, so the data of a view may
/// not be aligned to its element type; SafetensorsFile repairs that. Throws ModelError, which begins with `origin` (the
/// file's path). Source: the format's description in huggingface/safetensors.
SafetensorsContent parse_safetensors(std::span<const std::byte> file, std::string_view origin);

/// A safetensors file that is mapped into memory and checked completely when it is opened. Views stay valid as long as
/// the object, also when it is moved. Unaligned tensors (the format allows them; current writers avoid them) are copied
/// into aligned memory.
class SafetensorsFile {
 public:
  /// Throws ModelError when the file cannot be read or its header is wrong.
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// The tensor of that name, or null.
  const TensorView* find(std::string_view name) const;
  const TensorMap& tensors() const { return content_.tensors; }
  /// The header's "__metadata__".
  const std::map<std::string, std::string>& metadata() const { return content_.metadata; }

  /// Tells the kernel that the tensor's pages are not needed soon. Its contents stay readable. Views outside of this
  /// file are ignored.
  void release(const TensorView& view) const;

 private:
  MappedFile file_;
  SafetensorsContent content_;
  std::vector<Buffer> copies_;  // copies of unaligned tensors
};

}  // namespace e5v::tensor
