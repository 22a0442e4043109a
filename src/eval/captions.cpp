#include "eval/captions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mmap.h"
#include "base/records.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kForms =
    "expected Karpathy's JSON (\"images\" with \"filename\", \"split\" and \"sentences\"), COCO's (\"images\" and "
    "\"annotations\"), ShareGPT4V's (a list of \"image\" and \"conversations\"), JSONL (\"image\" with \"caption\" or "
    "\"captions\"), or a folder with caption/NAME.txt and image/NAME.jpg";

/// Finds pictures by what a file says of them.
class PictureFinder {
 public:
  explicit PictureFinder(const CaptionOptions& options)
      : folder_(options.images.empty() ? options.file.parent_path() : options.images) {
    require(folder_.empty() || fs::is_directory(folder_), "[{}] is no folder, expected the pictures of {}",
            folder_.string(), options.file.string());
  }

  /// Where a name is looked for first.
  fs::path place_of(const fs::path& name) const { return folder_ / name; }

  fs::path find(const fs::path& name, const std::vector<std::string>& below, const std::string& where) const {
    if (fs::exists(place_of(name))) return place_of(name);
    for (const std::string& part : below)
      if (!part.empty() && fs::exists(folder_ / part / name)) return folder_ / part / name;
    fail<InvalidInput>("[{}] the picture {} does not exist; say with --images where the pictures are", where,
                       place_of(name).string());
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

bool is_enough(const std::vector<CaptionedImage>& images, const CaptionOptions& options) {
  return options.most_pictures != 0 && images.size() == options.most_pictures;
}

std::vector<CaptionedImage> from_karpathy(const Json& json, const CaptionOptions& options,
                                          const PictureFinder& finder) {
  std::vector<CaptionedImage> result;
  std::size_t index = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = fmt::format("{}: images[{}]", options.file.string(), index++);
    const auto split = json_value<std::string, InvalidInput>(entry, "split", "", where);
    if (!in_split(split, options.split)) continue;
    if (is_enough(result, options)) break;
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
  std::set<std::int64_t> left_out;
  std::size_t index = 0;
  for (const Json& entry : json.at("images")) {
    const std::string where = fmt::format("{}: images[{}]", options.file.string(), index++);
    const auto id = field<std::int64_t>(entry, "id", where);
    if (is_enough(result, options)) {
      left_out.insert(id);
      continue;
    }
    places[id] = result.size();
    result.push_back({finder.find(field<std::string>(entry, "file_name", where), {}, where), {}});
  }
  index = 0;
  for (const Json& entry : json.at("annotations")) {
    const std::string where = fmt::format("{}: annotations[{}]", options.file.string(), index++);
    const auto id = field<std::int64_t>(entry, "image_id", where);
    if (left_out.contains(id)) continue;
    const auto place = places.find(id);
    require(place != places.end(), "[{}] is about image {}, which is not among the images", where, id);
    add_caption(result[place->second], field<std::string>(entry, "caption", where), options);
  }
  return result;
}

/// Pictures with the captions of all lines about them.
class LinePictures {
 public:
  LinePictures(const CaptionOptions& options, const PictureFinder& finder) : options_(options), finder_(finder) {}

  /// A line about a picture beyond the last one wanted is passed over.
  void add(const Json& entry, const std::string& where) {
    const char* key = entry.is_object() && entry.contains("file") ? "file" : "image";
    const auto name = field<std::string>(entry, key, where);
    const fs::path place = finder_.place_of(name).lexically_normal();
    auto known = places_.find(place);
    if (known == places_.end()) {
      if (is_enough(images_, options_)) return;
      known = places_.emplace(place, images_.size()).first;
      images_.push_back({finder_.find(name, {}, where), {}});
    }
    add_captions(images_[known->second], entry, where);
  }

  std::vector<CaptionedImage> take() { return std::move(images_); }

 private:
  void add_captions(CaptionedImage& image, const Json& entry, const std::string& where) const {
    if (!entry.contains("captions")) return add_caption(image, field<std::string>(entry, "caption", where), options_);
    for (std::string& caption : field<std::vector<std::string>>(entry, "captions", where))
      add_caption(image, std::move(caption), options_);
  }

  const CaptionOptions& options_;
  const PictureFinder& finder_;
  std::vector<CaptionedImage> images_;
  std::map<fs::path, std::size_t> places_;
};

std::vector<CaptionedImage> from_lines(std::string_view text, const CaptionOptions& options,
                                       const PictureFinder& finder) {
  LinePictures pictures(options, finder);
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const Record line = line_at(text, begin);
    begin = line.next;
    const std::string where = fmt::format("{}:{}", options.file.string(), ++number);
    require(line.problem.empty(), "[{}] {}", where, line.problem);
    if (line.bytes.find_first_not_of(" \t") != std::string_view::npos)
      pictures.add(parse_json(line.bytes, where), where);
  }
  return pictures.take();
}

/// Where the JSON value that begins at text[begin] with a bracket ends; npos when it does not.
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

/// What the model of the conversation says of the picture.
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

/// Entry by entry: the file has more than a million, of which the protocol wants the first 1000.
std::vector<CaptionedImage> from_conversations(std::string_view text, std::size_t at, const CaptionOptions& options,
                                               const PictureFinder& finder) {
  constexpr std::string_view kBetween = " \t\r\n,";
  std::vector<CaptionedImage> result;
  while (!is_enough(result, options)) {
    const std::string where = fmt::format("{}: [{}]", options.file.string(), result.size());
    at = text.find_first_not_of(kBetween, at);
    require(at != std::string_view::npos, "[{}] the list does not end", options.file.string());
    if (text[at] == ']') break;
    const std::size_t end = text[at] == '{' ? end_of_value(text, at) : std::string_view::npos;
    require(end != std::string_view::npos, "[{}] is no object of \"image\" and \"conversations\"", where);
    const Json entry = parse_json(text.substr(at, end - at), where);
    result.push_back(
        {finder.find(field<std::string>(entry, "image", where), {}, where), {conversation_caption(entry, where)}});
    at = end;
  }
  return result;
}

/// The files of a folder by name without ending: numbers by size, then the rest in the order of the alphabet.
std::vector<fs::path> listed(const fs::path& folder) {
  require(fs::is_directory(folder), "[{}] is missing; {}", folder.string(), kForms);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
  std::ranges::sort(files, {}, [](const fs::path& file) {
    const std::string name = file.stem().string();
    const bool number = !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
    return std::tuple(!number, number ? name.size() : 0, name);
  });
  return files;
}

std::vector<CaptionedImage> from_folder(const CaptionOptions& options) {
  const fs::path captions = options.file / "caption",
                 images = options.images.empty() ? options.file / "image" : options.images;
  std::map<std::string, fs::path> pictures;
  for (const fs::path& file : listed(images)) pictures.emplace(file.stem().string(), file);
  std::vector<CaptionedImage> result;
  for (const fs::path& file : listed(captions)) {
    if (file.extension() != ".txt" || is_enough(result, options)) continue;
    const auto picture = pictures.find(file.stem().string());
    require(picture != pictures.end(), "[{}] is missing, which {} is about; {}",
            (images / file.stem()).string() + ".jpg", file.string(), kForms);
    const std::string text = read_file(file);
    const Record line = text.empty() ? Record() : line_at(text, 0);
    require(line.problem.empty(), "[{}] {}", file.string(), line.problem);
    require(line.bytes.find_first_not_of(" \t") != std::string_view::npos, "[{}] begins with no caption",
            file.string());
    require(is_valid_utf8(line.bytes), "[{}] is no UTF-8", file.string());
    result.push_back({picture->second, {std::string(line.bytes)}});
    pictures.erase(picture);
  }
  if (options.most_pictures == 0 && !pictures.empty())
    fail<InvalidInput>("[{}.txt] is missing, the caption of {}; {}", (captions / pictures.begin()->first).string(),
                       pictures.begin()->second.string(), kForms);
  return result;
}

/// The whole file as one JSON object, or nothing when it is not one, but an object a line, one or many.
std::optional<Json> whole_object(std::string_view text, const std::string& name) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.contains("image") || json.contains("file")) return std::nullopt;
  require(json.contains("images"), "[{}] is of no form that is known; {}", name, kForms);
  return json;
}

std::vector<CaptionedImage> from_file(const CaptionOptions& options) {
  const std::string name = options.file.string();
  require(fs::exists(options.file), "[{}] is missing; {}", name, kForms);
  require(fs::file_size(options.file) > 0, "[{}] is empty; {}", name, kForms);
  const MappedFile file(options.file);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  require(begin != std::string_view::npos, "[{}] is empty; {}", name, kForms);
  require(text[begin] == '{' || text[begin] == '[', "[{}] is of no form that is known; {}", name, kForms);
  const PictureFinder finder(options);
  if (text[begin] == '[') return from_conversations(text, begin + 1, options, finder);
  const std::optional<Json> json = whole_object(text, name);
  if (!json) return from_lines(text, options, finder);
  require(json->at("images").is_array(), "[{}] \"images\" is no list; {}", name, kForms);
  auto result =
      json->contains("annotations") ? from_coco(*json, options, finder) : from_karpathy(*json, options, finder);
  require(!result.empty() || options.split.empty(), "[{}] has no picture of the split {}", name,
          in_quotes(options.split));
  return result;
}

}  // namespace

std::vector<CaptionedImage> read_captions(const CaptionOptions& options) {
  std::vector<CaptionedImage> result = fs::is_directory(options.file) ? from_folder(options) : from_file(options);
  require(!result.empty(), "[{}] has no picture", options.file.string());
  for (const CaptionedImage& image : result)
    require(!image.captions.empty(), "[{}] {} has no caption", options.file.string(), image.image.string());
  return result;
}

}  // namespace e5v::eval
