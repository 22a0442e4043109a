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

/// The key of the header that is no tensor.
inline constexpr const char* kMetadataKey = "__metadata__";

/// What the header of a safetensors file says. The views borrow the bytes that were parsed.
struct SafetensorsContent {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses a whole safetensors file held in memory: u64 length, JSON header, data. Everything the header claims is
/// checked: its own length, known dtypes, shapes without overflow and of at most Shape::kMaxRank axes, and offsets that
/// agree with the shapes and cover the data without overlap or hole. The format does not align tensors, so a view's
/// data may not be aligned to its element type here; SafetensorsFile repairs that. Throws ModelError led by `origin`
/// (the file's path). Source: the format's description in huggingface/safetensors.
SafetensorsContent parse_safetensors(std::span<const std::byte> file, std::string_view origin);

/// A safetensors file mapped into memory, checked completely on opening. Views stay valid as long as the object, also
/// when it is moved. Tensors that lie unaligned in the file (the format allows it; current writers avoid it) are copied
/// into aligned memory on opening.
class SafetensorsFile {
 public:
  /// Throws ModelError when the file cannot be read or its header lies.
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// The tensor of that name, or null.
  const TensorView* find(std::string_view name) const;
  const TensorMap& tensors() const { return content_.tensors; }
  /// The header's "__metadata__".
  const std::map<std::string, std::string>& metadata() const { return content_.metadata; }

  /// Tells the kernel that the tensor's pages are not needed soon; its contents stay readable. Views that do not lie in
  /// this file are left alone.
  void release(const TensorView& view) const;

 private:
  MappedFile file_;
  SafetensorsContent content_;
  std::vector<Buffer> copies_;  // of unaligned tensors
};

}  // namespace e5v::tensor
