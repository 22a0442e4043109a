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

/// Which of the pictures that a data set names must be there.
enum class PictureNeed {
  all,       ///< all: what is missing is an error
  existing,  ///< none: queries and candidates that are missing are left out
  none,      ///< they are not looked for, because their vectors are there
};

/// The pictures that a data set names, looked at before anything is computed. A file is missing when it does not exist,
/// is empty, or does not begin as a JPEG, PNG or WebP file does; what lies behind its beginning is for the decoder.
class PictureFiles {
 public:
  explicit PictureFiles(PictureNeed need = PictureNeed::all) : need_(need) {}

  PictureNeed need() const { return need_; }
  /// Whether the picture can be used. One that is missing is noted, once.
  bool usable(const std::filesystem::path& file);

  /// Throws InvalidInput that names what is missing, unless it may be: all of it, or the first twenty and how many more
  /// there are. `where` is the data set, `hint` what to do besides leaving it out. Also when all is missing.
  void require_there(std::string_view where, std::string_view hint) const;

  std::size_t named() const { return problems_.size(); }
  std::vector<std::filesystem::path> missing() const;

 private:
  PictureNeed need_;
  std::map<std::filesystem::path, std::string> problems_;  // of each picture that was asked for; "" if it can be used
  std::vector<std::filesystem::path> order_;               // of the missing ones
};

/// Adds to a result what was left out of it, if that was asked for: `queries` of `of_queries`, which are `kind`s
/// ("captions").
void add_left_out(Result& result, const PictureFiles& pictures, std::size_t queries, std::size_t of_queries,
                  const std::string& kind);

}  // namespace e5v::eval
