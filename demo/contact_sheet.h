#pragma once
#include <string>
#include <vector>

#include "drawing/text_image.h"
#include "image/bitmap.h"

namespace e5v::demo {

/// An image with words below it.
struct Cell {
  image::Bitmap bitmap;  ///< empty: only the words are drawn, in the middle
  std::string words;
  float score = 0;  ///< of a match
};

/// A query and its matches, by descending score.
struct Row {
  Cell query;
  std::vector<Cell> matches;
};

/// Draws rows of images, one below the other: queries on the left, then, after a line, the matches with their scores.
class ContactSheet {
 public:
  ContactSheet();
  image::Bitmap draw(const std::vector<Row>& rows) const;

 private:
  void draw_cell(const Cell& cell, const std::string& below, int left, int top, image::Bitmap& sheet) const;

  drawing::TextPainter label_, sentence_;  // painters of one line
};

}  // namespace e5v::demo
