#include "serve/keys.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace e5v::serve {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<Keys::Key> read_keys(const std::filesystem::path& path) {
  const std::string content = read_file(path, kMaxBytes);
  std::vector<Keys::Key> keys;
  std::string_view rest = content;
  while (!rest.empty()) {
    const std::string_view line = trimmed(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find('\n') == std::string_view::npos ? rest.size() : rest.find('\n') + 1));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t blank = line.find_first_of(kBlanks);
    const std::string name =
        blank == std::string_view::npos ? fmt::format("key-{}", keys.size() + 1) : std::string(line.substr(0, blank));
    keys.push_back({name, std::string(blank == std::string_view::npos ? line : trimmed(line.substr(blank)))});
  }
  require(!keys.empty(), "[{}] expected a key on each line, found none", path.string());
  return keys;
}

/// Compares in constant time: the time depends only on the lengths.
bool are_equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  return difference == 0;
}

}  // namespace

Keys::Keys(std::filesystem::path file, std::vector<Key> fixed) : file_(std::move(file)), fixed_(std::move(fixed)) {
  reload();
}

bool Keys::empty() const {
  const std::lock_guard lock(mutex_);
  return keys_->empty();
}

std::optional<std::string> Keys::find(std::string_view secret) const {
  std::shared_ptr<const std::vector<Key>> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  const Key* found = nullptr;
  for (const Key& key : *keys) {
    if (are_equal(secret, key.secret)) found = &key;
  }
  return found == nullptr ? std::nullopt : std::optional(found->name);
}

void Keys::reload() {
  auto keys = std::make_shared<std::vector<Key>>(fixed_);
  if (!file_.empty()) {
    for (Key& key : read_keys(file_)) keys->push_back(std::move(key));
  }
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

}  // namespace e5v::serve
