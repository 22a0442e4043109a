#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/line_reader.h"
#include "e5v/input.h"

namespace e5v::runs {

/// One thing to embed and what to call it.
struct Item {
  std::optional<Json> id;  ///< a string or an integer; none: the item's place in its source, from 0
  Input input;
};

/// Items one after another.
class ItemSource {
 public:
  virtual ~ItemSource() = default;
  /// The next item, or nothing at the end. Throws InvalidInput for an item that cannot be read; the call after that
  /// goes on with the item behind it.
  virtual std::optional<Item> next() = 0;
  /// Where the item that next() gave last comes from, or failed at: "items.jsonl:17".
  virtual std::string where() const = 0;
  /// Hash of everything that next() has passed.
  virtual Hash128 digest() const = 0;
  /// Items in the whole source, or 0 when that is not known.
  virtual std::int64_t count() const = 0;
  /// True when several processes can read the whole source, each for itself.
  virtual bool can_be_read_again() const = 0;
  /// True while next() waits for something to come in; may be asked by another thread.
  virtual bool is_waiting() const { return false; }
};

/// Items that are in memory.
class ItemList : public ItemSource {
 public:
  struct Entry {
    Item item;
    std::string where;  ///< for messages
  };
  explicit ItemList(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  std::optional<Item> next() override;
  std::string where() const override { return entries_.at(next_ - 1).where; }
  Hash128 digest() const override { return hasher_.digest(); }
  std::int64_t count() const override { return static_cast<std::int64_t>(entries_.size()); }
  bool can_be_read_again() const override { return true; }

 private:
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  Hasher hasher_;
};

/// Reads JSONL: one object a line with "text" (a string), "image" (path of a file) or "images" (a list of paths), or
/// both; "id" (a string or an integer) and "prompt" (a name or a template) if wanted. null counts as absent; blank
/// lines and a byte order mark are passed over; anything else is an error that names line and key. Memory does not grow
/// with the number of lines.
class ItemReader : public ItemSource {
 public:
  static constexpr std::size_t kLongestLine = std::size_t{16} << 20, kLongestId = 4096;

  /// Paths of images are taken relative to `folder`; `name` leads the messages.
  ItemReader(LineReader::Read read, std::string name, std::filesystem::path folder);

  /// Opens a file, which may be a FIFO, or standard input for "-". Opening never waits; `stopped` is asked from time to
  /// time while there is nothing to read, and what it throws ends the wait. Throws InvalidInput when the file cannot be
  /// opened or is a folder, a socket or a block device.
  static std::unique_ptr<ItemReader> open(const std::string& path, std::function<void()> stopped = nullptr);

  std::optional<Item> next() override;
  std::string where() const override;
  Hash128 digest() const override { return lines_.digest(); }
  std::int64_t count() const override;
  bool can_be_read_again() const override { return !file_.empty(); }
  bool is_waiting() const override { return waiting_ && waiting_(); }

 private:
  std::function<bool()> waiting_;
  std::string name_;
  std::filesystem::path folder_, file_;  // file_ is empty for what is no regular file
  LineReader lines_;
};

/// One line of such a file. `where` leads the messages.
Item parse_item(std::string_view line, const std::string& where, const std::filesystem::path& folder);

}  // namespace e5v::runs
