#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "image/bitmap.h"
#include "library/search.h"

/// What e5v search prints and writes.
namespace e5v::app {

/// A photo that was found.
struct Match {
  double score = 0;
  std::optional<double> percentile;  ///< of the score among those of unrelated queries; nothing if that is not known
  library::Photo photo;
};

/// A line for each match: its number, score, percentile, date and path.
std::vector<std::string> table_lines(const std::vector<Match>& matches);
/// A JSON object per line.
std::string json_lines(const std::vector<Match>& matches);
/// A path per line.
std::string path_lines(const std::vector<Match>& matches);
/// A page that holds small images of the photos.
std::string html_page(const std::string& title, const std::vector<Match>& matches);

/// The small image of a photo, with no side longer than `edge`; an empty one if no file of it can be read.
image::Bitmap small_image(const library::Photo& photo, int edge);

/// Draws the matches in rows, with the query's image and title on the left, and writes a JPEG or, by the suffix of the
/// file, a PNG. Throws InvalidInput if the file cannot be written.
void write_contact_sheet(const std::filesystem::path& file, const std::filesystem::path& image,
                         const std::string& title, const std::vector<Match>& matches);
/// Whether a contact sheet can be written with this suffix.
bool is_sheet_name(const std::filesystem::path& file);

}  // namespace e5v::app
