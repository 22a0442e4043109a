#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace e5v::eval {

/// The thumbnails of a page, which contains them. Each file is read once, and equal thumbnails are stored once, as a
/// rule of the page's style sheet.
class ImageThumbnails {
 public:
  /// An HTML element that shows the file, or its name if the file can no longer be read.
  std::string html_of(const std::filesystem::path& file);

  /// CSS rules for all elements that html_of() returned.
  const std::string& style() const { return style_; }

 private:
  std::string make(const std::filesystem::path& file);

  std::map<std::filesystem::path, std::string> elements_;
  std::map<std::string, std::size_t> numbers_;  // by the data URI of the thumbnail
  std::string style_;
};

}  // namespace e5v::eval
