#include "stores/candidates.h"

#include "stores/stored_photos.h"

namespace e5v::stores {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(CandidatesTest, ScoresAreExactAndEqualOnesAreOrderedByHash) {
  test::RandomPhotos random(64);
  std::vector<StoredPhoto> photos = random.make(100);
  photos.push_back(photos.front());
  photos.back().hash = {1, 2};
  const std::vector<float> query = random.query();
  std::vector<Candidate> candidates;
  for (const StoredPhoto& photo : photos) candidates.push_back({photo.hash, 0, photo.vector});
  rescore(query, candidates, 101, -1);
  std::vector<Hash128> hashes;
  for (const Candidate& candidate : candidates) hashes.push_back(candidate.hash);
  EXPECT_EQ(hashes, test::best_photos(photos, query, 101, nullptr));
  rescore(query, candidates, 5, candidates[2].score);
  EXPECT_EQ(candidates.size(), 3u);
  candidates.front().vector.pop_back();
  EXPECT_THAT([&] { rescore(query, candidates, 5, -1); },
              ThrowsMessage<InvalidInput>(HasSubstr("the query has 64 dimensions, a stored vector 63")));
}

TEST(CandidatesTest, ErrorsOfServersAreBounded) {
  test::RandomPhotos random(256);
  for (const StoredPhoto& photo : random.make(200)) {
    const std::vector<float> query = random.query();
    float by_half = 0, by_float = 0;
    double exact = 0;
    for (std::size_t d = 0; d < query.size(); ++d) {
      const auto value = static_cast<float>(photo.vector[d]);
      by_half += static_cast<float>(tensor::Half(query[d] * 1.0003f)) * value;
      by_float += query[d] * 1.0003f * value;
      exact += double{query[d] * 1.0003f} * value;
    }
    std::vector<float> scaled;
    for (const float value : query) scaled.push_back(value * 1.0003f);
    EXPECT_LE(std::abs(by_half - exact), half_score_error(scaled));
    EXPECT_LE(std::abs(by_float - exact), float_score_error(scaled));
    EXPECT_LT(half_score_error(scaled), 1e-3);
  }
}

TEST(CandidatesTest, TheFirstOnesAreCertainIfTheLastIsFarBelow) {
  std::vector<Candidate> candidates(4);
  for (std::size_t i = 0; i < 4; ++i) candidates[i].score = 1 - 0.1 * static_cast<double>(i);
  EXPECT_TRUE(has_first(candidates, 2, 0.09)) << "0.9 and 0.7";
  EXPECT_FALSE(has_first(candidates, 2, 0.11));
  EXPECT_FALSE(has_first(candidates, 4, 0)) << "what follows is not known";
}

}  // namespace
}  // namespace e5v::stores
