#include "eval/captions.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/records.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kForms =
    "expected Karpathy's JSON (\"images\" with \"filename\", \"split\" and \"sentences\"), COCO's (\"images\" and "
    "\"annotations\") or JSONL (\"image\" with \"caption\" or \"captions\")";

/// Finds pictures by what a file says of them.
class PictureFinder {
 public:
  explicit PictureFinder(const CaptionOptions& options)
      : folder_(options.images.empty() ? options.file.parent_path() : options.images) {
    require(folder_.empty() || fs::is_directory(folder_), "[{}] is no folder, expected the pictures of {}",
            folder_.string(), options.file.string());
  }

  fs::path find(const fs::path& name, const std::vector<std::string>& below, const std::string& where) const {
    if (fs::exists(folder_ / name)) return folder_ / name;
    for (const std::string& part : below)
      if (!part.empty() && fs::exists(folder_ / part / name)) return folder_ / part / name;
    fail<InvalidInput>("[{}] the picture {} does not exist; say with --images where the pictures are", where,
                       (folder_ / name).string());
  }

 private:
  fs::path folder_;
};

/// object[key] as T. Throws InvalidInput when it is absent or of another type.
template <class T>
T field(const Json& object, const char* key, const std::string& where) {
  require(object.is_object() && object.contains(key), "[{}] has no \"{}\"", where, key);
  try {
    return object.at(key).get<T>();
  } catch (const Json::exception&) {
    fail<InvalidInput>("[{}] \"{}\" has an unexpected type: {}", where, key, object.at(key).type_name());
  }
}

void add_caption(CaptionedImage& image, std::string caption, const CaptionOptions& options) {
  if (options.most_captions == 0 || image.captions.size() < options.most_captions)
    image.captions.push_back(std::move(caption));
}

/// A split as Karpathy's files are used: "restval" trains.
bool in_split(const std::string& split, const std::string& wanted) {
  return wanted.empty() || split == wanted || (wanted == "train" && split == "restval");
}

std::vector<CaptionedImage> from_karpathy(const Json& json, const CaptionOptions& options,
                                          const PictureFinder& finder) {
  std::vector<CaptionedImage> result;
  std::size_t index = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = fmt::format("{}: images[{}]", options.file.string(), index++);
    const auto split = json_value<std::string, InvalidInput>(entry, "split", "", where);
    if (!in_split(split, options.split)) continue;
    const auto folder = json_value<std::string, InvalidInput>(entry, "filepath", "", where);
    CaptionedImage image{finder.find(field<std::string>(entry, "filename", where), {folder, split}, where), {}};
    for (const Json& sentence : field<Json>(entry, "sentences", where))
      add_caption(image, field<std::string>(sentence, "raw", where), options);
    result.push_back(std::move(image));
  }
  return result;
}

std::vector<CaptionedImage> from_coco(const Json& json, const CaptionOptions& options, const PictureFinder& finder) {
  std::vector<CaptionedImage> result;
  std::map<std::int64_t, std::size_t> places;
  std::size_t index = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = fmt::format("{}: images[{}]", options.file.string(), index++);
    places[field<std::int64_t>(entry, "id", where)] = result.size();
    result.push_back({finder.find(field<std::string>(entry, "file_name", where), {}, where), {}});
  }
  index = 0;
  for (const Json& entry : json.at("annotations")) {
    const std::string where = fmt::format("{}: annotations[{}]", options.file.string(), index++);
    const auto id = field<std::int64_t>(entry, "image_id", where);
    const auto place = places.find(id);
    require(place != places.end(), "[{}] is about image {}, which is not among the images", where, id);
    add_caption(result[place->second], field<std::string>(entry, "caption", where), options);
  }
  return result;
}

CaptionedImage from_line(std::string_view line, const std::string& where, const CaptionOptions& options,
                         const PictureFinder& finder) {
  const Json entry = parse_json(line, where);
  const char* name = entry.is_object() && entry.contains("file") ? "file" : "image";
  CaptionedImage image{finder.find(field<std::string>(entry, name, where), {}, where), {}};
  if (entry.contains("captions")) {
    for (std::string& caption : field<std::vector<std::string>>(entry, "captions", where))
      add_caption(image, std::move(caption), options);
  } else {
    add_caption(image, field<std::string>(entry, "caption", where), options);
  }
  return image;
}

std::vector<CaptionedImage> from_lines(std::string_view text, const CaptionOptions& options,
                                       const PictureFinder& finder) {
  std::vector<CaptionedImage> result;
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const Record line = line_at(text, begin);
    begin = line.next;
    const std::string where = fmt::format("{}:{}", options.file.string(), ++number);
    require(line.problem.empty(), "[{}] {}", where, line.problem);
    if (line.bytes.find_first_not_of(" \t") != std::string_view::npos)
      result.push_back(from_line(line.bytes, where, options, finder));
  }
  return result;
}

/// The whole file as one JSON object, or nothing when it is not one (but perhaps many, line by line).
std::optional<Json> whole_object(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("images")) return std::nullopt;
  return json;
}

}  // namespace

std::vector<CaptionedImage> read_captions(const CaptionOptions& options) {
  std::string text = read_file(options.file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const std::string name = options.file.string();
  require(text.find_first_not_of(" \t\r\n") != std::string::npos, "[{}] is empty; {}", name, kForms);
  require(text[text.find_first_not_of(" \t\r\n")] == '{', "[{}] is of no form that is known; {}", name, kForms);
  const PictureFinder finder(options);
  const std::optional<Json> json = whole_object(text);
  if (json) require(json->at("images").is_array(), "[{}] \"images\" is no list; {}", name, kForms);
  std::vector<CaptionedImage> result = !json                           ? from_lines(text, options, finder)
                                       : json->contains("annotations") ? from_coco(*json, options, finder)
                                                                       : from_karpathy(*json, options, finder);
  require(!result.empty(), "[{}] has no picture{}", name,
          json && !options.split.empty() ? fmt::format(" of the split {}", in_quotes(options.split)) : std::string());
  for (const CaptionedImage& image : result)
    require(!image.captions.empty(), "[{}] {} has no caption", name, image.image.string());
  return result;
}

}  // namespace e5v::eval
