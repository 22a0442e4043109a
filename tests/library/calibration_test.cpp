#include "library/calibration.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "library/reference_texts.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(ScoreScaleTest, GivesTheShareOfLowerScores) {
  std::vector<double> scores;
  for (int i = 0; i <= 100'000; ++i) scores.push_back(i / 1e5);
  const ScoreScale scale = ScoreScale::of(scores);
  for (const double score : {0.0, 0.123, 0.5, 0.991, 0.9955, 0.9993})
    EXPECT_THAT(scale.percentile(score), DoubleNear(100 * score, 1e-6));
  EXPECT_EQ(scale.percentile(-1), 0);
  EXPECT_EQ(scale.percentile(2), 99.99) << "a sample does not tell more";
  EXPECT_EQ(ScoreScale::from(scale.quantiles())->percentile(0.3), scale.percentile(0.3));
  EXPECT_EQ(ScoreScale::of({0.5, 0.5, 0.5}).percentile(0.5), 0);
  EXPECT_EQ(ScoreScale::from({1, 2}), std::nullopt);
  EXPECT_THAT([] { ScoreScale::of({}); }, ThrowsMessage<InvalidInput>(HasSubstr("found none")));
}

constexpr std::int64_t kDimensions = 48;

class CalibrationTest : public testing::Test {
 protected:
  void SetUp() override {
    ModelRecord model;
    model.folder = "/m";
    model.width = kDimensions;
    model.fingerprint.weights = "w";
    library_.set_model(model);
  }
  /// Photos have a large first number, and texts the negative of it, so that both are far apart.
  std::vector<float> vector(float first) {
    std::vector<float> vector(kDimensions);
    double square = 0;
    for (float& value : vector) value = normal_(random_);
    vector.front() = first;
    for (const float value : vector) square += std::pow(value, 2);
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
    return vector;
  }
  void add_photos(int count) {
    for (int i = 0; i < count; ++i) {
      const std::int64_t row = library_.writer().add(vector(5));
      library_.catalogue().add_photo(Hash128{static_cast<std::uint64_t>(row), 1}, row, {});
    }
    library_.writer().flush();
  }
  void add_texts() {
    const std::filesystem::path path =
        folder_.path() / ("texts-" + library_.model()->fingerprint.id().substr(0, 16) + ".f16");
    VectorRowWriter writer(path, kDimensions, 0);
    for (std::size_t i = 0; i < reference_texts().size(); ++i) writer.add(vector(-5));
    writer.flush();
  }
  std::optional<double> median(const std::vector<QueryPart>& parts) {
    const auto scale = scale_for(library_, parts);
    return scale ? std::optional(scale->quantiles()[50]) : std::nullopt;
  }

  std::mt19937 random_{3};
  std::normal_distribution<float> normal_;
  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
};

TEST_F(CalibrationTest, PhotosAreComparedWithPhotosAndTextsWithTexts) {
  add_photos(300);
  calibrate(library_);
  EXPECT_EQ(median({{PartKind::text, 1}}), std::nullopt) << "there are no texts yet";
  add_texts();
  calibrate(library_);
  EXPECT_THAT(median({{PartKind::photo, 1}}), testing::Optional(DoubleNear(25.0 / (25 + 47), 0.05)));
  EXPECT_THAT(median({{PartKind::text, 1}}), testing::Optional(DoubleNear(-25.0 / (25 + 47), 0.05)));
  EXPECT_EQ(median({{PartKind::composed, 1}}), std::nullopt);
  // Of a photo minus half a text: (5 + 2.5) 5 from the first number, and the rest adds length.
  const double length = std::sqrt(7.5 * 7.5 + 47 + 47 / 4.0);
  EXPECT_THAT(median({{PartKind::photo, 1}, {PartKind::text, -0.5}}),
              testing::Optional(DoubleNear(7.5 * 5 / length / std::sqrt(72.0), 0.07)));
}

TEST_F(CalibrationTest, StoresHaveThatOfTheirSamples) {
  const auto halves = [&](float first, int count) {
    std::vector<std::vector<tensor::Half>> vectors(static_cast<std::size_t>(count));
    for (auto& vector_of_halves : vectors)
      for (const float value : vector(first)) vector_of_halves.emplace_back(value);
    return vectors;
  };
  const std::string calibration = calibration_of(halves(5, 300), halves(-5, 64), 1000);
  const auto middle = [&](const std::vector<QueryPart>& parts) {
    const auto scale = scale_in(calibration, parts);
    return scale ? std::optional(scale->quantiles()[50]) : std::nullopt;
  };
  EXPECT_THAT(middle({{PartKind::photo, 1}}), testing::Optional(DoubleNear(25.0 / (25 + 47), 0.05)));
  EXPECT_THAT(middle({{PartKind::text, 1}}), testing::Optional(DoubleNear(-25.0 / (25 + 47), 0.05)));
  EXPECT_EQ(middle({{PartKind::composed, 1}}), std::nullopt);
  EXPECT_EQ(middle({{PartKind::photo, 1}, {PartKind::text, 1}}), std::nullopt);
  EXPECT_TRUE(is_calibrated(calibration, 1010));
  EXPECT_FALSE(is_calibrated(calibration, 1011));
  EXPECT_FALSE(is_calibrated("", 1000));
  EXPECT_EQ(scale_in("{", std::vector{QueryPart{}}), std::nullopt);
  EXPECT_EQ(scale_in(calibration_of({}, {}, 0), std::vector{QueryPart{}}), std::nullopt);
  EXPECT_EQ(calibration_text(library_), "");
  set_calibration(library_, calibration);
  EXPECT_EQ(calibration_text(library_), calibration);
  EXPECT_THAT(median({{PartKind::photo, 1}}), testing::Optional(DoubleNear(25.0 / (25 + 47), 0.05)));
}

TEST_F(CalibrationTest, IsComputedOncePerState) {
  add_photos(100);
  calibrate(library_);
  library_.catalogue().set("calibration", std::string(*library_.catalogue().setting("calibration")).replace(1, 0, " "));
  const auto before = library_.catalogue().setting("calibration");
  calibrate(library_);
  EXPECT_EQ(library_.catalogue().setting("calibration"), before);
  add_photos(1);
  calibrate(library_);
  EXPECT_EQ(library_.catalogue().setting("calibration"), before) << "a hundredth of the photos changes little";
  add_photos(1);
  calibrate(library_);
  EXPECT_NE(library_.catalogue().setting("calibration"), before);
}

TEST_F(CalibrationTest, AFewPhotosTellNothing) {
  add_texts();
  add_photos(9);
  calibrate(library_);
  EXPECT_EQ(median({{PartKind::photo, 1}}), std::nullopt);
  EXPECT_EQ(median({{PartKind::text, 1}}), std::nullopt);
  add_photos(1);
  calibrate(library_);
  EXPECT_NE(median({{PartKind::photo, 1}}), std::nullopt);
}

TEST_F(CalibrationTest, ADamagedOneCountsAsAbsentAndIsReplaced) {
  add_photos(20);
  for (const char* damaged : {R"({"photo": [1, 2]})", R"({"photo": ["a"]})", R"({"state": 3})", "[1]", "{"}) {
    library_.catalogue().set("calibration", damaged);
    EXPECT_EQ(median({{PartKind::photo, 1}}), std::nullopt) << damaged;
    calibrate(library_);
    EXPECT_NE(median({{PartKind::photo, 1}}), std::nullopt) << damaged;
  }
}

}  // namespace
}  // namespace e5v::library
