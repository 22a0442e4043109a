#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "eval/captions.h"

namespace e5v::eval {

/// Finds the files of images by the names that a data set has for them.
class ImageFinder {
 public:
  explicit ImageFinder(const CaptionOptions& options, ImageNeed need);

  /// The path of an image. It is looked for in the folder of images and in the folders `below` it. If the user named
  /// the folder, the last part of the name is looked for in it, too, because the folder may be the one that the names
  /// begin with. Without such a file: the path at which it is expected. Throws InvalidInput when some names are found
  /// as a whole and others by their last part, or when two names lead to one file, because images could be confused.
  std::filesystem::path find(const std::filesystem::path& name, const std::vector<std::string>& below,
                             const std::string& where);

 private:
  void check_last_part(const std::filesystem::path& name, const std::filesystem::path& place, bool by_last_part,
                       const std::string& where);

  std::filesystem::path folder_;
  bool is_named_;
  std::filesystem::path whole_, last_;  // the first names that were found as a whole and by the last part
  std::map<std::filesystem::path, std::filesystem::path> by_last_;  // from the file to the name that it was found for
};

/// Collects captioned images while a file is read. Captions of one image are collected at the image's first place.
class ImageCaptions {
 public:
  /// Borrows both arguments.
  ImageCaptions(const CaptionOptions& options, ImageFiles& files);

  /// Whether as many images as are wanted have been read.
  bool is_enough() const { return options_.max_images != 0 && images_.size() >= options_.max_images; }
  /// Returns false when the image comes after the last one that is wanted.
  bool add(const std::filesystem::path& name, const std::vector<std::string>& below, std::vector<std::string> captions,
           const std::string& where);
  std::vector<CaptionedImage> take() { return std::move(images_); }

 private:
  const CaptionOptions& options_;
  ImageFinder finder_;
  std::vector<CaptionedImage> images_;
  std::map<std::filesystem::path, std::size_t> places_;
};

/// Reads the JSON forms. `text` is the whole file, which begins with a bracket.
void read_caption_json(std::string_view text, const CaptionOptions& options, ImageCaptions& images);
/// Reads the forms that are tables. `text` is the whole file.
void read_caption_table(std::string_view text, const CaptionOptions& options, ImageCaptions& images);

/// The forms that are read, for messages.
extern const std::string_view kCaptionForms;

}  // namespace e5v::eval
