#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

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

/// The images of a gallery by name.
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
    require(found != places_.end(), "[{}] names the image {}, which is not in the split's list", where,
            in_quotes(name));
    return found->second;
  }

 private:
  ComposedSet& set_;
  std::map<std::string, std::int64_t> places_;
};

/// Calls read(entry, where) for each entry of a list. An error names the entry.
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
    "CIRR's folder: captions/cap.rc2.SPLIT.json, image_splits/split.rc2.SPLIT.json, and the images that the latter "
    "names (dev/..., test1/...)";

/// The path of a garment's image. Without such a file: the path at which it is expected.
fs::path fashion_image(const fs::path& images, const std::string& name) {
  std::error_code error;  // for example of a name that is too long, which means that there is no such file
  for (const char* ending : {".jpg", ".png", ".jpeg", ".webp"})
    if (fs::exists(images / (name + ending), error)) return images / (name + ending);
  return images / (name + ".jpg");
}

/// Removes what depends on missing images: the images from the gallery, the queries about them, and the CIRR subsets
/// that contain one of them.
void leave_out_missing(ComposedSet& set, ImageFiles& files) {
  constexpr std::int64_t kNone = -1;
  ComposedSet left;
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const bool usable = files.usable(set.images[i]);
    places.push_back(usable ? std::ssize(left.images) : kNone);
    if (!usable) continue;
    left.names.push_back(std::move(set.names[i]));
    left.images.push_back(std::move(set.images[i]));
  }
  const auto place = [&](std::int64_t i) { return places[static_cast<std::size_t>(i)]; };
  for (ComposedQuery& query : set.queries) {
    query.reference = place(query.reference);
    if (query.target) query.target = place(*query.target);
    for (std::int64_t& member : query.members) member = place(member);
    if (std::ranges::count(query.members, kNone) > 0) query.members.clear();  // a smaller subset would be easier
    if (query.reference == kNone || query.target == kNone) {
      ++left.left_out;
    } else {
      left.queries.push_back(std::move(query));
    }
  }
  set = std::move(left);
}

/// Called after all missing files have been reported.
void require_queries(const ComposedSet& set, const fs::path& captions) {
  require(!set.queries.empty(), "[{}] every query needs an image that is missing", captions.string());
}

fs::path captions_of(const fs::path& folder, const std::string& category, const std::string& split) {
  return folder / "captions" / fmt::format("cap.{}.{}.json", category, split);
}

ComposedSet read_category(const fs::path& folder, const fs::path& images, const std::string& category,
                          const std::string& split) {
  const fs::path captions = captions_of(folder, category, split);
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
            "[{}] has no \"target\": FashionIQ does not publish the targets of its test split", where);
    query.target = gallery.at(entry.at("target").get<std::string>(), where);
    query.id = static_cast<std::int64_t>(set.queries.size());
    set.queries.push_back(std::move(query));
  });
  return set;
}

}  // namespace

std::vector<std::pair<std::string, ComposedSet>> read_fashioniq(const fs::path& folder, const fs::path& images,
                                                                const std::vector<std::string>& categories,
                                                                const std::string& split, ImageFiles& files) {
  std::vector<std::pair<std::string, ComposedSet>> sets;
  for (const std::string& category : categories) {
    sets.emplace_back(category, read_category(folder, images, category, split));
    leave_out_missing(sets.back().second, files);
  }
  files.require_there(folder.string(), fmt::format("expected {}", kFashionLayout));
  for (const auto& [category, set] : sets) require_queries(set, captions_of(folder, category, split));
  return sets;
}

ComposedSet read_cirr(const fs::path& folder, const fs::path& images, const std::string& split, ImageFiles& files) {
  const fs::path captions = captions_of(folder, "rc2", split);
  const fs::path list = folder / "image_splits" / fmt::format("split.rc2.{}.json", split);
  const Json queries = read_part(captions, kCirrLayout), paths = read_part(list, kCirrLayout);
  require(paths.is_object() && !paths.empty(), "[{}] is no object of names and files", list.string());
  const fs::path root = images.empty() ? folder : images;
  ComposedSet set;
  std::set<std::int64_t> ids;
  Gallery gallery(set);
  for (const auto& [name, file] : paths.items()) {
    require(file.is_string(), "[{}] \"{}\" is no path", list.string(), name);
    gallery.add(name, (root / file.get<std::string>()).lexically_normal());
  }
  for_each_entry(queries, captions, [&](const Json& entry, const std::string& where) {
    ComposedQuery query;
    const auto reference = entry.at("reference").get<std::string>();
    query.id = json_as<std::int64_t, InvalidInput>(entry.at("pairid"), "pairid", where);
    require(ids.insert(query.id).second, "[{}] has the pairid {}, which an earlier query has", where, query.id);
    query.reference = gallery.at(reference, where);
    query.captions = {entry.at("caption").get<std::string>()};
    if (entry.contains("target_hard")) query.target = gallery.at(entry.at("target_hard").get<std::string>(), where);
    require(query.target != query.reference, "[{}] has the reference {} as its target, which is not in the gallery",
            where, in_quotes(reference));
    for (const Json& member : entry.at("img_set").at("members"))
      if (member != reference) query.members.push_back(gallery.at(member.get<std::string>(), where));
    set.queries.push_back(std::move(query));
  });
  const auto known = std::ranges::count_if(set.queries, [](const ComposedQuery& q) { return q.target.has_value(); });
  require(known == 0 || known == std::ssize(set.queries), "[{}] {} of {} queries have a target, expected all or none",
          captions.string(), known, set.queries.size());
  leave_out_missing(set, files);
  files.require_there(folder.string(), fmt::format("expected {}", kCirrLayout));
  require_queries(set, captions);
  return set;
}

}  // namespace e5v::eval
