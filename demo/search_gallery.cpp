// search_gallery MODEL GALLERY QUERIES SHEET: finds the images of a gallery that are nearest to texts and to composed
// queries. Prints the matches and draws them as one image.
//
// GALLERY and QUERIES are JSON Lines: {"image": PATH, "caption": WORDS} and {"text": WORDS} or {"image": PATH, "text":
// WORDS}; paths are relative to the file.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <numeric>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/parallel.h"
#include "drawing/contact_sheet.h"
#include "e5v/embedder.h"
#include "image/decode.h"
#include "image/encode.h"

namespace {

using namespace e5v;
namespace fs = std::filesystem;

constexpr std::size_t kMatches = 7;

/// An image, words, or both.
struct Entry {
  fs::path image;  // empty: none
  std::string words;
};

std::vector<Entry> read_entries(const fs::path& file, const char* words) {
  std::vector<Entry> entries;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const Json item = parse_json(line, file.string());
    const std::string image = json_value<std::string, InvalidInput>(item, "image", {}, file.string());
    entries.push_back({image.empty() ? fs::path() : file.parent_path() / image,
                       json_value<std::string, InvalidInput>(item, words, {}, file.string())});
  }
  require(!entries.empty(), "[{}] holds no entry", file.string());
  return entries;
}

image::Bitmap image_of(const Entry& entry) {
  if (entry.image.empty()) return {};
  const std::string file = read_file(entry.image);
  return image::decode(std::as_bytes(std::span(file)), entry.image.string(), {});
}

Input query_of(const Entry& entry) {
  if (entry.image.empty()) return Input::from_text(entry.words);
  return Input::composed(entry.image, entry.words);
}

drawing::SheetRow search(const Entry& query, std::span<const float> vector, const std::vector<Entry>& gallery,
                         const Embeddings& vectors) {
  std::vector<float> scores;
  for (std::int64_t i = 0; i < vectors.size(); ++i) {
    const std::span<const float> other = vectors.row(i);
    const bool itself = gallery[static_cast<std::size_t>(i)].image == query.image;
    scores.push_back(itself ? -1 : std::inner_product(vector.begin(), vector.end(), other.begin(), 0.0f));
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return scores[i]; });
  const std::string plus = query.image.empty() ? "" : "+ ";
  drawing::SheetRow row{{image_of(query), plus + query.words, 0}, {}};
  for (std::size_t i = 0; i < std::min(kMatches, order.size()); ++i) {
    const Entry& match = gallery[order[i]];
    row.matches.push_back({image_of(match), match.words, scores[order[i]]});
  }
  return row;
}

void print(const Entry& query, const drawing::SheetRow& row) {
  fmt::print("{}{}\n", query.image.empty() ? "" : query.image.filename().string() + " ", row.query.words);
  for (const drawing::SheetCell& match : row.matches) fmt::print("  {:.3f}  {}\n", match.score, match.words);
}

void run(const fs::path& model, const fs::path& gallery_file, const fs::path& queries_file, const fs::path& sheet) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Entry> gallery = read_entries(gallery_file, "caption");
  const std::vector<Entry> queries = read_entries(queries_file, "text");
  Embedder embedder = Embedder::load(model);
  std::vector<Input> images, questions;
  for (const Entry& entry : gallery) images.push_back(Input::from_image(entry.image));
  for (const Entry& entry : queries) questions.push_back(query_of(entry));
  const Embeddings found = embedder.embed(images), asked = embedder.embed(questions);
  std::vector<drawing::SheetRow> rows;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    rows.push_back(search(queries[i], asked.row(static_cast<std::int64_t>(i)), gallery, found));
    print(queries[i], rows.back());
  }
  write_file_atomically(sheet, image::encode_png(drawing::ContactSheet().draw(rows)));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{} images searched for {} queries in {:.1f} s; look at {}\n", gallery.size(), queries.size(),
             seconds.count(), sheet.string());
}

}  // namespace

int main(int count, char** arguments) {
  e5v::let_threads_sleep(arguments);
  if (count != 5) {
    fmt::print(stderr, "usage: search_gallery MODEL GALLERY.jsonl QUERIES.jsonl SHEET.png\n");
    return 2;
  }
  try {
    run(arguments[1], arguments[2], arguments[3], arguments[4]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "search_gallery: {}\n", error.what());
    return 1;
  }
}
