#pragma once
#include <string>
#include <vector>

#include "drawing/text_image.h"
#include "image/bitmap.h"

namespace e5v::drawing {

/// An image with words below it.
struct SheetCell {
  image::Bitmap bitmap;  ///< empty: only the words are drawn, in the middle
  std::string words;
  float score = 0;  ///< of a match
};

/// A query and its matches, by descending score.
struct SheetRow {
  SheetCell query;  ///< without an image and without words, its place stays empty
  std::vector<SheetCell> matches;
};

/// Draws rows of images, one below the other: queries on the left, then, after a line, the matches with their scores.
/// Words in fonts that Liberation Sans lacks are drawn as boxes.
class ContactSheet {
 public:
  ContactSheet();
  image::Bitmap draw(const std::vector<SheetRow>& rows) const;

 private:
  void draw_cell(const SheetCell& cell, const std::string& below, int left, int top, image::Bitmap& sheet) const;

  TextPainter label_, sentence_;  // painters of one line
};

}  // namespace e5v::drawing
