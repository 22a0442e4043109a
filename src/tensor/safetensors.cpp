#include "tensor/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"

namespace e5v::tensor {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian and used in place");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's reference implementation
constexpr int kMaxNesting = 3;                          // header, tensor, list

constexpr std::array<std::pair<std::string_view, DType>, 11> kTypes{{
    {"F64", DType::f64},
    {"F32", DType::f32},
    {"F16", DType::f16},
    {"BF16", DType::bf16},
    {"I64", DType::i64},
    {"I32", DType::i32},
    {"I16", DType::i16},
    {"I8", DType::i8},
    {"U8", DType::u8},
    {"BOOL", DType::boolean},
    {"F8_E4M3", DType::f8_e4m3},
}};

/// The place of a tensor's data, counted from the end of the header.
struct Extent {
  std::uint64_t begin = 0, end = 0;
  std::string_view name;
};

/// The JSON text of the header. Checks the length in front of it.
std::string_view header_text(std::span<const std::byte> file, std::string_view origin) {
  require<ModelError>(file.size() >= kLengthBytes, "[{}] expected a safetensors file, found only {} bytes", origin,
                      file.size());
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  require<ModelError>(length <= kMaxHeaderBytes,
                      "[{}] the header claims {} bytes, the limit is {}: not a safetensors file?", origin, length,
                      kMaxHeaderBytes);
  require<ModelError>(length <= file.size() - kLengthBytes,
                      "[{}] the header claims {} bytes, the file has {} after the length: truncated?", origin, length,
                      file.size() - kLengthBytes);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  require<ModelError>(text.starts_with('{'), "[{}] the header does not begin with '{{': not a safetensors file?",
                      origin);
  return text;
}

/// The header as JSON. No object may have a key twice, because readers would disagree about its value.
Json parse_header(std::string_view text, std::string_view origin) {
  // The parser takes a NUL for the end of the text, and would ignore the rest.
  require<ModelError>(text.find('\0') == std::string_view::npos, "[{}] the header is not JSON: it holds a NUL byte",
                      origin);
  std::vector<std::set<std::string>> open_objects;
  const auto check_keys = [&](int depth, Json::parse_event_t event, Json& parsed) {
    require<ModelError>(depth <= kMaxNesting, "[{}] the header is nested too deeply", origin);
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      require<ModelError>(open_objects.back().insert(key).second, "[{}] the header names {} twice", origin,
                          in_quotes(key));
    }
    return true;
  };
  try {
    return Json::parse(text, check_keys);
  } catch (const Json::exception& error) {
    fail<ModelError>("[{}] the header is not JSON: {}", origin, error.what());
  }
}

DType parse_dtype(const Json& entry, std::string_view name, std::string_view origin) {
  const auto found = entry.find("dtype");
  require<ModelError>(found != entry.end() && found->is_string(), "[{}] tensor {}: expected a \"dtype\" string", origin,
                      in_quotes(name));
  const auto& text = found->get_ref<const std::string&>();
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& known) { return known.first == text; });
  require<ModelError>(type != kTypes.end(), "[{}] tensor {} has the unsupported dtype {}", origin, in_quotes(name),
                      in_quotes(text));
  return type->second;
}

/// A list of integers in [0, 2^63); nothing when the value is something else.
std::optional<std::vector<std::int64_t>> parse_sizes(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (const Json& item : *found) {
    if (!item.is_number_unsigned()) return std::nullopt;
    const auto value = item.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    sizes.push_back(static_cast<std::int64_t>(value));
  }
  return sizes;
}

Shape parse_shape(const Json& entry, DType dtype, std::string_view name, std::string_view origin) {
  const auto extents = parse_sizes(entry, "shape");
  require<ModelError>(extents.has_value(), "[{}] tensor {}: expected a \"shape\" list of non-negative integers", origin,
                      in_quotes(name));
  require<ModelError>(extents->size() <= Shape::kMaxRank, "[{}] tensor {} has {} axes, at most {} are supported",
                      origin, in_quotes(name), extents->size(), Shape::kMaxRank);
  std::int64_t bytes = size_of(dtype);
  for (const std::int64_t extent : *extents) {
    // Other axes are checked next to an empty one, too, because code that multiplies only some axes must not overflow.
    const bool overflow = __builtin_mul_overflow(bytes, std::max<std::int64_t>(extent, 1), &bytes);
    require<ModelError>(!overflow, "[{}] tensor {}: the shape {} overflows", origin, in_quotes(name),
                        Shape(*extents).text());
  }
  return Shape(*extents);
}

/// The offsets, which must lie in the data and have the tensor's length as their distance.
Extent parse_offsets(const Json& entry, const TensorView& view, std::uint64_t data_bytes, std::string_view name,
                     std::string_view origin) {
  const auto offsets = parse_sizes(entry, "data_offsets");
  require<ModelError>(offsets.has_value() && offsets->size() == 2,
                      "[{}] tensor {}: expected \"data_offsets\" of two non-negative integers", origin,
                      in_quotes(name));
  const Extent extent{static_cast<std::uint64_t>((*offsets)[0]), static_cast<std::uint64_t>((*offsets)[1]), name};
  require<ModelError>(extent.begin <= extent.end, "[{}] tensor {} ends at {}, before its begin {}", origin,
                      in_quotes(name), extent.end, extent.begin);
  require<ModelError>(extent.end <= data_bytes,
                      "[{}] tensor {} ends at {}, the file holds {} bytes of data: truncated?", origin, in_quotes(name),
                      extent.end, data_bytes);
  const auto expected = static_cast<std::uint64_t>(view.elements() * size_of(view.dtype));
  require<ModelError>(extent.end - extent.begin == expected,
                      "[{}] tensor {}: {} {} takes {} bytes, its offsets span {}", origin, in_quotes(name),
                      name_of(view.dtype), view.shape.text(), expected, extent.end - extent.begin);
  return extent;
}

/// The tensors must cover the data exactly, because an overlap or a hole means that an offset is wrong.
void check_coverage(std::vector<Extent>& extents, std::uint64_t data_bytes, std::string_view origin) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t covered = 0;
  for (const Extent& extent : extents) {
    require<ModelError>(extent.begin >= covered, "[{}] tensor {} begins at {} and overlaps another that ends at {}",
                        origin, in_quotes(extent.name), extent.begin, covered);
    require<ModelError>(extent.begin == covered, "[{}] {} bytes before tensor {} belong to no tensor", origin,
                        extent.begin - covered, in_quotes(extent.name));
    covered = extent.end;
  }
  require<ModelError>(covered == data_bytes, "[{}] the last {} bytes of {} belong to no tensor", origin,
                      data_bytes - covered, data_bytes);
}

std::map<std::string, std::string> parse_metadata(const Json& json, std::string_view origin) {
  const auto is_text = [](const Json& value) { return value.is_string(); };
  require<ModelError>(json.is_object() && std::all_of(json.begin(), json.end(), is_text),
                      "[{}] expected \"{}\" to be an object of strings", origin, kMetadataKey);
  return json.get<std::map<std::string, std::string>>();
}

bool is_aligned(const TensorView& view) {
  return reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(size_of(view.dtype)) == 0;
}

}  // namespace

SafetensorsContent parse_safetensors(std::span<const std::byte> file, std::string_view origin) {
  const std::string_view text = header_text(file, origin);
  const Json header = parse_header(text, origin);
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  SafetensorsContent content;
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadataKey) {
      content.metadata = parse_metadata(entry, origin);
      continue;
    }
    require<ModelError>(entry.is_object(), "[{}] tensor {}: expected an object, found {}", origin, in_quotes(name),
                        entry.type_name());
    TensorView view;
    view.dtype = parse_dtype(entry, name, origin);
    view.shape = parse_shape(entry, view.dtype, name, origin);
    Extent extent = parse_offsets(entry, view, data.size(), name, origin);
    view.data = data.data() + extent.begin;
    extent.name = content.tensors.emplace(name, view).first->first;
    extents.push_back(extent);
  }
  check_coverage(extents, data.size(), origin);
  return content;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) try : file_(path) {
  content_ = parse_safetensors(file_.bytes(), path.string());
  for (auto& [name, view] : content_.tensors) {
    if (is_aligned(view)) continue;
    const std::span<const std::byte> bytes = view.bytes();
    const Buffer& copy = copies_.emplace_back(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.data());
    view.data = copy.data();
  }
} catch (const InvalidInput& error) {
  throw ModelError(error.what());  // the file cannot be read; callers that open a checkpoint expect a ModelError
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = content_.tensors.find(name);
  return found == content_.tensors.end() ? nullptr : &found->second;
}

void SafetensorsFile::release(const TensorView& view) const {
  const std::span<const std::byte> file = file_.bytes(), part = view.bytes();
  // Dropping pages of memory that is not mapped from a file would erase it.
  const std::less_equal<> ordered;
  if (ordered(file.data(), part.data()) && ordered(part.data() + part.size(), file.data() + file.size())) {
    MappedFile::release(part);
  }
}

}  // namespace e5v::tensor
