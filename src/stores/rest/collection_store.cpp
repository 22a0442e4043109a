#include "stores/rest/collection_store.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "library/scan.h"

namespace e5v::stores::rest {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kMinHashDigits = 6;
/// Photos that are read for an exact search before the best ones are kept.
constexpr std::size_t kKept = 4096;

/// Keeps the best photos among some, each once.
void keep_best(const StoreQuery& query, std::vector<StoredPhoto>& photos) {
  std::vector<Candidate> candidates;
  std::map<Hash128, StoredPhoto> by_hash;
  for (StoredPhoto& photo : photos) {
    if (photo.hash == query.without || by_hash.contains(photo.hash)) continue;
    candidates.push_back({photo.hash, 0, photo.vector});
    by_hash[photo.hash] = std::move(photo);
  }
  rescore(query.vector, candidates, query.top, query.min_score);
  photos.clear();
  for (const Candidate& candidate : candidates) photos.push_back(std::move(by_hash[candidate.hash]));
}

bool can_be_hash(const std::string& text) {
  return text.size() >= kMinHashDigits && text.size() <= 32 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// The photo with the files of an older state of it, too.
StoredPhoto merged(const StoredPhoto& photo, const StoredPhoto& before) {
  StoredPhoto result = photo;
  for (const library::FileStatus& file : before.files)
    if (std::ranges::find(result.files, file.path, &library::FileStatus::path) == result.files.end())
      result.files.push_back(file);
  std::ranges::sort(result.files, {}, &library::FileStatus::path);
  return result;
}

}  // namespace

CollectionStore::CollectionStore(std::unique_ptr<Collection> collection) : collection_(std::move(collection)) {
  if (!collection_->exists()) return;
  settings_ = collection_->settings();
  if (settings_.is_null()) return;
  const auto format = json_value<std::int64_t, InvalidInput>(settings_, "format", 0, name());
  require(format <= kFormat,
          "[{}] has format {}, which a newer version of e5v wrote; this version reads formats up to {}", name(), format,
          kFormat);
}

std::optional<library::ModelRecord> CollectionStore::model() {
  if (settings_.is_null()) return std::nullopt;
  return library::ModelRecord::from_json(json_value<std::string, InvalidInput>(settings_, "model", "", name()), name());
}

std::int64_t CollectionStore::width() {
  const auto record = model();
  require(record.has_value(), "[{}] the store has no photos yet: expected e5v copy to have run", name());
  return record->width;
}

void CollectionStore::set_model(const library::ModelRecord& model) {
  if (const auto known = this->model()) return require_same_space(*known, model, name());
  if (!collection_->exists()) collection_->make(model.width);
  settings_ = {{"format", kFormat}, {"model", model.json()}, {"roots", Json::array()}, {"cameras", Json::array()}};
  collection_->set_settings(settings_);
}

std::vector<library::Root> CollectionStore::roots() {
  std::vector<library::Root> roots;
  if (settings_.is_null()) return roots;
  for (const Json& root : settings_["roots"])
    roots.push_back({json_value<std::string, InvalidInput>(root, "path", "", name()),
                     json_value<std::vector<std::string>, InvalidInput>(root, "exclude", {}, name())});
  return roots;
}

void CollectionStore::set_root(const library::Root& root) {
  Json roots = Json::array();
  for (const library::Root& known : this->roots())
    if (!library::lies_in(known.path, root.path)) roots.push_back({{"path", known.path}, {"exclude", known.exclude}});
  roots.push_back({{"path", root.path}, {"exclude", root.exclude}});
  if (roots == settings_["roots"]) return;
  settings_["roots"] = roots;
  collection_->set_settings(settings_);
}

std::vector<std::string> CollectionStore::cameras() const {
  return settings_.is_null() ? std::vector<std::string>()
                             : json_value<std::vector<std::string>, InvalidInput>(settings_, "cameras", {}, name());
}

void CollectionStore::put(std::span<const StoredPhoto> photos) {
  if (photos.empty()) return;
  const std::vector<std::string> known = cameras();
  std::set<std::string> cameras(known.begin(), known.end());
  std::map<Hash128, StoredPhoto> all;
  std::vector<std::string> hashes;
  for (const StoredPhoto& photo : photos) {
    if (!photo.metadata.camera.empty()) cameras.insert(photo.metadata.camera);
    hashes.push_back(photo.hash.hex());
    all[photo.hash] = all.contains(photo.hash) ? merged(photo, all[photo.hash]) : photo;
  }
  if (cameras.size() > known.size()) {
    settings_["cameras"] = cameras;
    collection_->set_settings(settings_);
  }
  for (const Found& found : collection_->with_hashes(hashes)) {
    const StoredPhoto before = photo_of(found.fields, name());
    all[before.hash] = merged(all[before.hash], before);
  }
  std::vector<StoredPhoto> written;
  for (auto& [hash, photo] : all) {
    std::erase_if(photo.files, [](const library::FileStatus& file) { return !is_valid_utf8(file.path); });
    if (!photo.files.empty()) written.push_back(std::move(photo));
  }
  collection_->write(written);
}

StoredPhoto CollectionStore::stored(const Found& found) const { return photo_of(found.fields, name(), found.vector); }

void CollectionStore::for_each(const std::function<void(StoredPhoto)>& visit) {
  if (settings_.is_null()) return;
  std::set<Hash128> seen;
  collection_->for_each({}, true, [&](const Found& found) {
    StoredPhoto photo = stored(found);
    if (seen.insert(photo.hash).second) visit(std::move(photo));
  });
}

StoredPhoto CollectionStore::find(const std::string& path_or_hash) {
  width();
  std::string hash = path_or_hash;
  const std::string path = std::filesystem::absolute(path_or_hash).lexically_normal().string();
  collection_->for_each({has_file(path)}, false,
                        [&](const Found& found) { hash = photo_of(found.fields, name()).hash.hex(); });
  const std::vector<Found> found = can_be_hash(hash) ? collection_->with_prefix(hash, 2) : std::vector<Found>();
  require(!found.empty(),
          "[{}] the store has no photo {}; expected the path of an indexed file, or at least {} digits of its hash",
          name(), in_quotes(path_or_hash), kMinHashDigits);
  require(stored(found.front()).hash == stored(found.back()).hash,
          "[{}] several photos have a hash that begins with {}; give more of its digits", name(), path_or_hash);
  return stored(found.front());
}

std::vector<StoredPhoto> CollectionStore::sample(std::int64_t count) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::vector<StoredPhoto> photos;
  if (settings_.is_null()) return photos;
  for (const char* digit = kDigits; *digit != '\0' && std::cmp_less(photos.size(), count); ++digit)
    for (const Found& found : collection_->with_prefix({*digit}, count - std::ssize(photos)))
      photos.push_back(stored(found));
  return photos;
}

/// All photos that fulfil the conditions are compared.
std::vector<StoredPhoto> CollectionStore::best_photos(const StoreQuery& query,
                                                      const std::vector<Condition>& conditions) {
  std::vector<StoredPhoto> photos;
  const std::size_t most = kKept + static_cast<std::size_t>(query.top);
  collection_->for_each(conditions, true, [&](const Found& found) {
    photos.push_back(stored(found));
    if (photos.size() == most) keep_best(query, photos);
  });
  keep_best(query, photos);
  return photos;
}

std::vector<StoreMatch> CollectionStore::search(const StoreQuery& query) {
  constexpr std::int64_t kFurther = 32;
  const std::int64_t expected = width();
  require(std::ssize(query.vector) == expected, "[{}] the query has {} dimensions, the store {}", name(),
          query.vector.size(), expected);
  const std::vector<Condition> conditions = conditions_of(query.filter, cameras());
  std::vector<StoredPhoto> photos;
  if (query.exact) {
    photos = best_photos(query, conditions);
  } else {
    for (const Found& found : collection_->search(query.vector, conditions, query.top + kFurther))
      photos.push_back(stored(found));
    keep_best(query, photos);
  }
  std::vector<StoreMatch> matches;
  for (StoredPhoto& photo : photos) {
    std::vector<Candidate> candidate{{photo.hash, 0, std::move(photo.vector)}};
    rescore(query.vector, candidate, 1, -2);
    library::Photo found{photo.hash, {}, photo.files.empty() ? 0 : photo.files.back().size, std::move(photo.metadata)};
    for (library::FileStatus& file : photo.files) found.paths.push_back(std::move(file.path));
    matches.push_back({candidate.front().score, std::move(found)});
  }
  return matches;
}

std::int64_t CollectionStore::count(const library::Filter& filter) {
  std::set<std::string> hashes;
  if (!settings_.is_null())
    collection_->for_each(conditions_of(filter, cameras()), false, [&](const Found& found) {
      hashes.insert(json_value<std::string, DeviceError>(found.fields, "hash", "", name()));
    });
  return std::ssize(hashes);
}

std::string CollectionStore::calibration() {
  return settings_.is_null() ? "" : json_value<std::string, InvalidInput>(settings_, "calibration", "", name());
}

void CollectionStore::set_calibration(const std::string& calibration) {
  settings_["calibration"] = calibration;
  collection_->set_settings(settings_);
}

}  // namespace e5v::stores::rest
