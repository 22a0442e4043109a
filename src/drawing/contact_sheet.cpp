#include "drawing/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/encode.h"

namespace e5v::drawing {
namespace {

constexpr int kEdge = 112, kGap = 14, kLabelLine = 18, kLabel = 2 * kLabelLine + 4, kSentenceLine = 26;
constexpr int kCellHeight = kEdge + kLabel;
constexpr int kCellWidth = kEdge + kGap, kRowHeight = kCellHeight + kGap;
constexpr std::uint8_t kPaper = 255, kLine = 210;

TextPainter painter(int line, int size) {
  TextImageOptions options;
  options.width = kCellWidth, options.height = line, options.size = size, options.margin = 3;
  return TextPainter(options);
}

void paste(const std::vector<std::uint8_t>& rgb, int width, int height, int left, int top, image::Bitmap& sheet) {
  for (int y = 0; y < height; ++y) {
    const auto from = rgb.begin() + static_cast<std::ptrdiff_t>(y) * width * 3;
    std::copy(from, from + static_cast<std::ptrdiff_t>(width) * 3, sheet.row(top + y) + std::ptrdiff_t{3} * left);
  }
}

/// Draws lines of words into a cell, as many as fit into `height`.
void write(const TextPainter& painter, const std::string& words, int height, bool in_the_middle, int left, int top,
           image::Bitmap& sheet) {
  std::vector<TextLine> lines = painter.lines(words);
  const int line = painter.options().height;
  lines.resize(std::min(lines.size(), static_cast<std::size_t>(height / line)));
  if (in_the_middle) top += (height - line * static_cast<int>(lines.size())) / 2;
  for (const TextLine& part : lines) {
    std::string text = part.text;
    while (text.ends_with(' ')) text.pop_back();
    const Pixels drawn = painter.paint(text);
    paste(drawn.rgb, drawn.width, drawn.height, left, top, sheet);
    top += line;
  }
}

}  // namespace

ContactSheet::ContactSheet() : label_(painter(kLabelLine, 13)), sentence_(painter(kSentenceLine, 17)) {}

void ContactSheet::draw_cell(const SheetCell& cell, const std::string& below, int left, int top,
                             image::Bitmap& sheet) const {
  if (cell.bitmap.pixels.empty()) {
    return write(sentence_, cell.words, kEdge, true, left, top, sheet);
  }
  const image::Bitmap small = image::thumbnail(cell.bitmap, kEdge);
  paste(small.pixels, small.width, small.height, left + (kCellWidth - small.width) / 2,
        top + (kEdge - small.height) / 2, sheet);
  write(label_, below, kLabel, false, left, top + kEdge + 2, sheet);
}

image::Bitmap ContactSheet::draw(const std::vector<SheetRow>& rows) const {
  std::size_t columns = 0;
  for (const SheetRow& row : rows) columns = std::max(columns, row.matches.size());
  const int first_match = 2 * kGap + kCellWidth;
  image::Bitmap sheet(first_match + kGap + static_cast<int>(columns) * kCellWidth,
                      kGap + static_cast<int>(rows.size()) * kRowHeight);
  std::ranges::fill(sheet.pixels, kPaper);
  int top = kGap;
  for (const SheetRow& row : rows) {
    draw_cell(row.query, row.query.words, kGap, top, sheet);
    int left = first_match + kGap;
    for (const SheetCell& match : row.matches) {
      draw_cell(match, fmt::format("{:.2f}  {}", match.score, match.words), left, top, sheet);
      left += kCellWidth;
    }
    for (int y = top; y < top + kCellHeight; ++y) std::fill_n(sheet.row(y) + std::ptrdiff_t{3} * first_match, 3, kLine);
    top += kRowHeight;
  }
  return sheet;
}

}  // namespace e5v::drawing
