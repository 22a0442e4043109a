// Any bytes are a file of pairs or InvalidInput, in each of the formats; rows read the same when they are written as
// CSV.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "train/pairs.h"

namespace {

using e5v::Input;
using e5v::train::Pair;
using e5v::train::PairFile;
using e5v::train::PairFormat;

void require_that(bool condition) {
  if (!condition) std::abort();
}

std::string path_of(const Input& side) {
  return !side.images.empty() ? std::get<std::filesystem::path>(side.images.front()).string() : std::string();
}

std::string csv_field(std::string_view field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

bool is_same(const Pair& a, const Pair& b) {
  return a.anchor.text == b.anchor.text && a.positive.text == b.positive.text && a.hard_negative == b.hard_negative &&
         path_of(a.anchor) == path_of(b.anchor) && path_of(a.positive) == path_of(b.positive);
}

void check_side(const Input& side) {
  require_that(side.text || !side.images.empty());
  require_that(e5v::is_valid_utf8(side.text.value_or("")));
  require_that(!side.text || side.text->find_first_not_of(" \t\r\n") != std::string::npos);
}

/// All rows as CSV, with image columns, whose paths are the ones that reading has made of them.
std::string as_csv(const PairFile& file) {
  const bool hard = file.has_hard_negatives();
  std::string text = hard ? "sent0,image0,sent1,image1,hard_neg\r\n" : "sent0,image0,sent1,image1\r\n";
  for (std::int64_t i = 0; i < file.rows(); ++i) {
    const Pair pair = file.row(i);
    check_side(pair.anchor);
    check_side(pair.positive);
    require_that(pair.hard_negative.has_value() == hard);
    text += csv_field(pair.anchor.text.value_or("")) + ',' + csv_field(path_of(pair.anchor)) + ',';
    text += csv_field(pair.positive.text.value_or("")) + ',' + csv_field(path_of(pair.positive));
    text += (hard ? ',' + csv_field(*pair.hard_negative) : "") + "\r\n";
  }
  return text;
}

void check_file(std::string_view bytes, PairFormat format) {
  try {
    const PairFile file(bytes, format, "fuzz", "");
    require_that(file.rows() > 0);
    const std::string csv = as_csv(file);
    const PairFile again(csv, PairFormat::csv, "again", "");
    require_that(again.rows() == file.rows() && again.bad_rows().count == 0);
    for (std::int64_t i = 0; i < file.rows(); ++i) require_that(is_same(again.row(i), file.row(i)));
    require_that(file.where(file.rows() - 1).starts_with("fuzz:"));
  } catch (const e5v::InvalidInput& error) {
    require_that(std::string_view(error.what()).starts_with("[fuzz"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr PairFormat kFormats[] = {PairFormat::csv, PairFormat::tsv, PairFormat::jsonl, PairFormat::text};
  check_file({reinterpret_cast<const char*>(data) + 1, size - 1}, kFormats[data[0] % 4]);
  return 0;
}
