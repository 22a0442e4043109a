#include "vectors/vector_store.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;

/// Of the files. Format 1 had no number, and a check of the row alone.
constexpr int kFormat = 2;

/// A row's key, and a hash that shows whether its bytes were changed.
struct KeyRecord {
  Hash128 key;
  std::uint64_t check = 0;
};
static_assert(sizeof(KeyRecord) == 24);

std::string_view bytes_of(const KeyRecord& record) { return {reinterpret_cast<const char*>(&record), sizeof(record)}; }

std::string_view bytes_of(std::span<const float> vector) {
  return {reinterpret_cast<const char*>(vector.data()), vector.size_bytes()};
}

std::string fingerprint_text(const Fingerprint& f, std::int64_t width) {
  const Json json{{"format", kFormat},    {"weights", f.weights}, {"preprocessing", f.preprocessing},
                  {"compute", f.compute}, {"prompt", f.prompt},   {"width", width}};
  return json.dump(2) + "\n";
}

/// Returns whether the rows next to a fingerprint file have another format. A damaged file does not count, because each
/// row has its own hash.
bool is_of_another_format(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && (!json.contains("format") || json.at("format") != kFormat);
}

}  // namespace

VectorStore::VectorStore(const fs::path& folder, const Fingerprint& fingerprint, std::int64_t width)
    : width_(width), id_(fingerprint.id()) {
  const fs::path own = folder / id_;
  std::error_code error;
  fs::create_directories(own, error);
  require(!error, "[{}] cannot be made: {}", own.string(), error.message());
  const auto row_bytes = static_cast<std::int64_t>(sizeof(float)) * width;
  constexpr std::int64_t kKeyBytes = sizeof(KeyRecord);
  keys_ = OutputFile(own / "keys");
  require(keys_.lock(), "[{}] another process is writing it", own.string());
  vectors_ = OutputFile(own / "vectors.f32");
  const fs::path stated = own / "fingerprint.json";
  const std::string text = fingerprint_text(fingerprint, width), found = fs::exists(stated) ? read_file(stated) : "";
  written_ = std::min(keys_.size() / kKeyBytes, vectors_.size() / row_bytes);
  if (written_ > 0 && is_of_another_format(found)) {
    log_warning("[{}] the vectors kept here are of another version's format: they are computed anew", own.string());
    written_ = 0;
  }
  keys_.truncate(written_ * kKeyBytes);
  vectors_.truncate(written_ * row_bytes);
  if (found != text) write_file_atomically(stated, text);
  std::string keys(static_cast<std::size_t>(written_ * kKeyBytes), '\0');
  keys_.read(0, keys);
  for (std::int64_t row = 0; row < written_; ++row) {
    KeyRecord record;
    std::memcpy(&record, keys.data() + row * kKeyBytes, sizeof(record));
    rows_.insert_or_assign(record.key, row);  // the last of a key that was written again
  }
}

bool VectorStore::read(const Hash128& key, std::span<float> vector) {
  const auto found = rows_.find(key);
  if (found == rows_.end() || found->second >= written_) return false;
  vectors_.read(found->second * static_cast<std::int64_t>(vector.size_bytes()),
                {reinterpret_cast<char*>(vector.data()), vector.size_bytes()});
  KeyRecord record;
  keys_.read(found->second * static_cast<std::int64_t>(sizeof(record)),
             {reinterpret_cast<char*>(&record), sizeof(record)});
  if (record.key == key && record.check == check_of(key, bytes_of(vector))) return true;
  rows_.erase(found);
  ++damaged_;
  return false;
}

std::uint64_t VectorStore::check_of(const Hash128& key, std::string_view row) const {
  return Hasher().add(id_).add(key.hex()).add(row).digest().low;
}

void VectorStore::add(const Hash128& key, std::span<const float> vector) {
  require(static_cast<std::int64_t>(vector.size()) == width_, "[vector store] {} numbers for a vector of {}",
          vector.size(), width_);
  const std::string_view row = bytes_of(vector);
  new_vectors_.append(row);
  const KeyRecord record{key, check_of(key, row)};
  new_keys_.append(bytes_of(record));
  rows_.insert_or_assign(key, written_ + static_cast<std::int64_t>(new_keys_.size() / sizeof(record)) - 1);
}

void VectorStore::commit() {
  if (new_keys_.empty()) return;
  vectors_.append(new_vectors_);  // before the keys, because a key without its row would be useless
  keys_.append(new_keys_);
  written_ += static_cast<std::int64_t>(new_keys_.size() / sizeof(KeyRecord));
  new_vectors_.clear(), new_keys_.clear();
}

}  // namespace e5v::vectors
