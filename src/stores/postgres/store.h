#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stores/candidates.h"
#include "stores/photo_store.h"
#include "stores/postgres/connection.h"
#include "stores/postgres/files.h"

namespace e5v::stores::postgres {

/// Photos in PostgreSQL with pgvector. Vectors are halfvec; the index is HNSW over their signs, because pgvector has no
/// index for vectors of more than 4,000 numbers.
class Store : public PhotoStore {
 public:
  /// Throws InvalidInput if the database cannot be opened, or if a newer program made its tables.
  explicit Store(const StoreUrl& url);

  const std::string& name() const override { return connection_.url().name(); }
  std::optional<library::ModelRecord> model() override;
  void set_model(const library::ModelRecord& model) override;
  std::vector<library::Root> roots() override;
  void set_root(const library::Root& root) override;
  void put(std::span<const StoredPhoto> photos) override;
  void for_each(const std::function<void(StoredPhoto)>& visit) override;
  StoredPhoto find(const std::string& path_or_hash) override;
  std::vector<StoredPhoto> sample(std::int64_t count) override;
  std::vector<StoreMatch> search(const StoreQuery& query) override;
  std::int64_t count(const library::Filter& filter) override;
  std::string calibration() override;
  void set_calibration(const std::string& calibration) override;
  void make_index() override;
  std::string index() override;
  SharedFiles* shared_files() override { return &files_; }

 private:
  std::int64_t width();
  std::vector<Candidate> exact_candidates(const StoreQuery& query);
  std::optional<std::vector<Candidate>> near_candidates(const StoreQuery& query);
  std::vector<StoredPhoto> photos_after(const std::string& hash, std::int64_t count);
  std::vector<StoredPhoto> photos_with(const std::vector<std::string>& hashes);

  Connection connection_;
  bool exists_;  // there are tables
  Files files_;
};

}  // namespace e5v::stores::postgres
