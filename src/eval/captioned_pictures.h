#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "eval/captions.h"

namespace e5v::eval {

/// Finds pictures by what a data set says of them.
class PictureFinder {
 public:
  explicit PictureFinder(const CaptionOptions& options, PictureNeed need);

  /// Where the picture of a name is: in the folder of pictures or in one of the folders `below` it; or, where the
  /// folder was named, in it under the name's last part alone, since it may be the one that the names begin with.
  /// Otherwise where it should be. Throws InvalidInput when some names are found whole and others by their last part,
  /// or two names would be one file: pictures would be taken for each other.
  std::filesystem::path find(const std::filesystem::path& name, const std::vector<std::string>& below,
                             const std::string& where);

 private:
  void check_last_part(const std::filesystem::path& name, const std::filesystem::path& place, bool by_last_part,
                       const std::string& where);

  std::filesystem::path folder_;
  bool is_named_;
  std::filesystem::path whole_, last_;                              // the first names that were found so
  std::map<std::filesystem::path, std::filesystem::path> by_last_;  // the name that a file was found for
};

/// Captioned pictures as a file is read: entries about one picture add to it, which stands where it came first.
class CaptionedPictures {
 public:
  /// Both are borrowed.
  CaptionedPictures(const CaptionOptions& options, PictureFiles& files);

  /// No further picture is wanted.
  bool is_enough() const { return options_.most_pictures != 0 && images_.size() >= options_.most_pictures; }
  /// False when the picture is beyond the last one wanted.
  bool add(const std::filesystem::path& name, const std::vector<std::string>& below, std::vector<std::string> captions,
           const std::string& where);
  std::vector<CaptionedImage> take() { return std::move(images_); }

 private:
  const CaptionOptions& options_;
  PictureFinder finder_;
  std::vector<CaptionedImage> images_;
  std::map<std::filesystem::path, std::size_t> places_;
};

/// What each form of a file adds to the pictures. `text` is the whole file, which begins with a bracket.
void read_caption_json(std::string_view text, const CaptionOptions& options, CaptionedPictures& pictures);
/// The forms that are tables: `text` is the whole file.
void read_caption_table(std::string_view text, const CaptionOptions& options, CaptionedPictures& pictures);

/// What is read, for messages.
extern const std::string_view kCaptionForms;

}  // namespace e5v::eval
