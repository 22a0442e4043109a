#include "library/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "library/query.h"
#include "library/reference_texts.h"
#include "ops/dots.h"
#include "vectors/nibble_rows.h"

namespace e5v::library {
namespace {

constexpr const char* kSetting = "calibration";
constexpr std::int64_t kMinPhotos = 10;
constexpr std::int64_t kQueries = 64;  // unrelated ones
constexpr std::uint64_t kSeed = 20;

/// The percentages of the quantiles: those of good matches are close together.
std::vector<double> levels() {
  std::vector<double> levels;
  for (int i = 0; i < 100; ++i) levels.push_back(i);
  for (int i = 1; i < 10; ++i) levels.push_back((990 + i) / 10.0);
  for (int i = 1; i < 10; ++i) levels.push_back((9990 + i) / 100.0);
  return levels;
}

/// Some rows as f32 [count, width]: all of them, or a random choice in which a row may be twice.
struct Sample {
  std::vector<float> values;
  std::int64_t count = 0, width = 0;

  template <class Rows>
  Sample(const Rows& rows, std::int64_t most, std::uint64_t stream)
      : count(std::min(rows.rows(), most)), width(rows.width()) {
    const Philox random(kSeed, stream);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = count == rows.rows()
                                   ? i
                                   : static_cast<std::int64_t>(random.at(static_cast<std::uint64_t>(i)) %
                                                               static_cast<std::uint64_t>(rows.rows()));
      numbers.push_back(row);
      for (const tensor::Half value : rows.row(row)) values.push_back(static_cast<float>(value));
    }
  }
  std::vector<float> vector(std::int64_t i) const {
    const auto begin = values.begin() + i * width;
    return {begin, begin + width};
  }

  std::vector<std::int64_t> numbers;  // of the rows
};

/// The scores of all queries with all photos of a sample. A photo is not compared with a query that it is a part of.
std::vector<double> scores_of(std::vector<float> queries, const std::vector<std::vector<std::int64_t>>& parts,
                              Sample photos) {
  std::vector<ops::RowPair> pairs;
  for (std::int64_t q = 0; q < std::ssize(parts); ++q)
    for (std::int64_t p = 0; p < photos.count; ++p)
      if (std::ranges::find(parts[static_cast<std::size_t>(q)], photos.numbers[static_cast<std::size_t>(p)]) ==
          parts[static_cast<std::size_t>(q)].end())
        pairs.push_back({q, p});
  std::vector<double> scores(pairs.size());
  ops::dots(vectors::matrix_of_floats(queries, std::ssize(parts)),
            vectors::matrix_of_floats(photos.values, photos.count), pairs, scores);
  return scores;
}

const char* key_of(PartKind kind) { return kind == PartKind::text ? "text" : "photo"; }

/// Vectors in memory, in the form of VectorRows.
class ListedRows {
 public:
  explicit ListedRows(std::span<const std::vector<tensor::Half>> vectors) : vectors_(vectors) {}
  std::int64_t rows() const { return std::ssize(vectors_); }
  std::int64_t width() const { return std::ssize(vectors_.front()); }
  std::span<const tensor::Half> row(std::int64_t index) const { return vectors_[static_cast<std::size_t>(index)]; }

 private:
  std::span<const std::vector<tensor::Half>> vectors_;
};

/// Scores of unrelated queries with these parts; nothing if it takes texts, and there are none.
template <class Rows>
std::optional<std::vector<double>> unrelated_scores(const std::optional<Rows>& rows, const std::optional<Rows>& texts,
                                                    std::span<const QueryPart> parts) {
  if (!rows || rows->rows() < kMinPhotos) return std::nullopt;
  const Sample photos(*rows, kCalibrationPhotos, 1);
  std::vector<float> queries;
  std::vector<std::vector<std::int64_t>> photos_of_queries;
  for (std::uint64_t q = 0; q < static_cast<std::uint64_t>(kQueries); ++q) {
    std::vector<WeightedVector> vectors;
    std::vector<std::int64_t>& used = photos_of_queries.emplace_back();
    for (std::uint64_t i = 0; i < parts.size(); ++i) {
      if (parts[i].kind == PartKind::composed || (parts[i].kind == PartKind::text && !texts)) return std::nullopt;
      const bool is_text = parts[i].kind == PartKind::text;
      const Rows& from = is_text ? *texts : *rows;
      // Parts of a query differ, as far as there are enough.
      const std::uint64_t random = Philox(kSeed, 2).at(q + 97 * i);
      const auto row =
          static_cast<std::int64_t>((is_text ? q + 7 * i : random) % static_cast<std::uint64_t>(from.rows()));
      if (!is_text) used.push_back(row);
      std::vector<float> vector;
      for (const tensor::Half value : from.row(row)) vector.push_back(static_cast<float>(value));
      vectors.push_back({std::move(vector), parts[i].weight});
    }
    const std::vector<float> query = sum_of(vectors);
    queries.insert(queries.end(), query.begin(), query.end());
  }
  return scores_of(std::move(queries), photos_of_queries, photos);
}

/// The distributions for single texts and single photos, as far as they can be computed.
template <class Rows>
Json distributions_of(const std::optional<Rows>& photos, const std::optional<Rows>& texts) {
  Json json = Json::object();
  for (const PartKind kind : {PartKind::text, PartKind::photo})
    if (const auto scores = unrelated_scores(photos, texts, std::vector{QueryPart{kind, 1}}))
      json[key_of(kind)] = ScoreScale::of(*scores).quantiles();
  return json;
}

/// What the distributions depend on, beside the number of photos.
std::string vectors_state(Library& library) {
  return fmt::format("{} {}", library.vectors_path().filename().string(),
                     reference_vectors(library).has_value() ? "with texts" : "without texts");
}

/// Whether the library has grown by at most a hundredth since the distributions were computed of `known` photos.
bool is_about(const Json& known, std::int64_t photos) {
  if (!known.is_number_integer()) return false;
  const auto before = known.get<std::int64_t>();
  return before >= kMinPhotos ? photos - before <= before / 100 : photos == before;
}

/// What is kept, as an object; an empty one if it is damaged, because it can be computed again.
Json calibration_in(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

std::string kept_calibration(Library& library) { return library.catalogue().setting(kSetting).value_or(""); }

/// Single parts have distributions that are kept.
bool is_single(std::span<const QueryPart> parts) { return parts.size() == 1 && parts.front().weight == 1; }

}  // namespace

ScoreScale ScoreScale::of(std::vector<double> scores) {
  require(!scores.empty(), "[calibration] expected a sample of scores, found none");
  std::ranges::sort(scores);
  ScoreScale scale;
  for (const double level : levels()) {
    const double place = level / 100 * static_cast<double>(scores.size() - 1);
    const auto before = static_cast<std::size_t>(place), after = std::min(before + 1, scores.size() - 1);
    scale.quantiles_.push_back(std::lerp(scores[before], scores[after], place - std::floor(place)));
  }
  return scale;
}

std::optional<ScoreScale> ScoreScale::from(std::vector<double> quantiles) {
  if (quantiles.size() != levels().size() || !std::ranges::is_sorted(quantiles)) return std::nullopt;
  ScoreScale scale;
  scale.quantiles_ = std::move(quantiles);
  return scale;
}

double ScoreScale::percentile(double score) const {
  static const std::vector<double> kLevels = levels();
  const auto above = std::ranges::lower_bound(quantiles_, score);
  if (above == quantiles_.begin()) return 0;
  if (above == quantiles_.end()) return kLevels.back();
  const auto i = static_cast<std::size_t>(above - quantiles_.begin());
  const double share = (score - quantiles_[i - 1]) / (quantiles_[i] - quantiles_[i - 1]);
  return std::lerp(kLevels[i - 1], kLevels[i], share);
}

void calibrate(Library& library) {
  const std::string state = vectors_state(library);
  const std::int64_t photos = library.catalogue().rows();
  const Json known = calibration_in(kept_calibration(library));
  if (known.contains("state") && known["state"] == state && known.contains("photos") &&
      is_about(known["photos"], photos))
    return;
  Json json{{"state", state}, {"photos", photos}};
  json.update(distributions_of(library.vectors(), reference_vectors(library)));
  library.catalogue().set(kSetting, json.dump());
}

std::optional<ScoreScale> scale_for(Library& library, std::span<const QueryPart> parts) {
  if (is_single(parts)) return scale_in(kept_calibration(library), parts);
  const auto scores = unrelated_scores(library.vectors(), reference_vectors(library), parts);
  return scores ? std::optional(ScoreScale::of(*scores)) : std::nullopt;
}

std::string calibration_of(std::span<const std::vector<tensor::Half>> photos,
                           std::span<const std::vector<tensor::Half>> texts, std::int64_t count) {
  const auto rows = [](std::span<const std::vector<tensor::Half>> vectors) {
    return vectors.empty() ? std::nullopt : std::optional<ListedRows>(vectors);
  };
  Json json = distributions_of(rows(photos), rows(texts));
  json["photos"] = count;
  return json.dump();
}

bool is_calibrated(const std::string& calibration, std::int64_t count) {
  const Json known = calibration_in(calibration);
  return known.contains("photos") && is_about(known["photos"], count);
}

std::optional<ScoreScale> scale_in(const std::string& calibration, std::span<const QueryPart> parts) {
  if (!is_single(parts) || parts.front().kind == PartKind::composed) return std::nullopt;
  const Json known = calibration_in(calibration);
  const auto found = known.find(key_of(parts.front().kind));
  if (found == known.end() || !found->is_array() || !std::ranges::all_of(*found, &Json::is_number)) return std::nullopt;
  return ScoreScale::from(found->get<std::vector<double>>());
}

std::string calibration_text(Library& library) { return kept_calibration(library); }

void set_calibration(Library& library, const std::string& calibration) {
  library.catalogue().set(kSetting, calibration);
}

}  // namespace e5v::library
