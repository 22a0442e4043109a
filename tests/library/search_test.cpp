#include "library/search.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 100, kPhotos = 3000;

class SearchTest : public testing::Test {
 protected:
  void SetUp() override {
    ModelRecord model;
    model.folder = "/m";
    model.width = kWidth;
    library_.set_model(model);
    Metadata metadata;
    metadata.keywords = {"sea", "night sky"};
    metadata.latitude = 1.5;
    Transaction transaction(library_.catalogue().database());
    for (std::int64_t row = 0; row < kPhotos; ++row) {
      library_.writer().add(row < kPhotos / 2 ? unit_vector() : near(centre_, 0.4f));
      const Hash128 hash{static_cast<std::uint64_t>(row), 1};
      library_.catalogue().add_photo(hash, row, metadata);
      for (const char* copy : {"b", "a"}) {
        const FileStatus status{fmt::format("/p/{}/{}.jpg", copy, row), 100, 1};
        library_.catalogue().add_waiting(status);
        library_.catalogue().set_done(library_.catalogue().find(status.path)->id, status, hash);
      }
    }
    library_.writer().flush();
    transaction.commit();
  }
  std::vector<float> unit_vector() {
    std::vector<float> vector(kWidth);
    double square = 0;
    for (float& value : vector) square += std::pow(value = normal_(random_), 2);
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
    return vector;
  }
  /// A vector of a cluster.
  std::vector<float> near(const std::vector<float>& centre, float distance) {
    std::vector<float> vector = unit_vector();
    double square = 0;
    for (std::size_t d = 0; d < vector.size(); ++d) square += std::pow(vector[d] = centre[d] + distance * vector[d], 2);
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
    return vector;
  }
  /// The definition, in double arithmetic over what is stored.
  std::vector<std::int64_t> best(const std::vector<float>& query, const std::vector<std::int64_t>& allowed,
                                 std::size_t top) {
    const auto rows = library_.vectors();
    std::vector<std::pair<double, std::int64_t>> scores;
    for (const std::int64_t row : allowed) {
      double dot = 0;
      for (std::size_t d = 0; d < query.size(); ++d)
        dot += static_cast<double>(query[d]) * static_cast<double>(static_cast<float>(rows->row(row)[d]));
      scores.emplace_back(-dot, row);
    }
    std::ranges::sort(scores);
    std::vector<std::int64_t> result;
    for (std::size_t i = 0; i < std::min(top, scores.size()); ++i) result.push_back(scores[i].second);
    return result;
  }
  static std::vector<std::int64_t> rows_of(const std::vector<Found>& found) {
    std::vector<std::int64_t> rows;
    for (const Found& one : found) rows.push_back(one.row);
    return rows;
  }

  std::mt19937 random_{7};
  std::normal_distribution<float> normal_;
  std::vector<float> centre_ = unit_vector();
  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
};

TEST_F(SearchTest, TheBestAreThoseOfDoubleArithmetic) {
  const PhotoIndex index(library_);
  std::vector<std::int64_t> all(kPhotos), odd;
  std::iota(all.begin(), all.end(), 0);
  for (std::int64_t row = 1; row < kPhotos; row += 2) odd.push_back(row);
  for (int i = 0; i < 10; ++i) {
    const std::vector<float> query = i < 5 ? unit_vector() : near(centre_, 0.5f);
    const AllowedRows any = allowed_mask(library_.catalogue().database(), {}, index.rows());
    EXPECT_EQ(any.count, kPhotos);
    EXPECT_EQ(rows_of(index.search(query, any, 100, -1)), best(query, all, 100));
    EXPECT_EQ(rows_of(index.search(query, odd, 100, -1)), best(query, odd, 100));
  }
}

TEST_F(SearchTest, ALibraryWithoutTheRoundedFormGivesTheSame) {
  const std::vector<float> query = near(centre_, 0.5f);
  const std::vector<std::int64_t> all = allowed_rows(library_.catalogue().database(), {});
  const std::vector<Found> expected = PhotoIndex(library_).search(query, all, 100, -1);
  std::filesystem::remove_all(rounded_folder(library_.vectors_path()));
  EXPECT_EQ(PhotoIndex(library_).search(query, all, 100, -1), expected);
}

TEST_F(SearchTest, TheMinimumScoreCutsTheList) {
  const PhotoIndex index(library_);
  const std::vector<std::int64_t> all = allowed_rows(library_.catalogue().database(), {});
  const std::vector<float> query = unit_vector();
  const std::vector<Found> found = index.search(query, all, 20, -1);
  ASSERT_EQ(found.size(), 20u);
  EXPECT_EQ(index.search(query, all, 20, found[4].score).size(), 5u);
  EXPECT_EQ(index.search(query, std::vector<std::int64_t>(), 20, -1).size(), 0u);
  EXPECT_EQ(index.search(query, std::vector<std::int64_t>{3, kPhotos}, 20, -1).size(), 1u) << "others came later";
  EXPECT_THAT([&] { index.search(std::vector<float>(3), all, 20, -1); },
              ThrowsMessage<InvalidInput>(HasSubstr("the query has 3 dimensions, the library 100")));
}

TEST_F(SearchTest, NeighboursAreNamedOnce) {
  const PhotoIndex index(library_);
  const std::vector<std::int64_t> some{3, 7, 100, 499};
  const auto neighbours = index.neighbours(some, 10, -1);
  EXPECT_EQ(neighbours[0].size() + neighbours[1].size() + neighbours[2].size(), 6u);
  EXPECT_EQ(neighbours[3].size(), 0u);
  for (const Found& found : neighbours[0]) EXPECT_GT(found.row, 3);
  EXPECT_TRUE(index.neighbours(some, 10, 0.9999)[0].empty());
}

TEST_F(SearchTest, APhotoHasItsFilesAndMetadata) {
  const Photo photo = photo_of_row(library_.catalogue().database(), 3);
  EXPECT_THAT(photo.paths, ElementsAre("/p/a/3.jpg", "/p/b/3.jpg"));
  EXPECT_EQ(photo.bytes, 100);
  EXPECT_THAT(photo.metadata.keywords, ElementsAre("sea", "night sky"));
  EXPECT_EQ(photo.metadata.latitude, 1.5);
  EXPECT_THAT([&] { photo_of_row(library_.catalogue().database(), 9999); },
              ThrowsMessage<InvalidInput>(HasSubstr("no photo has the row 9999")));
}

}  // namespace
}  // namespace e5v::library
