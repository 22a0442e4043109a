#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::serve {

/// The keys of clients. Thread-safe.
class Keys {
 public:
  struct Key {
    std::string name, secret;
  };

  /// Reads a file with one key per line, "NAME SECRET" or a secret alone, and adds the keys of `fixed`. Lines that
  /// begin with "#" are ignored. An empty path means no file. Throws InvalidInput if the file cannot be read or
  /// contains no key.
  explicit Keys(std::filesystem::path file = {}, std::vector<Key> fixed = {});

  /// Returns whether there are no keys, so that clients need none.
  bool empty() const;
  /// Returns the name of a key, or nothing for an unknown secret. It is compared with all keys of its
  /// length, in a time that does not depend on the bytes that differ.
  std::optional<std::string> find(std::string_view secret) const;
  /// Reads the file again. If it throws InvalidInput, the old keys stay in use.
  void reload();

 private:
  std::filesystem::path file_;
  std::vector<Key> fixed_;
  mutable std::mutex mutex_;  // protects the member below
  std::shared_ptr<const std::vector<Key>> keys_;
};

}  // namespace e5v::serve
