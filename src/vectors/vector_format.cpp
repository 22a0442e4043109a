#include "vectors/vector_format.h"

#include <bit>
#include <limits>

#include "base/error.h"
#include "vectors/jsonl.h"
#include "vectors/npy.h"
#include "vectors/safetensors.h"

namespace e5v::vectors {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

constexpr std::size_t kAlignment = 64;  // of the rows in a file: a cache line

}  // namespace

std::optional<VectorFormat> format_of(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".npy") return VectorFormat::npy;
  if (ending == ".jsonl") return VectorFormat::jsonl;
  if (ending == ".safetensors") return VectorFormat::safetensors;
  return std::nullopt;
}

std::int64_t VectorLayout::head_size() const {
  if (format == VectorFormat::jsonl) return 0;
  if (format == VectorFormat::npy) return static_cast<std::int64_t>(npy_head(0, width).size());
  // Room for the numbers at their longest: three of them depend on the rows, three on the ids.
  constexpr std::size_t kNumbers = 6 * (std::numeric_limits<std::int64_t>::digits10 + 1);
  const std::size_t size =
      sizeof(std::uint64_t) + safetensors_header(0, width, 0, metadata).size() + kNumbers + kEndingBytes;
  return static_cast<std::int64_t>((size + kAlignment - 1) / kAlignment * kAlignment);
}

std::string VectorLayout::head(std::int64_t rows, std::int64_t id_bytes,
                               const std::map<std::string, std::string>& ending) const {
  if (format == VectorFormat::jsonl) return "";
  if (format == VectorFormat::npy) return npy_head(rows, width);
  const auto length = static_cast<std::uint64_t>(head_size()) - sizeof(std::uint64_t);
  std::map<std::string, std::string> all = metadata;
  all.insert(ending.begin(), ending.end());
  std::string json = safetensors_header(rows, width, id_bytes, all);
  require(json.size() <= length, "[safetensors] the head takes {} bytes, {} were left for it", json.size(), length);
  json.resize(length, ' ');  // the format pads with blanks
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + json;
}

void append_row(VectorFormat format, const Json& id, std::span<const float> vector, std::string& out) {
  if (format == VectorFormat::jsonl) return append_json_row(id, vector, out);
  out.append(reinterpret_cast<const char*>(vector.data()), vector.size_bytes());
}

}  // namespace e5v::vectors
