#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/records.h"
#include "eval/image_captions.h"

namespace e5v::eval {
namespace {

/// object[key] as T. Throws InvalidInput when it is absent or of another type.
template <class T>
T field(const Json& object, const char* key, const std::string& where) {
  require(object.is_object() && object.contains(key), "[{}] has no \"{}\"", where, key);
  return json_as<T, InvalidInput>(object.at(key), key, where);
}

std::string place_in(const CaptionOptions& options, const char* list, std::size_t index) {
  return fmt::format("{}: {}[{}]", options.file.string(), list, index);
}

/// Whether a split is wanted. "restval" belongs to the training split, as is usual with Karpathy's files.
bool in_split(const std::string& split, const std::string& wanted) {
  return wanted.empty() || split == wanted || (wanted == "train" && split == "restval");
}

void read_karpathy(const Json& json, const CaptionOptions& options, ImageCaptions& images) {
  std::size_t index = 0, found = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = place_in(options, "images", index++);
    const auto split = json_value<std::string, InvalidInput>(entry, "split", "", where);
    if (!in_split(split, options.split)) continue;
    ++found;
    if (images.is_enough()) break;
    const auto name = field<std::string>(entry, "filename", where),
               folder = json_value<std::string, InvalidInput>(entry, "filepath", "", where);
    std::vector<std::string> captions;
    for (const Json& sentence : field<Json>(entry, "sentences", where))
      captions.push_back(field<std::string>(sentence, "raw", where));
    images.add(name, {folder, split}, std::move(captions), where);
  }
  require(found > 0 || options.split.empty(), "[{}] has no image of the split {}", options.file.string(),
          in_quotes(options.split));
}

/// The id of an image: a number or a string.
std::string id_of(const Json& entry, const char* key, const std::string& where) {
  const Json id = field<Json>(entry, key, where);
  require(id.is_number_integer() || id.is_string(), "[{}] \"{}\" has an unexpected type: {}", where, key,
          id.type_name());
  return id.is_string() ? id.get<std::string>() : id.dump();
}

void read_coco(const Json& json, const CaptionOptions& options, ImageCaptions& images) {
  std::map<std::string, std::string> names;
  std::set<std::string> left_out;
  std::size_t index = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = place_in(options, "images", index++), id = id_of(entry, "id", where);
    const auto name = field<std::string>(entry, "file_name", where);
    const bool is_new = names.emplace(id, name).second;
    require(is_new, "[{}] has the id {}, which an earlier image has", where, id);
    if (!images.add(name, {}, {}, where)) left_out.insert(id);
  }
  index = 0;
  for (const Json& entry : field<Json>(json, "annotations", options.file.string())) {
    const std::string where = place_in(options, "annotations", index++), id = id_of(entry, "image_id", where);
    const auto name = names.find(id);
    require(name != names.end(), "[{}] is about image {}, which is not among the images", where, id);
    if (!left_out.contains(id)) images.add(name->second, {}, {field<std::string>(entry, "caption", where)}, where);
  }
}

/// The captions of an entry: the value of "caption" or "captions", which is one text or a list of texts.
std::vector<std::string> captions_of(const Json& entry, const std::string& where) {
  const char* key = entry.is_object() && entry.contains("captions") ? "captions" : "caption";
  const Json value = field<Json>(entry, key, where);
  if (value.is_string()) return {value.get<std::string>()};
  require(value.is_array() && std::ranges::all_of(value, [](const Json& text) { return text.is_string(); }),
          "[{}] \"{}\" is {}, expected a text or a list of texts", where, key,
          value.is_array() ? "a list that holds something else" : value.type_name());
  return value.get<std::vector<std::string>>();
}

std::string name_of(const Json& entry, const std::string& where) {
  return field<std::string>(entry, entry.is_object() && entry.contains("file") ? "file" : "image", where);
}

void read_lines(std::string_view text, const CaptionOptions& options, ImageCaptions& images) {
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const Record line = line_at(text, begin);
    begin = line.next;
    const std::string where = fmt::format("{}:{}", options.file.string(), ++number);
    require(line.problem.empty(), "[{}] {}", where, line.problem);
    if (line.bytes.find_first_not_of(" \t") == std::string_view::npos) continue;
    const Json entry = parse_json(line.bytes, where);
    const std::string name = name_of(entry, where);
    // Beyond the last image that is wanted, a line may hold anything.
    if (images.add(name, {}, {}, where)) images.add(name, {}, captions_of(entry, where), where);
  }
}

/// The end of the JSON value that begins with a bracket at text[begin]; npos when the value does not end.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t at = begin; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\';
        break;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default: break;
    }
  }
  return std::string_view::npos;
}

/// The first answer of the model in a conversation.
std::string conversation_caption(const Json& entry, const std::string& where) {
  const Json turns = field<Json>(entry, "conversations", where);
  require(turns.is_array(), "[{}] \"conversations\" has an unexpected type: {}", where, turns.type_name());
  for (const Json& turn : turns) {
    if (field<std::string>(turn, "from", where) != "gpt") continue;
    auto caption = field<std::string>(turn, "value", where);
    std::ranges::replace(caption, '\n', ' ');
    return caption;
  }
  fail<InvalidInput>("[{}] has no answer in its \"conversations\" (\"from\": \"gpt\")", where);
}

/// Reads a list entry by entry. ShareGPT4V's list has more than a million entries, and the protocol wants the first
/// 1000, so reading stops there. Other lists are read to their end, because several entries may hold captions of one
/// image.
void read_list(std::string_view text, const CaptionOptions& options, ImageCaptions& images) {
  constexpr std::string_view kBetween = " \t\r\n,";
  std::size_t at = 1;
  for (std::size_t index = 0;; ++index) {
    const std::string where = place_in(options, "", index);
    at = text.find_first_not_of(kBetween, at);
    require(at != std::string_view::npos, "[{}] the list does not end", options.file.string());
    if (text[at] == ']') return;
    const std::size_t end = text[at] == '{' ? end_of_value(text, at) : std::string_view::npos;
    require(end != std::string_view::npos, "[{}] is no object of \"image\" and \"caption\" or \"conversations\"",
            where);
    const Json entry = parse_json(text.substr(at, end - at), where);
    const bool talks = entry.contains("conversations") && !entry.contains("caption") && !entry.contains("captions");
    images.add(name_of(entry, where), {},
               talks ? std::vector{conversation_caption(entry, where)} : captions_of(entry, where), where);
    if (talks && images.is_enough()) return;
    at = end;
  }
}

/// The whole file as one JSON object; nothing when it holds one object per line.
std::optional<Json> whole_object(std::string_view text, const std::string& name) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.contains("image") || json.contains("file")) return std::nullopt;
  require(json.contains("images"), "[{}] has an unknown form; {}", name, kCaptionForms);
  return json;
}

}  // namespace

void read_caption_json(std::string_view text, const CaptionOptions& options, ImageCaptions& images) {
  if (text.front() == '[') return read_list(text, options, images);
  const std::string name = options.file.string();
  const std::optional<Json> json = whole_object(text, name);
  if (!json) return read_lines(text, options, images);
  require(json->at("images").is_array(), "[{}] \"images\" is no list; {}", name, kCaptionForms);
  return json->contains("annotations") ? read_coco(*json, options, images) : read_karpathy(*json, options, images);
}

}  // namespace e5v::eval
