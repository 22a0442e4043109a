#pragma once
#include <string>
#include <vector>

#include "stores/rest/client.h"
#include "stores/rest/collection.h"

namespace e5v::stores::rest {

/// A collection of Milvus: milvus://[USER:PASSWORD@]HOST[:PORT][/COLLECTION]. Speaks version 1 of its REST API with
/// Milvus 2.3, which has no other one, and version 2 with newer ones. Photos that were written may be missing from
/// answers for some seconds.
class Milvus : public Collection {
 public:
  explicit Milvus(const StoreUrl& url);

  const std::string& name() const override { return client_.url().name(); }
  bool exists() override;
  void make(std::int64_t width) override;
  Json settings() override;
  void set_settings(const Json& settings) override;
  void write(std::span<const StoredPhoto> photos) override;
  void wait_until_seen() override;
  std::vector<Found> with_hashes(const std::vector<std::string>& hashes) override;
  std::vector<Found> with_prefix(const std::string& prefix, std::int64_t most) override;
  void for_each(const std::vector<Condition>& conditions, bool vectors,
                const std::function<void(const Found&)>& visit) override;
  std::vector<Found> search(std::span<const float> query, const std::vector<Condition>& conditions,
                            std::int64_t limit) override;

 private:
  bool has_collection(const std::string& collection);
  void make_collection(const std::string& collection, std::int64_t width);
  Json call(const std::string& operation, Json request);
  std::vector<Json> query(const std::string& collection, const std::string& expression,
                          const std::vector<std::string>& fields, std::int64_t most);
  void visit_prefix(const std::string& prefix, const std::string& expression, bool vectors,
                    const std::function<void(const Found&)>& visit);
  void remove(const std::string& collection, const std::vector<std::string>& ids);

  Client client_;
  std::string collection_, settings_;  // names
  int version_ = 1;                    // of the API
  std::string last_written_;           // the hash of a photo; empty: all that was written is seen
  std::int64_t revision_ = 0;          // of the settings that were read or written last
};

/// Conditions in Milvus's language, all of which must hold; empty if there are none.
std::string milvus_expression(const std::vector<Condition>& conditions);

}  // namespace e5v::stores::rest
