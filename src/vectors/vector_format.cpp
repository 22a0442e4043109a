#include "vectors/vector_format.h"

#include <bit>
#include <iterator>
#include <limits>

#include "base/error.h"

namespace e5v::vectors {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

constexpr std::size_t kAlignment = 64;  // of the rows in a file: a cache line, as NumPy has it

std::string npy_head(std::int64_t rows, std::int64_t width) {
  constexpr std::size_t kSize = 2 * kAlignment;  // holds any two int64_t
  std::string dictionary = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, width);
  constexpr std::size_t kPrefix = 10;  // magic, version, length
  dictionary.resize(kSize - kPrefix - 1, ' ');
  dictionary += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(dictionary.size() & 0xFF);
  head += static_cast<char>(dictionary.size() >> 8);
  return head + dictionary;
}

std::string safetensors_json(std::int64_t rows, std::int64_t id_bytes, const VectorLayout& layout,
                             const std::map<std::string, std::string>& ending) {
  std::map<std::string, std::string> metadata = layout.metadata;
  metadata.insert(ending.begin(), ending.end());
  const std::int64_t row_bytes = rows * layout.width * static_cast<std::int64_t>(sizeof(float));
  const Json json = {
      {"__metadata__", metadata},
      {"embeddings",
       {{"dtype", "F32"}, {"shape", {rows, layout.width}}, {"data_offsets", {std::int64_t{0}, row_bytes}}}},
      {"ids",
       {{"dtype", "U8"}, {"shape", Json::array({id_bytes})}, {"data_offsets", {row_bytes, row_bytes + id_bytes}}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

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
  const std::size_t size = sizeof(std::uint64_t) + safetensors_json(0, 0, *this, {}).size() + kNumbers + kEndingBytes;
  return static_cast<std::int64_t>((size + kAlignment - 1) / kAlignment * kAlignment);
}

std::string VectorLayout::head(std::int64_t rows, std::int64_t id_bytes,
                               const std::map<std::string, std::string>& ending) const {
  if (format == VectorFormat::jsonl) return "";
  if (format == VectorFormat::npy) return npy_head(rows, width);
  const auto length = static_cast<std::uint64_t>(head_size()) - sizeof(std::uint64_t);
  std::string json = safetensors_json(rows, id_bytes, *this, ending);
  require(json.size() <= length, "[safetensors] the head takes {} bytes, {} were left for it", json.size(), length);
  json.resize(length, ' ');  // the format pads with blanks
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + json;
}

void append_row(VectorFormat format, const Json& id, std::span<const float> vector, std::string& out) {
  if (format == VectorFormat::jsonl) return append_json_row(id, vector, out);
  out.append(reinterpret_cast<const char*>(vector.data()), vector.size_bytes());
}

void append_json_row(const Json& id, std::span<const float> vector, std::string& out) {
  auto end = std::back_inserter(out);
  fmt::format_to(end, R"({{"id": {}, "embedding": [)", id.dump());
  for (std::size_t i = 0; i < vector.size(); ++i) fmt::format_to(end, "{}{}", i == 0 ? "" : ", ", vector[i]);
  out += "]}\n";
}

std::string id_text(const Json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

}  // namespace e5v::vectors
