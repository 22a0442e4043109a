#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "stores/candidates.h"
#include "stores/rest/photo_fields.h"

namespace e5v::stores::rest {

/// What a server gives for a photo: its fields, and its vector as f32 numbers if it was asked for.
struct Found {
  Json fields;
  std::vector<float> vector;
  double score = 0;  ///< of a search: the server's inner product
};

/// A collection of photos on a server, and an object with settings beside it. Throws InvalidInput if the server refuses
/// something, and DeviceError if it cannot be reached.
class Collection {
 public:
  virtual ~Collection() = default;
  virtual const std::string& name() const = 0;

  virtual bool exists() = 0;
  /// Makes it for vectors [width], which are compared by their inner products.
  virtual void make(std::int64_t width) = 0;

  virtual Json settings() = 0;  ///< null: there are none
  virtual void set_settings(const Json& settings) = 0;

  /// Adds photos, in the place of those with the same hashes.
  virtual void write(std::span<const StoredPhoto> photos) = 0;
  /// Waits until all that was written is seen by other programs, too.
  virtual void wait_until_seen() = 0;
  /// Those of some photos that the collection has, without vectors.
  virtual std::vector<Found> with_hashes(const std::vector<std::string>& hashes) = 0;
  /// The photos whose hashes begin with a text, up to `most`, with vectors.
  virtual std::vector<Found> with_prefix(const std::string& prefix, std::int64_t most) = 0;
  /// Visits all photos that fulfil conditions, each at least once.
  virtual void for_each(const std::vector<Condition>& conditions, bool vectors,
                        const std::function<void(const Found&)>& visit) = 0;
  /// The photos that fulfil conditions with the highest products, as the server's index finds them, with vectors.
  virtual std::vector<Found> search(std::span<const float> query, const std::vector<Condition>& conditions,
                                    std::int64_t limit) = 0;
};

}  // namespace e5v::stores::rest
