#include "vectors/vector_origin.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mmap.h"
#include "base/regular_file.h"
#include "vectors/safetensors.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;
using Entries = std::map<std::string, std::string>;

constexpr const char* kByContent = "by content: text, image or cirr-query";
constexpr const char* kVersionKey = "e5v_origin";
constexpr const char* kSampleKey = "sample";
constexpr int kOriginVersion = 1;
constexpr std::uint64_t kMaxBytes = 1 << 20;

/// A hash of a file's size, its beginning and its end, which shows whether it is another file.
std::string sample_of(const fs::path& path) {
  constexpr std::size_t kPart = 64 << 10;
  Hasher hasher;
  const std::int64_t size = RegularFile(path).size();
  hasher.add(size);
  if (size == 0) return hasher.digest().hex();  // JSONL of items that were all left out
  const MappedFile file(path);
  const std::size_t part = std::min(kPart, file.bytes().size());
  return hasher.add(file.bytes().first(part)).add(file.bytes().last(part)).digest().hex();
}

/// The entries of an origin, which `where` holds; nothing when there are none.
class OriginReader {
 public:
  OriginReader(const Entries& entries, const fs::path& where) : entries_(entries), where_(where) {}

  VectorOrigin read() const {
    VectorOrigin origin{text("weights"), text("preprocessing"), text("compute"),
                        text("prompt"),  number("width"),       number("rows"),
                        number("items"), number("left_out"),    {}};
    if (origin.prompt == kByContent) origin.prompt.clear();
    const auto source = Hash128::from_hex(text("source"));
    require(source.has_value(), "[{}] \"source\" is {}, expected 32 hexadecimal digits", where_.string(),
            in_quotes(text("source")));
    origin.source = *source;
    return origin;
  }

 private:
  const std::string& text(const char* key) const {
    const auto found = entries_.find(key);
    require(found != entries_.end(), "[{}] has no \"{}\", expected what made the vectors", where_.string(), key);
    return found->second;
  }
  std::int64_t number(const char* key) const {
    const std::string& value = text(key);
    std::int64_t result = -1;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, result);
    require(parsed.ec == std::errc() && parsed.ptr == end && result >= 0, "[{}] \"{}\" is {}, expected a number",
            where_.string(), key, in_quotes(value));
    return result;
  }

  const Entries& entries_;
  const fs::path& where_;
};

Entries read_sidecar(const fs::path& sidecar) {
  const Json json = parse_json(read_file(sidecar, kMaxBytes), sidecar.string());
  require(json.is_object() && json.contains(kVersionKey), "[{}] tells no origin of vectors: it has no \"{}\"",
          sidecar.string(), kVersionKey);
  require(json.at(kVersionKey) == kOriginVersion, "[{}] is of version {}, expected {}", sidecar.string(),
          json.at(kVersionKey).dump(), kOriginVersion);
  Entries entries;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) entries.emplace(key, value.get<std::string>());
  }
  return entries;
}

/// What scaling to length 1 leaves of it.
std::string without_length(std::string compute) {
  constexpr std::string_view kLength = "+l2";
  const std::size_t at = compute.find(kLength);
  return at == std::string::npos ? compute : compute.erase(at, kLength.size());
}

}  // namespace

VectorOrigin VectorOrigin::of(const Fingerprint& fingerprint, const std::string& prompt, std::int64_t width) {
  return {fingerprint.weights, fingerprint.preprocessing, fingerprint.compute, prompt, width};
}

Entries VectorOrigin::beginning() const {
  return {{"fingerprint", Fingerprint{weights, preprocessing, compute, prompt}.space()},
          {"weights", weights},
          {"preprocessing", preprocessing},
          {"compute", compute},
          {"prompt", prompt.empty() ? kByContent : prompt}};
}

Entries VectorOrigin::ending() const {
  return {{"width", std::to_string(width)},
          {"rows", std::to_string(rows)},
          {"items", std::to_string(items)},
          {"left_out", std::to_string(left_out)},
          {"source", source.hex()}};
}

fs::path origin_path(const fs::path& vectors) { return vectors.string() + ".origin.json"; }

void write_origin(const fs::path& sidecar, const fs::path& vectors, const Entries& origin) {
  Json json(origin);
  json[kVersionKey] = kOriginVersion;
  json[kSampleKey] = sample_of(vectors);
  write_file_atomically(sidecar, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<VectorOrigin> read_origin(const fs::path& vectors) {
  if (format_of(vectors) == VectorFormat::safetensors) {
    const tensor::SafetensorsFile file = open_safetensors(vectors.string());
    if (!file.metadata().contains("source")) return std::nullopt;  // another program's, or an older one's
    return OriginReader(file.metadata(), vectors).read();
  }
  const fs::path sidecar = origin_path(vectors);
  if (!fs::exists(sidecar)) return std::nullopt;
  const Entries entries = read_sidecar(sidecar);
  const auto sample = entries.find(kSampleKey);
  require(sample != entries.end() && sample->second == sample_of(vectors),
          "[{}] tells what made another file than {} is now; remove it if the vectors are wanted without their origin",
          sidecar.string(), vectors.string());
  return OriginReader(entries, sidecar).read();
}

void require_comparable(const fs::path& first, const fs::path& second) {
  const auto a = read_origin(first), b = read_origin(second);
  if (!a || !b) return;
  const auto require_same = [&](const char* what, const std::string& of_first, const std::string& of_second) {
    require(
        of_first == of_second,
        "[{}] its vectors cannot be compared with those of {}: {}, {} and {}; embed both inputs with the same model "
        "and options",
        second.string(), first.string(), what, of_second, of_first);
  };
  require_same("the weights differ", a->weights, b->weights);
  require_same("tokenizer or image preprocessing differ", a->preprocessing, b->preprocessing);
  require_same("the arithmetic differs", without_length(a->compute), without_length(b->compute));
}

}  // namespace e5v::vectors
