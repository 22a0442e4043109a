#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "library/database.h"

namespace e5v::library {

/// The shape of an upright image.
enum class Shape { any, landscape, portrait, square };

/// Which photos may be found. A photo is found if all members hold; empty ones hold for all.
struct Filter {
  std::string from = {}, to = {};  ///< dates: "2019", "2019-07", "2019-07-14" or a time; the days themselves included
  std::string camera = {};         ///< a part of the camera's name, in upper or lower case
  std::string folder = {};         ///< absolute: a file of the photo is in it, at any depth
  Shape shape = Shape::any;
  std::optional<int> min_rating = std::nullopt;
  double min_megapixels = 0;
  std::int64_t min_long_side = 0, min_short_side = 0;  ///< in pixels

  bool is_empty() const { return *this == Filter(); }
  bool operator==(const Filter&) const = default;
};

/// Sets the size of a filter from "12" (megapixels) or "1920x1080" (the sides of photos, lying or standing). Returns
/// false if the text is neither.
bool set_min_size(std::string_view text, Filter& filter);

/// Whether a text is a year, a month, a day, or a time of a day: "2019", "2019-07", "2019-07-14", "2019-07-14T12:30".
bool is_date(std::string_view text);

/// Throws InvalidInput for a date that is none, and for a first date after the last one.
void check_filter(const Filter& filter);

/// The rows of the photos that may be found, sorted: those that the filter lets through and of which a file exists.
std::vector<std::int64_t> allowed_rows(Database& database, const Filter& filter);

/// Which of the rows below `rows` may be found.
struct AllowedRows {
  std::vector<std::uint8_t> mask;  ///< for each row 1 or 0; empty: all of them may
  std::int64_t count = 0;          ///< of the rows that may

  /// Takes out one of `rows` rows.
  void remove(std::int64_t row, std::int64_t rows);
};

/// The same as a mask. Without a filter, only the photos without files are read, so it is quick for a million photos.
AllowedRows allowed_mask(Database& database, const Filter& filter, std::int64_t rows);

}  // namespace e5v::library
