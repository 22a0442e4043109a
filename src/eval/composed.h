#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/image_files.h"
#include "eval/result.h"

/// Composed image retrieval: the query is an image and a text that changes it; the candidate is the resulting image.
namespace e5v::eval {

/// A query. Images are indices in the gallery.
struct ComposedQuery {
  std::int64_t reference = 0;
  std::vector<std::string> captions;   ///< CIRR has one, FashionIQ two
  std::optional<std::int64_t> target;  ///< all queries of a set have one, or none has (CIRR's test1)
  std::int64_t id = 0;                 ///< CIRR's pairid
  std::vector<std::int64_t> members;   ///< CIRR's subset without the reference
};

struct ComposedSet {
  std::vector<std::string> names;             ///< of the gallery's images
  std::vector<std::filesystem::path> images;  ///< their files
  std::vector<ComposedQuery> queries;
  std::size_t left_out = 0;  ///< queries whose reference or target is missing
};

/// The three categories in the order of the paper: shirt, dress, toptee.
const std::vector<std::string>& fashioniq_categories();

/// Reads categories of a split ("val"): captions/cap.CATEGORY.SPLIT.json and image_splits/split.CATEGORY.SPLIT.json in
/// `folder`; images are images/ID.jpg or .png, or in the folder `images` if that is not empty. Throws InvalidInput,
/// which names the missing files of all categories at once, and for queries without a target (the test split has none).
std::vector<std::pair<std::string, ComposedSet>> read_fashioniq(const std::filesystem::path& folder,
                                                                const std::filesystem::path& images,
                                                                const std::vector<std::string>& categories,
                                                                const std::string& split, ImageFiles& files);

/// Reads CIRR's split ("val" or "test1"): captions/cap.rc2.SPLIT.json and image_splits/split.rc2.SPLIT.json in
/// `folder`; images are where the split file says ("./dev/dev-0-0-img0.png").
ComposedSet read_cirr(const std::filesystem::path& folder, const std::filesystem::path& images,
                      const std::string& split, ImageFiles& files);

/// The sentences of a FashionIQ query: both captions, without ". ? ," and blanks around them, joined by ", " in both
/// orders. The vectors of the two sentences are summed, and the sum is scaled. Source: retrieval.py of E5-V.
std::vector<std::string> fashioniq_sentences(const std::vector<std::string>& captions);

/// Recall x 100 at 10 and 50 for each category, and their means.
Result evaluate_fashioniq(Encoder& encoder, const std::vector<std::pair<std::string, ComposedSet>>& sets);

/// Recall x 100 at 1, 5, 10 and 50 with the reference left out of the gallery, and at 1, 2, 3 in the subset that CIRR
/// gives with each query. Ties count against the model.
Result evaluate_cirr(Encoder& encoder, const ComposedSet& set);

/// Files for CIRR's evaluation server, for queries without targets: {"version": "rc2", "metric": "recall", "PAIRID":
/// [the names of the first 50 candidates]}, and the same with "recall_subset" and the first 3 of the subset. Source:
/// the server's page.
struct CirrSubmission {
  Json recall, recall_subset;
};
CirrSubmission submit_cirr(Encoder& encoder, const ComposedSet& set);

}  // namespace e5v::eval
