#include "stores/library_store.h"

#include <set>
#include <utility>

#include "base/error.h"
#include "library/catalogue.h"
#include "library/query.h"

namespace e5v::stores {

LibraryStore::LibraryStore(std::filesystem::path folder)
    : library_(std::move(folder)), name_(library_.folder().string()) {}

LibraryStore::LibraryStore(std::filesystem::path folder, std::string_view command)
    : library_(std::move(folder), command), name_(library_.folder().string()) {}

void LibraryStore::put(std::span<const StoredPhoto> photos) {
  library::Catalogue& catalogue = library_.catalogue();
  std::vector<std::optional<std::int64_t>> rows;  // of new photos
  std::set<Hash128> added;
  for (const StoredPhoto& photo : photos) {
    const bool is_new = !catalogue.has_photo(photo.hash) && added.insert(photo.hash).second;
    rows.push_back(is_new ? std::optional(library_.writer().add(photo.vector)) : std::nullopt);
  }
  library_.writer().flush();  // before the catalogue names the rows
  library::Transaction transaction(catalogue.database());
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const StoredPhoto& photo = photos[i];
    rows[i] ? catalogue.add_photo(photo.hash, *rows[i], photo.metadata)
            : catalogue.set_metadata(photo.hash, photo.metadata);
    for (const library::FileStatus& file : photo.files) {
      catalogue.add_waiting(file);
      catalogue.set_done(catalogue.find(file.path)->id, file, photo.hash);
    }
  }
  transaction.commit();
}

StoredPhoto LibraryStore::photo_at(std::int64_t row, const std::optional<library::VectorRows>& vectors) {
  library::Database& database = library_.catalogue().database();
  library::Photo photo = photo_of_row(database, row);
  const auto vector = vectors->row(row);
  StoredPhoto stored{photo.hash, std::move(photo.metadata), {}, {vector.begin(), vector.end()}};
  for (const std::string& path : photo.paths) stored.files.push_back(library_.catalogue().find(path)->status);
  return stored;
}

void LibraryStore::for_each(const std::function<void(StoredPhoto)>& visit) {
  const auto vectors = library_.vectors();
  if (!vectors) return;
  for (const std::int64_t row : allowed_rows(library_.catalogue().database(), {})) visit(photo_at(row, vectors));
}

StoredPhoto LibraryStore::find(const std::string& path_or_hash) {
  return photo_at(row_named(library_, path_or_hash), library_.vectors());
}

std::vector<StoredPhoto> LibraryStore::sample(std::int64_t count) {
  std::vector<StoredPhoto> photos;
  const auto vectors = library_.vectors();
  library::Statement rows(library_.catalogue().database(),
                          "SELECT row FROM photos WHERE files > 0 ORDER BY hash LIMIT ?1");
  rows.bind(count);
  while (rows.step()) photos.push_back(photo_at(rows.column<std::int64_t>(0), vectors));
  return photos;
}

std::vector<StoreMatch> LibraryStore::search(const StoreQuery& query) {
  library::Database& database = library_.catalogue().database();
  if (!index_) index_.emplace(library_);
  library::AllowedRows allowed = allowed_mask(database, query.filter, index_->rows());
  if (query.without) allowed.remove(row_named(library_, query.without->hex()), index_->rows());
  std::vector<StoreMatch> matches;
  for (const library::Found& found : index_->search(query.vector, allowed, query.top, query.min_score))
    matches.push_back({found.score, photo_of_row(database, found.row)});
  return matches;
}

std::int64_t LibraryStore::count(const library::Filter& filter) {
  return std::ssize(allowed_rows(library_.catalogue().database(), filter));
}

std::optional<library::ScoreScale> LibraryStore::scale(std::span<const library::QueryPart> parts) {
  return scale_for(library_, parts);
}

}  // namespace e5v::stores
