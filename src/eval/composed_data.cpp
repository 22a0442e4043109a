#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "eval/composed.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

Json read_part(const fs::path& file, const char* layout) {
  require(fs::exists(file), "[{}] is missing; expected {}", file.string(), layout);
  return read_json(file);
}

/// The pictures of a gallery by name.
class Gallery {
 public:
  explicit Gallery(ComposedSet& set) : set_(set) {}

  void add(const std::string& name, const fs::path& file) {
    if (!places_.emplace(name, static_cast<std::int64_t>(set_.names.size())).second) return;
    set_.names.push_back(name);
    set_.images.push_back(file);
  }
  std::int64_t at(const std::string& name, const std::string& where) const {
    const auto found = places_.find(name);
    require(found != places_.end(), "[{}] names the picture {}, which is not in the split's list", where,
            in_quotes(name));
    return found->second;
  }

 private:
  ComposedSet& set_;
  std::map<std::string, std::int64_t> places_;
};

/// Calls read(entry, where) for each entry of a list; what an entry lacks is said with its place.
template <class Read>
void for_each_entry(const Json& list, const fs::path& file, const Read& read) {
  require(list.is_array() && !list.empty(), "[{}] is no list of queries", file.string());
  std::size_t index = 0;
  for (const Json& entry : list) {
    const std::string where = fmt::format("{}[{}]", file.string(), index++);
    try {
      read(entry, where);
    } catch (const Json::exception& error) {
      fail<InvalidInput>("[{}] is no query: {}", where, error.what());
    }
  }
}

constexpr const char* kFashionLayout =
    "FashionIQ's folder: captions/cap.CATEGORY.SPLIT.json, image_splits/split.CATEGORY.SPLIT.json, images/ID.jpg";
constexpr const char* kCirrLayout =
    "CIRR's folder: captions/cap.rc2.SPLIT.json, image_splits/split.rc2.SPLIT.json, and the pictures that the latter "
    "names "
    "(dev/..., test1/...)";

fs::path fashion_image(const fs::path& images, const std::string& name) {
  for (const char* ending : {".jpg", ".png", ".jpeg", ".webp"})
    if (fs::exists(images / (name + ending))) return images / (name + ending);
  fail<InvalidInput>("[{}] is missing; expected {}", (images / (name + ".jpg")).string(), kFashionLayout);
}

}  // namespace

ComposedSet read_fashioniq(const fs::path& folder, const fs::path& images, const std::string& category,
                           const std::string& split) {
  const fs::path captions = folder / "captions" / fmt::format("cap.{}.{}.json", category, split);
  const fs::path list = folder / "image_splits" / fmt::format("split.{}.{}.json", category, split);
  const Json queries = read_part(captions, kFashionLayout), names = read_part(list, kFashionLayout);
  ComposedSet set;
  Gallery gallery(set);
  for_each_entry(names, list, [&](const Json& name, const std::string&) {
    const auto text = name.get<std::string>();
    gallery.add(text, fashion_image(images.empty() ? folder / "images" : images, text));
  });
  for_each_entry(queries, captions, [&](const Json& entry, const std::string& where) {
    ComposedQuery query;
    query.reference = gallery.at(entry.at("candidate").get<std::string>(), where);
    query.captions = entry.at("captions").get<std::vector<std::string>>();
    require(query.captions.size() == 2, "[{}] has {} captions, expected 2", where, query.captions.size());
    require(entry.contains("target"),
            "[{}] has no \"target\": those of FashionIQ's test split are not published, so it cannot be measured",
            where);
    query.target = gallery.at(entry.at("target").get<std::string>(), where);
    query.id = static_cast<std::int64_t>(set.queries.size());
    set.queries.push_back(std::move(query));
  });
  return set;
}

ComposedSet read_cirr(const fs::path& folder, const fs::path& images, const std::string& split) {
  const fs::path captions = folder / "captions" / fmt::format("cap.rc2.{}.json", split);
  const fs::path list = folder / "image_splits" / fmt::format("split.rc2.{}.json", split);
  const Json queries = read_part(captions, kCirrLayout), files = read_part(list, kCirrLayout);
  require(files.is_object() && !files.empty(), "[{}] is no object of names and files", list.string());
  const fs::path root = images.empty() ? folder : images;
  ComposedSet set;
  Gallery gallery(set);
  for (const auto& [name, file] : files.items()) {
    require(file.is_string(), "[{}] \"{}\" is no path", list.string(), name);
    const fs::path path = (root / file.get<std::string>()).lexically_normal();
    require(fs::exists(path), "[{}] is missing; expected {}", path.string(), kCirrLayout);
    gallery.add(name, path);
  }
  for_each_entry(queries, captions, [&](const Json& entry, const std::string& where) {
    ComposedQuery query;
    const auto reference = entry.at("reference").get<std::string>();
    query.id = entry.at("pairid").get<std::int64_t>();
    query.reference = gallery.at(reference, where);
    query.captions = {entry.at("caption").get<std::string>()};
    if (entry.contains("target_hard")) query.target = gallery.at(entry.at("target_hard").get<std::string>(), where);
    for (const Json& member : entry.at("img_set").at("members"))
      if (member != reference) query.members.push_back(gallery.at(member.get<std::string>(), where));
    set.queries.push_back(std::move(query));
  });
  const auto known = std::ranges::count_if(set.queries, [](const ComposedQuery& q) { return q.target.has_value(); });
  require(known == 0 || known == std::ssize(set.queries), "[{}] {} of {} queries have a target, expected all or none",
          captions.string(), known, set.queries.size());
  return set;
}

}  // namespace e5v::eval
