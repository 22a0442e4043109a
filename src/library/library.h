#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "library/catalogue.h"
#include "library/model_record.h"
#include "library/vector_rows.h"
#include "library/write_lock.h"

namespace e5v::library {

/// A library: a folder that holds the vectors of photos and what is known about them.
///   FOLDER/catalogue.sqlite   roots, files and photos
///   FOLDER/vectors-N.f16      a row for each photo, only appended; N grows when the file is written anew
///   FOLDER/rounded-N          the rounded form of these rows, which searches read (library/rounded_rows)
///   FOLDER/lock               held by the process that writes; readers need no lock
/// Rows are on the disk before the catalogue names them. Rows that it does not name are cut when a writer opens the
/// library, so a killed process loses what it had not committed, and nothing else.
class Library {
 public:
  /// $XDG_DATA_HOME/e5v/library, or ~/.local/share/e5v/library. Throws InvalidInput if neither variable is set.
  static std::filesystem::path default_folder();

  /// Whether there is a library in a folder.
  static bool exists(const std::filesystem::path& folder);

  /// Opens a library to read it as it is now: what is committed later is not seen. Throws InvalidInput if there is
  /// none.
  explicit Library(std::filesystem::path folder);
  /// Opens a library to write it, creates it if there is none, and repairs what a killed process has left. Throws
  /// InvalidInput if another process is writing it, which the message names, or if the folder cannot be written.
  /// `command` is the name of this process in the message of a second one.
  Library(std::filesystem::path folder, std::string_view command);

  const std::filesystem::path& folder() const { return folder_; }
  Catalogue& catalogue() { return catalogue_; }

  /// The model that computed the vectors; nothing before the first vector is to be computed.
  const std::optional<ModelRecord>& model() const { return model_; }
  /// Sets the model, whose vectors must be comparable with those of the library. Throws InvalidInput otherwise.
  void set_model(const ModelRecord& model);
  /// Forgets model and vectors; all files wait again.
  void forget_vectors();
  /// Forgets deleted files and the vectors of photos without files, and frees their space. Returns the number of files.
  std::int64_t purge();

  /// Where new vectors go; set_model() must have been called once.
  VectorRowWriter& writer();
  /// The vectors that the catalogue names now; none before there is a model.
  std::optional<VectorRows> vectors();
  /// The file of these vectors.
  std::filesystem::path vectors_path();

 private:
  void remove_other_files();
  void start_vectors_file(const std::function<void(const std::filesystem::path&)>& write);
  void read_model();
  void open_writer();

  std::filesystem::path folder_;
  std::unique_ptr<WriteLock> lock_;  // none: opened to read
  Catalogue catalogue_;
  std::optional<ModelRecord> model_;
  std::optional<VectorRowWriter> writer_;
};

}  // namespace e5v::library
