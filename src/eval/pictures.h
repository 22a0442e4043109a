#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace e5v::eval {

/// Small pictures of a page that holds them itself. Each file is read once, and what looks the same is in the page
/// once: as a rule of its style sheet.
class Pictures {
 public:
  /// An element that shows the file, or its name if it can no longer be read.
  std::string html_of(const std::filesystem::path& file);

  /// CSS rules for what html_of() gave so far.
  const std::string& style() const { return style_; }

 private:
  std::string make(const std::filesystem::path& file);

  std::map<std::filesystem::path, std::string> elements_;
  std::map<std::string, std::size_t> numbers_;  // by the address that holds the picture
  std::string style_;
};

}  // namespace e5v::eval
