#include "vectors/vector_file_reader.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "vectors/ids.h"
#include "vectors/npy.h"
#include "vectors/safetensors.h"
#include "vectors/vector_file.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;
using Content = std::variant<MappedFile, tensor::SafetensorsFile, JsonRows>;

JsonRows read_json_file(const fs::path& path) {
  const MappedFile file(path);
  return read_json_rows(
      [rest = file.bytes()](std::span<char> buffer) mutable {
        const std::size_t count = std::min(rest.size(), buffer.size());
        std::memcpy(buffer.data(), rest.data(), count);
        rest = rest.subspan(count);
        return count;
      },
      path.string());
}

Content open(const fs::path& path) {
  switch (format_of(path).value_or(VectorFormat::npy)) {
    case VectorFormat::safetensors: return open_safetensors(path.string());
    case VectorFormat::jsonl: return read_json_file(path);
    case VectorFormat::npy: break;
  }
  return MappedFile(path);
}

VectorArray array_of(const Content& content, const std::string& name) {
  if (const auto* file = std::get_if<tensor::SafetensorsFile>(&content)) return embeddings_of(file->tensors(), name);
  if (const auto* json = std::get_if<JsonRows>(&content))
    return {reinterpret_cast<const std::byte*>(json->numbers.data()), tensor::DType::f32, json->rows, json->width};
  return parse_npy(std::get<MappedFile>(content).bytes(), name);
}

}  // namespace

VectorFileReader::VectorFileReader(fs::path path)
    : path_(std::move(path)),
      content_(open(path_)),
      array_(array_of(content_, path_.string())),
      has_unit_rows_(require_directions(array_, path_.string())) {}

std::optional<std::vector<std::string>> VectorFileReader::ids() const {
  if (const auto* json = std::get_if<JsonRows>(&content_))
    return json->ids.empty() ? std::nullopt : std::optional(json->ids);
  if (const auto* file = std::get_if<tensor::SafetensorsFile>(&content_)) {
    const auto text = id_text_of(file->tensors());
    return text ? std::optional(parse_ids(*text, rows(), path_.string())) : std::nullopt;
  }
  const fs::path beside = VectorFile::ids_path(path_);
  if (!fs::exists(beside)) return std::nullopt;
  return parse_ids(read_file(beside, std::uint64_t{1} << 40), rows(), beside.string());
}

UnitVectors::UnitVectors(VectorFileReader file) : file_(std::move(file)) {
  if (!file_.has_unit_rows()) copy_ = scaled_rows(file_.array());
}

tensor::ConstMatrix UnitVectors::matrix() const {
  if (copy_) return tensor::matrix_of(copy_->view());
  const VectorArray& array = file_.array();
  return {array.numbers, array.dtype, array.rows, array.columns, array.columns};
}

}  // namespace e5v::vectors
