#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/picture_files.h"
#include "eval/result.h"

/// Composed image retrieval: a picture and words that change it look for the picture that comes of it.
namespace e5v::eval {

/// A query by the indices of pictures in a gallery.
struct ComposedQuery {
  std::int64_t reference = 0;
  std::vector<std::string> captions;   ///< CIRR has one, FashionIQ two
  std::optional<std::int64_t> target;  ///< of all queries of a set or of none, as in CIRR's test1
  std::int64_t id = 0;                 ///< CIRR's pairid
  std::vector<std::int64_t> members;   ///< of CIRR's subset, the reference not among them
};

struct ComposedSet {
  std::vector<std::string> names;             ///< of the gallery's pictures
  std::vector<std::filesystem::path> images;  ///< their files
  std::vector<ComposedQuery> queries;
  std::size_t left_out = 0;  ///< queries whose reference or target is missing
};

/// The three categories in the order of the paper: shirt, dress, toptee.
const std::vector<std::string>& fashioniq_categories();

/// Categories of a split ("val"): captions/cap.CATEGORY.SPLIT.json and image_splits/split.CATEGORY.SPLIT.json below
/// `folder`, pictures as images/ID.jpg or .png (or in the folder given). Throws InvalidInput naming what is missing,
/// of all categories at once, and for queries without a target, as the test split has them.
std::vector<std::pair<std::string, ComposedSet>> read_fashioniq(const std::filesystem::path& folder,
                                                                const std::filesystem::path& images,
                                                                const std::vector<std::string>& categories,
                                                                const std::string& split, PictureFiles& files);

/// CIRR's split ("val" or "test1"): captions/cap.rc2.SPLIT.json and image_splits/split.rc2.SPLIT.json below `folder`,
/// pictures as the split file names them ("./dev/dev-0-0-img0.png").
ComposedSet read_cirr(const std::filesystem::path& folder, const std::filesystem::path& images,
                      const std::string& split, PictureFiles& files);

/// The sentences that a FashionIQ query is embedded with: both captions, without the ". ? ," and blanks around them,
/// joined by ", ", in both orders. The vectors of the two are summed before they are scaled.
/// Source: retrieval.py of E5-V.
std::vector<std::string> fashioniq_sentences(const std::vector<std::string>& captions);

/// Recall x 100 at 10 and 50 for each category, and their means.
Result evaluate_fashioniq(Encoder& encoder, const std::vector<std::pair<std::string, ComposedSet>>& sets);

/// Recall x 100 at 1, 5, 10 and 50 with the reference left out of the gallery, and at 1, 2, 3 in the subset that CIRR
/// gives with each query. Ties count against the model.
Result evaluate_cirr(Encoder& encoder, const ComposedSet& set);

/// Files for CIRR's evaluation server, for queries without targets: {"version": "rc2", "metric": "recall", "PAIRID":
/// [the 50 best names]}, and the same with "recall_subset" and the 3 best of the subset. Source: the server's page.
struct CirrSubmission {
  Json recall, recall_subset;
};
CirrSubmission submit_cirr(Encoder& encoder, const ComposedSet& set);

}  // namespace e5v::eval
