#include "base/flat_object.h"

#include <algorithm>
#include <vector>

#include "base/file.h"

namespace e5v {
namespace {

/// "id", "text" or "prompt"
std::string names_of(std::span<const std::string_view> keys) {
  std::string names;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const char* before = i == 0 ? "" : i + 1 == keys.size() ? " or " : ", ";
    names += fmt::format("{}\"{}\"", before, keys[i]);
  }
  return names;
}

/// Sees a line while it is parsed.
class ShapeCheck {
 public:
  ShapeCheck(std::span<const std::string_view> keys, const std::string& where, std::span<const std::string_view> lists)
      : keys_(keys), where_(where), lists_(lists), seen_(keys.size()) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start && depth > 0) fail_nested("object");
    if (event == Event::array_start && depth == 0) fail<InvalidInput>("[{}] expected an object, found array", where_);
    if (event == Event::array_start && !(depth == 1 && is_list())) fail_nested("array");
    if (event == Event::key) check_key(parsed.get_ref<const std::string&>());
    return true;
  }

 private:
  [[noreturn]] void fail_nested(std::string_view found) const {
    fail<InvalidInput>("[{}] {}: expected a string, found {}", where_, in_quotes(keys_[key_]), found);
  }

  bool is_list() const { return std::find(lists_.begin(), lists_.end(), keys_[key_]) != lists_.end(); }

  void check_key(const std::string& key) {
    const auto place = std::find(keys_.begin(), keys_.end(), key);
    require(place != keys_.end(), "[{}] unknown key {}, expected {}", where_, in_quotes(key), names_of(keys_));
    key_ = static_cast<std::size_t>(place - keys_.begin());
    require(!seen_[key_], "[{}] {} is given twice", where_, in_quotes(key));
    seen_[key_] = true;
  }

  std::span<const std::string_view> keys_;
  const std::string& where_;
  std::span<const std::string_view> lists_;
  std::vector<bool> seen_;
  std::size_t key_ = 0;
};

}  // namespace

Json parse_flat_object(std::string_view line, std::span<const std::string_view> keys, const std::string& where,
                       std::span<const std::string_view> lists) try {
  require(is_valid_utf8(line), "[{}] is not valid UTF-8", where);
  Json object = parse_json(line, where, ShapeCheck(keys, where, lists));
  require(object.is_object(), "[{}] expected an object, found {}", where, object.type_name());
  return object;
} catch (const InvalidInput& error) {
  if (line.starts_with('{')) throw;
  // Perhaps a file of another kind altogether.
  fail<InvalidInput>("{}; each line is one object with {}", error.what(), names_of(keys));
}

std::optional<std::string> take_string(Json& object, std::string_view key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  require(found->is_string(), "[{}] {}: expected a string, found {}", where, in_quotes(key), found->type_name());
  return std::move(found->get_ref<std::string&>());
}

std::vector<std::string> take_strings(Json& object, std::string_view key, const std::string& where) {
  std::vector<std::string> strings;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return strings;
  require(found->is_array(), "[{}] {}: expected a list of strings, found {}", where, in_quotes(key),
          found->type_name());
  for (Json& item : *found) {
    require(item.is_string(), "[{}] {}: expected a list of strings, found {} in it", where, in_quotes(key),
            item.type_name());
    strings.push_back(std::move(item.get_ref<std::string&>()));
  }
  return strings;
}

}  // namespace e5v
