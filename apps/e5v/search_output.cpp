#include "search_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "drawing/contact_sheet.h"
#include "image/decode.h"
#include "image/encode.h"
#include "report/page.h"
#include "report/writer.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;
using library::Metadata;
using library::Photo;

Json json_of(const Match& match) {
  const Metadata& metadata = match.photo.metadata;
  Json json{{"score", match.score},
            {"paths", match.photo.paths},
            {"hash", match.photo.hash.hex()},
            {"width", metadata.width},
            {"height", metadata.height}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("taken", metadata.taken), add("camera", metadata.camera), add("lens", metadata.lens);
  add("caption", metadata.caption);
  if (match.percentile) json["percentile"] = *match.percentile;
  if (metadata.latitude && metadata.longitude) json["place"] = {*metadata.latitude, *metadata.longitude};
  if (metadata.rating) json["rating"] = *metadata.rating;
  if (!metadata.keywords.empty()) json["keywords"] = metadata.keywords;
  return json;
}

std::string percentile_text(const Match& match) {
  return match.percentile ? fmt::format("{:.2f}%", *match.percentile) : "-";
}

std::string name_of_file(const Photo& photo) {
  return to_valid_utf8(fs::path(photo.paths.front()).filename().string());
}

/// A path as the address of a file.
std::string file_address(const std::string& path) {
  std::string address = "file://";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '.' || c == '-' || c == '_' || c == '~';
    address += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return address;
}

constexpr std::string_view kPageStyle = R"(
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 16px; }
.photos figure { padding: 10px; } .photos a { display: block; }
.photos img, .photos .missing { display: flex; width: 100%; height: 200px; object-fit: contain; align-items: center;
  justify-content: center; color: var(--soft); }
.photos figcaption { display: block; margin: 8px 0 0; overflow-wrap: anywhere; font-size: 13px; }
.photos small { display: block; color: var(--soft); font-variant-numeric: tabular-nums; }
)";

image::Bitmap small_image_of(const std::string& path, int edge) {
  try {
    const std::string bytes = read_file(path);
    return image::thumbnail(image::decode(std::as_bytes(std::span(bytes)), path), edge);
  } catch (const InvalidInput&) {
    return {};
  }
}

}  // namespace

std::vector<std::string> table_lines(const std::vector<Match>& matches) {
  std::vector<std::string> lines;
  const int number = static_cast<int>(std::to_string(matches.size()).size());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Photo& photo = matches[i].photo;
    const std::string taken = photo.metadata.taken.substr(0, 10);
    std::string& line = lines.emplace_back();
    line = fmt::format("{:>{}}  {:7.4f}  {:>6}  {:<10}  {}", i + 1, number, matches[i].score,
                       percentile_text(matches[i]), taken.empty() ? "-" : taken, one_line(photo.paths.front()));
    if (photo.paths.size() > 1) line += fmt::format(" (and {} more)", photo.paths.size() - 1);
    line += '\n';
  }
  return lines;
}

std::string json_lines(const std::vector<Match>& matches) {
  std::string text;
  for (const Match& match : matches) text += json_of(match).dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  return text;
}

std::string path_lines(const std::vector<Match>& matches) {
  std::string text;
  for (const Match& match : matches) text += match.photo.paths.front() + '\n';
  return text;
}

std::string html_page(const std::string& title, const std::vector<Match>& matches) {
  constexpr int kEdge = 440, kQuality = 80;  // twice the size on the page, for screens of high density
  report::Writer body;
  body.add("<div class=\"photos\">\n");
  for (const Match& match : matches) {
    const std::string name = report::html_escaped(name_of_file(match.photo));
    const image::Bitmap small = small_image(match.photo, kEdge);
    const std::string image = small.pixels.empty()
                                  ? "<span class=\"missing\">cannot be read</span>"
                                  : fmt::format("<img alt=\"{}\" src=\"{}\">", name,
                                                report::data_uri("image/jpeg", image::encode_jpeg(small, kQuality)));
    const std::string percentile =
        match.percentile ? fmt::format(", above {} of unrelated scores", percentile_text(match)) : "";
    body.add(
        "<figure><a href=\"{}\">{}</a><figcaption>{}<small>cosine {:.4f}{}</small><small>{}</small></figcaption>"
        "</figure>\n",
        file_address(match.photo.paths.front()), image, name, match.score, percentile,
        report::html_escaped(match.photo.metadata.taken.substr(0, 10)));
  }
  body.add("</div>\n");
  const std::string count = fmt::format("{} photo{}, the best first", matches.size(), matches.size() == 1 ? "" : "s");
  return report::page(to_valid_utf8(title), count, body.take(), kPageStyle);
}

image::Bitmap small_image(const Photo& photo, int edge) {
  for (const std::string& path : photo.paths) {
    image::Bitmap bitmap = small_image_of(path, edge);
    if (!bitmap.pixels.empty()) return bitmap;
  }
  return {};
}

bool is_sheet_name(const fs::path& file) {
  const std::string suffix = ascii_lower(file.extension().string());
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

void write_contact_sheet(const fs::path& file, const fs::path& image, const std::string& title,
                         const std::vector<Match>& matches) {
  constexpr std::size_t kColumns = 7;
  constexpr int kEdge = 224, kQuality = 90;
  std::vector<drawing::SheetRow> rows;
  for (std::size_t begin = 0; begin < matches.size(); begin += kColumns) {
    drawing::SheetRow& row = rows.emplace_back();
    if (begin == 0) {
      row.query.words = to_valid_utf8(title);
      if (!image.empty()) row.query.bitmap = small_image_of(image.string(), kEdge);
    }
    for (std::size_t i = begin; i < std::min(begin + kColumns, matches.size()); ++i)
      row.matches.push_back(
          {small_image(matches[i].photo, kEdge), name_of_file(matches[i].photo), static_cast<float>(matches[i].score)});
  }
  const image::Bitmap sheet = drawing::ContactSheet().draw(rows);
  const bool is_png = ascii_lower(file.extension().string()) == ".png";
  write_file_atomically(file, is_png ? image::encode_png(sheet) : image::encode_jpeg(sheet, kQuality));
}

}  // namespace e5v::app
