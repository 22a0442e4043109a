#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::serve {

/// The keys that clients may have. Safe to use from several threads.
class Keys {
 public:
  struct Key {
    std::string name, secret;
  };

  /// A file with one key on each line, "NAME SECRET" or a secret alone, and lines that begin with "#"; and keys that
  /// are given as such. An empty path is no file. Throws InvalidInput for a file that cannot be read or holds no key.
  explicit Keys(std::filesystem::path file = {}, std::vector<Key> fixed = {});

  /// True when nobody needs a key.
  bool empty() const;
  /// The name of a key, or nothing for one that is unknown. It is compared with all keys, in a time that does not
  /// depend on which bytes differ.
  std::optional<std::string> find(std::string_view secret) const;
  /// Reads the file again. Throws InvalidInput, and then keeps the old keys.
  void reload();

 private:
  std::filesystem::path file_;
  std::vector<Key> fixed_;
  mutable std::mutex mutex_;  // of the member below
  std::shared_ptr<const std::vector<Key>> keys_;
};

}  // namespace e5v::serve
