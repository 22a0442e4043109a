#include "library/library.h"

#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "library/rounded_rows.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

constexpr const char *kCatalogueName = "catalogue.sqlite", *kModelSetting = "model", *kVectorsSetting = "vectors";

fs::path existing(const fs::path& folder) {
  require(Library::exists(folder), "[{}] there is no library of photos; e5v index FOLDER makes one", folder.string());
  return folder / kCatalogueName;
}

std::unique_ptr<WriteLock> lock_of(const fs::path& folder, std::string_view command) {
  std::error_code error;
  fs::create_directories(folder, error);
  require(!error, "[{}] cannot be made: {}", folder.string(), error.message());
  return std::make_unique<WriteLock>(folder, command);
}

}  // namespace

fs::path Library::default_folder() {
  const char *data = std::getenv("XDG_DATA_HOME"), *home = std::getenv("HOME");
  if (data != nullptr && fs::path(data).is_absolute()) return fs::path(data) / "e5v/library";
  require(home != nullptr && *home != '\0',
          "[library] expected its folder, or an environment variable HOME or XDG_DATA_HOME; found neither");
  return fs::path(home) / ".local/share/e5v/library";
}

bool Library::exists(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / kCatalogueName, error);
}

Library::Library(fs::path folder) : folder_(std::move(folder)), catalogue_(existing(folder_), Database::Access::read) {
  catalogue_.database().execute("BEGIN");  // one state for all that is read
  read_model();
}

Library::Library(fs::path folder, std::string_view command)
    : folder_(std::move(folder)),
      lock_(lock_of(folder_, command)),
      catalogue_(folder_ / kCatalogueName, Database::Access::write) {
  if (!catalogue_.setting(kVectorsSetting)) catalogue_.set(kVectorsSetting, "vectors-1.f16");
  read_model();
  remove_other_files();
  if (model_) open_writer();
}

/// Removes vectors that a killed process was about to put in the place of others, or had replaced.
void Library::remove_other_files() {
  const fs::path vectors = vectors_path(), rounded = rounded_folder(vectors);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = name.starts_with("vectors-") || name.starts_with("rounded-");
    if (is_ours && entry.path() != vectors && entry.path() != rounded) fs::remove_all(entry.path(), ignored);
  }
}

void Library::read_model() {
  const std::optional<std::string> record = catalogue_.setting(kModelSetting);
  if (record) model_ = ModelRecord::from_json(*record, catalogue_.database().path().string());
}

fs::path Library::vectors_path() { return folder_ / catalogue_.setting(kVectorsSetting).value_or(""); }

void Library::open_writer() {
  const std::int64_t named = catalogue_.rows(), stored = rows_in(vectors_path(), model_->width);
  if (stored < named) {
    Transaction transaction(catalogue_.database());
    const std::int64_t lost = catalogue_.forget_rows_from(stored);
    transaction.commit();
    log_warning("[{}] has {} rows, but the catalogue names {}: {} photos are computed again", vectors_path().string(),
                stored, named, lost);
  }
  writer_.emplace(vectors_path(), model_->width, catalogue_.rows());
}

void Library::set_model(const ModelRecord& model) {
  if (model_) require_same_space(*model_, model, folder_);
  catalogue_.set(kModelSetting, model.json());
  model_ = model;
  if (!writer_) open_writer();
}

VectorRowWriter& Library::writer() {
  require(writer_.has_value(), "[{}] expected a library with a model, opened to write", folder_.string());
  return *writer_;
}

std::optional<VectorRows> Library::vectors() {
  if (!model_) return std::nullopt;
  return VectorRows(vectors_path(), model_->width, catalogue_.rows());
}

/// Changes the catalogue and the file of vectors together: the new file is complete before the catalogue names it.
void Library::start_vectors_file(const std::function<void(const fs::path&)>& write) {
  const fs::path old = vectors_path();
  const std::string name = old.stem().string();  // "vectors-1"
  const std::int64_t number = std::strtoll(name.c_str() + name.find('-') + 1, nullptr, 10) + 1;
  const fs::path path = folder_ / fmt::format("vectors-{}.f16", number);
  writer_.reset();
  Transaction transaction(catalogue_.database());
  write(path);
  catalogue_.set(kVectorsSetting, path.filename().string());
  transaction.commit();
  remove_other_files();
  read_model();
  if (model_) open_writer();
}

void Library::forget_vectors() {
  start_vectors_file([&](const fs::path&) {
    catalogue_.forget_rows_from(0);
    catalogue_.database().execute("DELETE FROM settings WHERE key = 'model'");
    model_.reset();
  });
}

std::int64_t Library::purge() {
  std::int64_t purged = 0;
  {
    Transaction transaction(catalogue_.database());
    purged = catalogue_.purge_gone();
    transaction.commit();
  }
  if (!model_ || catalogue_.counts().vectors == catalogue_.rows()) return purged;
  const VectorRows rows = *vectors();
  start_vectors_file([&](const fs::path& path) {
    VectorRowWriter kept(path, model_->width, 0);
    std::int64_t next = 0;
    // Rows only move towards the beginning, to rows that are free already.
    for (const auto& [hash, row] : catalogue_.rows_of_photos()) {
      kept.add(rows.row(row));
      catalogue_.move_row(hash, next++);
      if (next % 1024 == 0) kept.write();
    }
    kept.flush();
  });
  return purged;
}

}  // namespace e5v::library
