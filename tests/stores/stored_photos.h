#pragma once
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>

#include "base/error.h"
#include "stores/photo_store.h"

/// Photos for the tests of stores.
namespace e5v::test {

inline std::vector<tensor::Half> unit_halves(std::vector<float> vector) {
  double square = 0;
  for (const float value : vector) square += double{value} * value;
  std::vector<tensor::Half> halves;
  for (const float value : vector) halves.emplace_back(static_cast<float>(value / std::sqrt(square)));
  return halves;
}

/// Random photos: their vectors are clusters of 16, and their metadata and files differ.
class RandomPhotos {
 public:
  explicit RandomPhotos(std::int64_t width, unsigned seed = 1) : width_(width), random_(seed) {}

  std::vector<float> vector() {
    std::vector<float> numbers(static_cast<std::size_t>(width_));
    for (float& number : numbers) number = normal_(random_);
    return numbers;
  }
  /// A query of length 1.
  std::vector<float> query() {
    std::vector<float> numbers;
    for (const tensor::Half value : unit_halves(vector())) numbers.push_back(static_cast<float>(value));
    return numbers;
  }

  std::vector<stores::StoredPhoto> make(std::int64_t count) {
    std::vector<stores::StoredPhoto> photos;
    std::vector<float> centre;
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % 16 == 0) centre = vector();
      std::vector<float> numbers = vector();
      for (std::size_t d = 0; d < numbers.size(); ++d) numbers[d] = centre[d] + 0.8f * numbers[d];
      stores::StoredPhoto& photo = photos.emplace_back();
      photo.hash = Hasher().add(std::int64_t{i}).add(static_cast<std::int64_t>(random_())).digest();
      photo.vector = unit_halves(numbers);
      photo.metadata = metadata(i);
      photo.files.push_back(
          {fmt::format("/photos/{}/{:05}.jpg", i % 3, i), 1000 + i, 1'600'000'000'000'000'001 + i, i % 2});
      if (i % 5 == 0) photo.files.push_back({fmt::format("/photos/copies/\u00fc {}.png", i), 1000 + i, 17, 0});
      std::ranges::sort(photo.files, {}, &library::FileStatus::path);
    }
    return photos;
  }

 private:
  static library::Metadata metadata(std::int64_t i) {
    library::Metadata metadata;
    metadata.width = 100 + i % 7, metadata.height = 103;
    metadata.orientation = 1 + static_cast<int>(i % 8);
    if (i % 4 == 0) return metadata;
    metadata.taken = fmt::format("20{:02}-07-14T12:33:10", i % 20);
    metadata.camera = i % 4 == 1 ? "Canon EOS 5D" : "Pentax 'K' \"3\"\\";
    metadata.lens = "50mm f/1.8";
    metadata.latitude = 0.1 * static_cast<double>(i), metadata.longitude = -1e-7;
    metadata.rating = static_cast<int>(i % 7) - 1;
    metadata.keywords = {"sea", "n\u00e4chtlicher Himmel, blau"};
    metadata.caption = "Two lines\nof a \t caption {with} [brackets]";
    return metadata;
  }

  std::int64_t width_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
};

inline library::ModelRecord model_of_width(std::int64_t width, const std::string& weights = "w") {
  library::ModelRecord model;
  model.folder = "/models/e5-v";
  model.fingerprint = {weights, "p", "c", "prompt"};
  model.width = width;
  return model;
}

/// Fails unless a store has these photos, to the bit.
inline void expect_photos(stores::PhotoStore& store, const std::vector<stores::StoredPhoto>& expected) {
  std::map<Hash128, stores::StoredPhoto> found;
  store.for_each([&](stores::StoredPhoto photo) { found[photo.hash] = std::move(photo); });
  EXPECT_EQ(found.size(), expected.size());
  for (const stores::StoredPhoto& photo : expected) {
    const stores::StoredPhoto& other = found[photo.hash];
    EXPECT_EQ(other.metadata, photo.metadata);
    EXPECT_EQ(other.files, photo.files);
    ASSERT_EQ(other.vector.size(), photo.vector.size());
    for (std::size_t d = 0; d < photo.vector.size(); ++d)
      EXPECT_EQ(other.vector[d].bits, photo.vector[d].bits) << "number " << d << " of " << photo.hash.hex();
  }
}

/// The photos that a search must find, by the definition, in double arithmetic.
inline std::vector<Hash128> best_photos(const std::vector<stores::StoredPhoto>& photos, const std::vector<float>& query,
                                        std::size_t top,
                                        const std::function<bool(const stores::StoredPhoto&)>& allowed) {
  std::vector<std::pair<double, std::string>> scores;
  for (const stores::StoredPhoto& photo : photos) {
    if (allowed && !allowed(photo)) continue;
    double dot = 0;
    for (std::size_t d = 0; d < query.size(); ++d) dot += double{query[d]} * static_cast<float>(photo.vector[d]);
    scores.emplace_back(-dot, photo.hash.hex());
  }
  std::ranges::sort(scores);
  std::vector<Hash128> best;
  for (std::size_t i = 0; i < std::min(top, scores.size()); ++i) best.push_back(*Hash128::from_hex(scores[i].second));
  return best;
}

inline std::vector<Hash128> hashes_of(const std::vector<stores::StoreMatch>& matches) {
  std::vector<Hash128> hashes;
  for (const stores::StoreMatch& match : matches) hashes.push_back(match.photo.hash);
  return hashes;
}

/// Searches with all filters, and compares with the definition. Any store must find the same.
inline void expect_exact_searches(stores::PhotoStore& store, const std::vector<stores::StoredPhoto>& photos,
                                  RandomPhotos& random) {
  using stores::StoredPhoto;
  const std::vector<std::pair<library::Filter, std::function<bool(const StoredPhoto&)>>> filters{
      {{}, nullptr},
      {{.from = "2005", .to = "2012-07"},
       [](const StoredPhoto& p) { return p.metadata.taken >= "2005" && p.metadata.taken < "2012-08"; }},
      {{.camera = "cANON eos"}, [](const StoredPhoto& p) { return p.metadata.camera.starts_with("Canon"); }},
      {{.camera = "'k' \"3\"\\"}, [](const StoredPhoto& p) { return p.metadata.camera.starts_with("Pentax"); }},
      {{.folder = "/photos/copies"}, [](const StoredPhoto& p) { return p.files.size() == 2; }},
      {{.shape = library::Shape::portrait}, [](const StoredPhoto& p) { return p.metadata.width < p.metadata.height; }},
      {{.shape = library::Shape::square, .min_rating = 2},
       [](const StoredPhoto& p) { return p.metadata.width == p.metadata.height && p.metadata.rating >= 2; }},
      {{.min_megapixels = 0.01071}, [](const StoredPhoto& p) { return p.metadata.width * p.metadata.height >= 10710; }},
      {{.min_long_side = 104, .min_short_side = 102}, [](const StoredPhoto& p) { return p.metadata.width >= 104; }},
  };
  for (const auto& [filter, allowed] : filters) {
    stores::StoreQuery query;
    query.vector = random.query();
    query.filter = filter;
    const std::vector<Hash128> expected = best_photos(photos, query.vector, 10, allowed);
    EXPECT_EQ(hashes_of(store.search(query)), expected) << filter.from << filter.camera << filter.folder;
    EXPECT_EQ(store.count(filter), std::ssize(best_photos(photos, query.vector, photos.size(), allowed)));
    EXPECT_GE(expected.size(), 1u);
    query.without = expected.front();
    EXPECT_EQ(hashes_of(store.search(query)).front(), expected.size() > 1 ? expected[1] : Hash128());
    query.min_score = 1;
    EXPECT_TRUE(store.search(query).empty());
  }
}

}  // namespace e5v::test
