#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/result.h"

namespace e5v::eval {

/// Which of the images that a data set names must exist.
enum class ImageNeed {
  all,       ///< all of them: a missing image is an error
  existing,  ///< none: missing queries and candidates are left out
  none,      ///< images are not looked for, because their vectors are given
};

/// The images that a data set names. They are checked before anything is computed. A file is missing when it does not
/// exist, is empty, or does not begin like an image that e5v reads. Only the decoder checks the rest of a file.
class ImageFiles {
 public:
  explicit ImageFiles(ImageNeed need = ImageNeed::all) : need_(need) {}

  ImageNeed need() const { return need_; }
  /// Whether the image can be used. A missing image is recorded once.
  bool usable(const std::filesystem::path& file);

  /// Throws InvalidInput when images are missing that must exist, or when all images are missing. The message names the
  /// first twenty and the number of the others. `where` is the data set; `hint` says what else can be done than leaving
  /// them out.
  void require_there(std::string_view where, std::string_view hint) const;

  std::size_t named() const { return problems_.size(); }
  std::vector<std::filesystem::path> missing() const;

 private:
  ImageNeed need_;
  std::map<std::filesystem::path, std::string> problems_;  // of each image; "" if it can be used
  std::vector<std::filesystem::path> order_;               // the missing images in the order of the data set
};

/// If missing images may be left out, adds to a result how many were, and that `queries` of `of_queries` were left out.
/// `kind` is their name ("captions").
void add_left_out(Result& result, const ImageFiles& images, std::size_t queries, std::size_t of_queries,
                  const std::string& kind);

}  // namespace e5v::eval
