#include "eval/vector_store.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

/// A row's key, and a hash by which a damaged row is told.
struct KeyRecord {
  Hash128 key;
  std::uint64_t check = 0;
};
static_assert(sizeof(KeyRecord) == 24);

std::uint64_t check_of(std::string_view row) { return Hasher().add(row).digest().low; }

std::string_view bytes_of(const KeyRecord& record) { return {reinterpret_cast<const char*>(&record), sizeof(record)}; }

std::string_view bytes_of(std::span<const float> vector) {
  return {reinterpret_cast<const char*>(vector.data()), vector.size_bytes()};
}

void write_fingerprint(const fs::path& file, const Fingerprint& f, std::int64_t width) {
  if (fs::exists(file)) return;
  const Json json{{"weights", f.weights},
                  {"preprocessing", f.preprocessing},
                  {"compute", f.compute},
                  {"prompt", f.prompt},
                  {"width", width}};
  write_file_atomically(file, json.dump(2) + "\n");
}

}  // namespace

VectorStore::VectorStore(const fs::path& folder, const Fingerprint& fingerprint, std::int64_t width) : width_(width) {
  const fs::path own = folder / fingerprint.id();
  std::error_code error;
  fs::create_directories(own, error);
  require(!error, "[{}] cannot be made: {}", own.string(), error.message());
  const auto row_bytes = static_cast<std::int64_t>(sizeof(float)) * width;
  constexpr std::int64_t kKeyBytes = sizeof(KeyRecord);
  keys_ = embed::OutputFile(own / "keys");
  require(keys_.lock(), "[{}] another process is writing it", own.string());
  vectors_ = embed::OutputFile(own / "vectors.f32");
  written_ = std::min(keys_.size() / kKeyBytes, vectors_.size() / row_bytes);
  keys_.truncate(written_ * kKeyBytes);
  vectors_.truncate(written_ * row_bytes);
  write_fingerprint(own / "fingerprint.json", fingerprint, width);
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
  if (record.key == key && record.check == check_of(bytes_of(vector))) return true;
  rows_.erase(found);
  return false;
}

void VectorStore::add(const Hash128& key, std::span<const float> vector) {
  require(static_cast<std::int64_t>(vector.size()) == width_, "[vector store] {} numbers for a vector of {}",
          vector.size(), width_);
  const std::string_view row = bytes_of(vector);
  new_vectors_.append(row);
  const KeyRecord record{key, check_of(row)};
  new_keys_.append(bytes_of(record));
  rows_.insert_or_assign(key, written_ + static_cast<std::int64_t>(new_keys_.size() / sizeof(record)) - 1);
}

void VectorStore::commit() {
  if (new_keys_.empty()) return;
  vectors_.append(new_vectors_);  // before the keys: a key without its row would be worth nothing
  keys_.append(new_keys_);
  written_ += static_cast<std::int64_t>(new_keys_.size() / sizeof(KeyRecord));
  new_vectors_.clear(), new_keys_.clear();
}

}  // namespace e5v::eval
