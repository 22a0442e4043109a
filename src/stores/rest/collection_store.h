#pragma once
#include <memory>
#include <string>
#include <vector>

#include "stores/rest/collection.h"

namespace e5v::stores::rest {

/// Photos in a collection of a vector database. It has no transactions, so only one program should write it at a time,
/// and it cannot share the work of indexing: e5v copy fills it.
class CollectionStore : public PhotoStore {
 public:
  /// Throws InvalidInput if a newer program made the collection.
  explicit CollectionStore(std::unique_ptr<Collection> collection);

  const std::string& name() const override { return collection_->name(); }
  std::optional<library::ModelRecord> model() override;
  void set_model(const library::ModelRecord& model) override;
  std::vector<library::Root> roots() override;
  void set_root(const library::Root& root) override;
  void put(std::span<const StoredPhoto> photos) override;
  void for_each(const std::function<void(StoredPhoto)>& visit) override;
  StoredPhoto find(const std::string& path_or_hash) override;
  std::vector<StoredPhoto> sample(std::int64_t count) override;
  /// Exactly: all vectors that pass the filter are read from the server.
  std::vector<StoreMatch> search(const StoreQuery& query) override;
  std::int64_t count(const library::Filter& filter) override;
  std::string calibration() override;
  void set_calibration(const std::string& calibration) override;
  /// The server makes its index itself; what was put is seen after this.
  void make_index() override { collection_->wait_until_seen(); }
  std::string index() override { return "that of the server"; }

 private:
  std::int64_t width();
  std::vector<std::string> cameras() const;
  StoredPhoto stored(const Found& found) const;
  std::vector<StoredPhoto> best_photos(const StoreQuery& query, const std::vector<Condition>& conditions);

  std::unique_ptr<Collection> collection_;
  Json settings_;  // null: there is no collection
};

}  // namespace e5v::stores::rest
