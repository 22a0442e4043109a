#include "text/section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"

namespace e5v::text {

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string line = Json(to_valid_utf8(text.substr(0, kLongest))).dump();
  if (text.size() > kLongest) line += "...";
  return line;
}

std::string Section::where() const { return fmt::format("[{}] {}", origin_, path_.empty() ? "the document" : path_); }

std::string Section::path_of(const char* key) const { return path_.empty() ? key : fmt::format("{}.{}", path_, key); }

bool Section::has(const char* key) const {
  const auto found = json_->find(key);
  return found != json_->end() && !found->is_null();
}

Section Section::at(const char* key) const {
  require<ModelError>(json_->is_object(), "{} is {}, expected an object", where(), json_->type_name());
  require<ModelError>(has(key), "[{}] {} is missing", origin_, path_of(key));
  return {*json_->find(key), origin_, path_of(key)};
}

std::vector<Section> Section::items(const char* key) const {
  const Section list = at(key);
  require<ModelError>(list.json().is_array(), "{} is {}, expected an array", list.where(), list.json().type_name());
  std::vector<Section> sections;
  sections.reserve(list.json().size());
  for (const Json& element : list.json()) {
    sections.push_back({element, origin_, fmt::format("{}[{}]", list.path_, sections.size())});
  }
  return sections;
}

std::string Section::text(const char* key) const {
  const Section member = at(key);
  require<ModelError>(member.json().is_string(), "{} is {}, expected a string", member.where(),
                      member.json().type_name());
  return member.json().get<std::string>();
}

bool Section::flag(const char* key, bool fallback) const {
  if (!has(key)) return fallback;
  const Section member = at(key);
  require<ModelError>(member.json().is_boolean(), "{} is {}, expected true or false", member.where(),
                      member.json().type_name());
  return member.json().get<bool>();
}

std::int32_t Section::id() const { return static_cast<std::int32_t>(count(kMaxTokenId)); }

std::int64_t Section::count(std::int64_t limit) const {
  const bool in_range = json_->is_number_unsigned() && json_->get<std::uint64_t>() <= static_cast<std::uint64_t>(limit);
  require<ModelError>(in_range, "{} is {}, expected a whole number in [0, {}]", where(),
                      json_->is_number() ? json_->dump() : json_->type_name(), limit);
  return json_->get<std::int64_t>();
}

void Section::unsupported(const char* key, std::string_view found,
                          std::initializer_list<std::string_view> supported) const {
  fail<ModelError>("[{}] {} is {}; supported are {}", origin_, path_of(key), shown(found), fmt::join(supported, ", "));
}

}  // namespace e5v::text
