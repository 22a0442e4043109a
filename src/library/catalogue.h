#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "library/database.h"
#include "library/photo.h"

namespace e5v::library {

/// The catalogue of a library: a SQLite database of roots, files and photos. A photo is the content of one or more
/// files, identified by the hash of their bytes; its row is the index of its vector in the file of vectors. Writes that
/// belong together are to be in a Transaction of database(). Throws what Database throws.
class Catalogue {
 public:
  /// Opens the catalogue; with Access::write, it is created if it does not exist. Throws InvalidInput if the file is no
  /// catalogue, or of a format of a newer version.
  Catalogue(const std::filesystem::path& path, Database::Access access);

  Catalogue(const Catalogue&) = delete;  // statements point to the database
  Catalogue& operator=(const Catalogue&) = delete;

  Database& database() { return database_; }

  /// A named text, such as the record of the model; nothing if it was never set.
  std::optional<std::string> setting(std::string_view key);
  void set(std::string_view key, std::string_view value);

  /// The indexed folders, sorted by path. No root lies in another one.
  std::vector<Root> roots();
  /// Adds a root or changes its patterns. Roots in it become parts of it.
  void set_root(const Root& root);

  /// Visits the files in a folder, at any depth, sorted by the bytes of their paths. An empty path means all files.
  void for_each_file(std::string_view folder, const std::function<void(const FileEntry&)>& visit);
  /// The file at a path; nothing if the library does not know it.
  std::optional<FileEntry> find(std::string_view path);
  /// The files whose paths begin with a text and, in the same folder, go on in any way; sorted by path.
  std::vector<FileEntry> files_from(const std::string& start);
  /// The files with a state, sorted by path.
  std::vector<FileEntry> files_with(FileState state);

  /// Adds a file, or gives a known path a new status. The file waits.
  void add_waiting(const FileStatus& status);
  /// Changes the state of a file, for example to gone, and back.
  void set_state(std::int64_t file, FileState state);
  /// Forgets a file.
  void forget(std::int64_t file);
  /// Records the content of a file that was read; `status` is what it was when it was read. Its photo must be known.
  void set_done(std::int64_t file, const FileStatus& status, const Hash128& hash);
  /// Records why a file cannot be read.
  void set_failed(std::int64_t file, const FileStatus& status, std::string_view reason);
  /// Records the stamp of a file's sidecar files. The metadata of its photo are to be read again.
  void set_sidecars(std::int64_t file, std::int64_t stamp);
  /// The files whose sidecar files have changed since their metadata were read.
  std::vector<FileEntry> stale_files();
  /// The metadata of all photos are to be read again.
  void make_all_stale();
  /// Records that the metadata of a file were read.
  void set_fresh(std::int64_t file);
  /// Lets failed files wait again; returns their number.
  std::int64_t retry_failed();

  /// Adds a photo with the row of its vector.
  void add_photo(const Hash128& hash, std::int64_t row, const Metadata& metadata);
  /// Replaces the metadata of a photo.
  void set_metadata(const Hash128& hash, const Metadata& metadata);
  bool has_photo(const Hash128& hash);
  /// Forgets one deleted file with this content, because it has turned up elsewhere; false if there is none.
  bool forget_gone(const Hash128& hash);
  /// Forgets all deleted files, and photos without files; returns the number of the files.
  std::int64_t purge_gone();
  /// Forgets photos whose row is `rows` or higher; their files wait again. Returns the number of the photos.
  std::int64_t forget_rows_from(std::int64_t rows);

  /// The photos and their rows, sorted by row.
  std::vector<std::pair<Hash128, std::int64_t>> rows_of_photos();
  /// Gives a photo another row, which no photo may have.
  void move_row(const Hash128& hash, std::int64_t row);
  /// The sizes of all files whose content is known.
  std::set<std::int64_t> known_sizes();
  /// One more than the highest row of a photo; 0 if there is none.
  std::int64_t rows();
  Counts counts();

 private:
  Database database_;
  // Statements of loops over many files.
  Statement insert_file_, update_file_, state_, done_, failed_, insert_photo_, find_photo_;
};

/// The range of paths in a folder: begin <= path < end. An empty path means all paths.
struct PathRange {
  std::string begin, end;
  explicit PathRange(std::string_view folder);
};

}  // namespace e5v::library
