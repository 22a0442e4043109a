#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stores/photo_store.h"

namespace e5v::stores {

/// A library on this machine as a store. Its searches are exact.
class LibraryStore : public PhotoStore {
 public:
  /// Opens a library to read it.
  explicit LibraryStore(std::filesystem::path folder);
  /// Opens a library to write it, and makes it if there is none; `command` is the name of this process for others.
  LibraryStore(std::filesystem::path folder, std::string_view command);

  library::Library& library() { return library_; }

  const std::string& name() const override { return name_; }
  std::optional<library::ModelRecord> model() override { return library_.model(); }
  void set_model(const library::ModelRecord& model) override { library_.set_model(model); }
  std::vector<library::Root> roots() override { return library_.catalogue().roots(); }
  void set_root(const library::Root& root) override { library_.catalogue().set_root(root); }
  void put(std::span<const StoredPhoto> photos) override;
  void for_each(const std::function<void(StoredPhoto)>& visit) override;
  StoredPhoto find(const std::string& path_or_hash) override;
  std::vector<StoredPhoto> sample(std::int64_t count) override;
  std::vector<StoreMatch> search(const StoreQuery& query) override;
  std::int64_t count(const library::Filter& filter) override;
  std::string calibration() override { return calibration_text(library_); }
  void set_calibration(const std::string& calibration) override { library::set_calibration(library_, calibration); }
  std::optional<library::ScoreScale> scale(std::span<const library::QueryPart> parts) override;

 private:
  StoredPhoto photo_at(std::int64_t row, const std::optional<library::VectorRows>& vectors);

  library::Library library_;
  std::string name_;
  std::optional<library::PhotoIndex> index_;  // of what was opened to read; made by the first search
};

}  // namespace e5v::stores
