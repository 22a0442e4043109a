#pragma once
#include <string>
#include <vector>

#include "stores/rest/client.h"
#include "stores/rest/collection.h"

namespace e5v::stores::rest {

/// A collection of Qdrant 1.10 or newer: qdrant://[:KEY@]HOST[:PORT][/COLLECTION]. The id of a photo is its hash,
/// written as a UUID.
class Qdrant : public Collection {
 public:
  explicit Qdrant(const StoreUrl& url);

  const std::string& name() const override { return client_.url().name(); }
  bool exists() override;
  void make(std::int64_t width) override;
  Json settings() override;
  void set_settings(const Json& settings) override;
  void write(std::span<const StoredPhoto> photos) override;
  void wait_until_seen() override {}  // write() waits
  std::vector<Found> with_hashes(const std::vector<std::string>& hashes) override;
  std::vector<Found> with_prefix(const std::string& prefix, std::int64_t most) override;
  void for_each(const std::vector<Condition>& conditions, bool vectors,
                const std::function<void(const Found&)>& visit) override;
  std::vector<Found> search(std::span<const float> query, const std::vector<Condition>& conditions,
                            std::int64_t limit) override;

 private:
  Json call(const std::string& method, const std::string& path, const Json& content);
  bool has_collection(const std::string& path);

  Client client_;
  std::string photos_, settings_;  // paths of the collections
};

/// Conditions as a filter of Qdrant, all of which must hold.
Json qdrant_filter(const std::vector<Condition>& conditions);

}  // namespace e5v::stores::rest
