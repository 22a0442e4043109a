#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "library/library.h"

/// What the score of a match means in a library. Which cosine a good match has depends on the model, on the photos and
/// on the kind of the query, so a score is compared with those of queries that have nothing to do with the photos.
namespace e5v::library {

/// The distribution of the scores of unrelated queries and photos.
class ScoreScale {
 public:
  /// The distribution of a sample.
  static ScoreScale of(std::vector<double> scores);

  /// The share of unrelated scores that are lower, in percent, from 0 to 99.99: a sample tells no more.
  double percentile(double score) const;

  const std::vector<double>& quantiles() const { return quantiles_; }
  /// The scale whose quantiles() these are; nothing for other numbers.
  static std::optional<ScoreScale> from(std::vector<double> quantiles);

 private:
  std::vector<double> quantiles_;  // at 0, 1, ..., 99, 99.1, ..., 99.9, 99.91, ..., 99.99 percent
};

/// What the vectors of a query were made of.
enum class PartKind {
  text,
  photo,     ///< an image, or a photo of the library
  composed,  ///< an image with a text that changes it
};

/// A part of a query.
struct QueryPart {
  PartKind kind = PartKind::text;
  double weight = 1;
};

/// Samples the scores of unrelated queries and photos and keeps their distributions in the catalogue, unless they are
/// those of its vectors, of which at most a hundredth is newer. Takes the same time for any number of photos. Nothing
/// is kept for fewer than 10 photos.
void calibrate(Library& library);

/// The scale for scores of a query with these parts. A text is compared with reference texts, and a photo with other
/// photos of the library; a query of several parts with sums of these that have the same weights. Nothing if the
/// library was not calibrated, or for composed queries, with which nothing can be compared without the model.
std::optional<ScoreScale> scale_for(Library& library, std::span<const QueryPart> parts);

/// How many photos a sample needs for calibration_of().
inline constexpr std::int64_t kCalibrationPhotos = 1024;
/// The distributions for queries of one text and of one photo, from a sample of `count` photos and the vectors of the
/// reference texts, f16 [width] each: what a store keeps (stores/photo_store).
std::string calibration_of(std::span<const std::vector<tensor::Half>> photos,
                           std::span<const std::vector<tensor::Half>> texts, std::int64_t count);
/// Whether calibration_of() returned this for about this number of photos.
bool is_calibrated(const std::string& calibration, std::int64_t count);
/// The scale in what calibration_of() returned; nothing for other queries and other texts.
std::optional<ScoreScale> scale_in(const std::string& calibration, std::span<const QueryPart> parts);

/// What calibrate() has kept; empty if it has kept nothing.
std::string calibration_text(Library& library);
/// Keeps the distributions of another store with the same photos, until calibrate() computes its own.
void set_calibration(Library& library, const std::string& calibration);

}  // namespace e5v::library
