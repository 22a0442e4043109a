#include "train/pairs.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/flat_object.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;

enum Column : std::size_t { sent0, sent1, hard_neg, image0, image1, group };
constexpr std::array<std::string_view, 6> kColumns{"sent0", "sent1", "hard_neg", "image0", "image1", "group"};
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kExpected =
    "sent0 and sent1 (image0 and image1 instead of them or with them) and, optionally, hard_neg and group";

std::string_view expectation_of(PairFormat format) {
  switch (format) {
    case PairFormat::csv: return "a header with sent0, sent1 and more of a CSV file, and rows below it";
    case PairFormat::tsv: return "a header with sent0, sent1 and more between tabs, and rows below it";
    case PairFormat::jsonl: return "one object with \"sent0\", \"sent1\" and more a line";
    case PairFormat::text: break;
  }
  return "one sentence a line";
}

const fs::path& require_content(const fs::path& path) {
  const PairFormat format = pair_format_of(path);
  std::error_code ignored;
  const bool empty = fs::is_regular_file(path, ignored) && fs::file_size(path, ignored) == 0;
  require(!empty, "[{}] is empty, expected {}", path.string(), expectation_of(format));
  return path;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Record record_at(std::string_view text, std::size_t at, PairFormat format) {
  return format == PairFormat::csv ? csv_record_at(text, at) : line_at(text, at);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// A line of tabs is a row of empty fields.
bool is_passed_over(const Record& record, PairFormat format) {
  return record.problem.empty() && is_blank(record.bytes) &&
         (format != PairFormat::tsv || record.bytes.find('\t') == std::string_view::npos);
}

std::vector<std::string> fields_of(std::string_view record, PairFormat format) {
  return format == PairFormat::csv ? csv_fields(record) : tsv_fields(record);
}

bool is_among(std::span<const std::size_t> columns, Column column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

/// The meaning of a header's columns. Throws unless they make pairs.
std::vector<std::size_t> columns_of(std::span<const std::string> names, const std::string& where) {
  std::vector<std::size_t> columns;
  for (const std::string& name : names) {
    const auto place = std::find(kColumns.begin(), kColumns.end(), name);
    require(place != kColumns.end(), "[{}] unknown column {}, expected {}", where, in_quotes(name), kExpected);
    const auto column = static_cast<Column>(place - kColumns.begin());
    require(!is_among(columns, column), "[{}] column {} is given twice", where, name);
    columns.push_back(column);
  }
  for (const auto& [sentence, image] : {std::pair(sent0, image0), std::pair(sent1, image1)}) {
    require(is_among(columns, sentence) || is_among(columns, image), "[{}] no column {} or {}, expected {}", where,
            kColumns[sentence], kColumns[image], kExpected);
  }
  return columns;
}

using Cells = std::array<std::optional<std::string>, kColumns.size()>;

/// Reports why a side has neither sentence nor image.
[[noreturn]] void fail_empty(const Cells& cells, Column sentence, Column image, const std::string& where) {
  const std::string_view first = kColumns[sentence], second = kColumns[image];
  if (cells[sentence] && cells[image]) fail<InvalidInput>("[{}] {} and {} are empty", where, first, second);
  if (cells[sentence]) fail<InvalidInput>("[{}] {} is empty", where, first);
  if (cells[image]) fail<InvalidInput>("[{}] {} is empty", where, second);
  fail<InvalidInput>("[{}] expected {} or {}, found neither", where, first, second);
}

Input take_side(Cells& cells, Column sentence, Column image, const fs::path& folder, const std::string& where) {
  Input side;
  if (cells[image] && !cells[image]->empty()) {
    require(cells[image]->find('\0') == std::string::npos, "[{}] {}: expected the path of a file", where,
            kColumns[image]);
    side.images.emplace_back(folder / fs::path(*cells[image]));
  }
  if (cells[sentence] && !is_blank(*cells[sentence])) side.text = std::move(*cells[sentence]);
  if (!side.text && side.images.empty()) fail_empty(cells, sentence, image, where);
  return side;
}

/// `expected` says whether every row has a hard negative, when that is known.
std::optional<std::string> take_hard_negative(Cells& cells, std::optional<bool> expected, const std::string& where) {
  std::optional<std::string>& cell = cells[hard_neg];
  require(!cell || !is_blank(*cell), "[{}] hard_neg is empty", where);
  require(cell || !expected.value_or(false), "[{}] expected hard_neg as in earlier rows, found none", where);
  require(!cell || expected.value_or(true), "[{}] expected no hard_neg, as in earlier rows, found one", where);
  return std::move(cell);
}

}  // namespace

PairFormat pair_format_of(const fs::path& path) {
  require(!fs::is_directory(path), "[{}] is a folder, expected a file of pairs: .csv, .tsv, .jsonl or .txt",
          path.string());
  const std::string ending = path.extension().string();
  if (ending == ".csv") return PairFormat::csv;
  if (ending == ".tsv") return PairFormat::tsv;
  if (ending == ".jsonl" || ending == ".json") return PairFormat::jsonl;
  if (ending == ".txt") return PairFormat::text;
  fail<InvalidInput>("[{}] has the ending {}, expected a file of pairs: .csv, .tsv, .jsonl or .txt", path.string(),
                     in_quotes(ending));
}

PairFile::PairFile(const fs::path& path)
    : file_(require_content(path)),
      text_(as_text(file_.bytes())),
      format_(pair_format_of(path)),
      name_(path.string()),
      folder_(path.parent_path()) {
  read();
}

PairFile::PairFile(std::string_view text, PairFormat format, std::string name, fs::path folder)
    : text_(text), format_(format), name_(std::move(name)), folder_(std::move(folder)) {
  read();
}

/// The current place in the file.
struct PairFile::Place {
  std::size_t at = 0;
  std::int64_t line = 1;

  void move_past(const Record& record, std::string_view text) {
    const std::string_view passed = text.substr(at, record.next - at);
    line += std::count(passed.begin(), passed.end(), '\n');
    at = record.next;
  }
};

void PairFile::read() {
  digest_ = Hasher().add(text_).digest();
  Place place{.at = text_.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0};
  if (format_ == PairFormat::csv || format_ == PairFormat::tsv) {
    read_header(place);
  } else if (format_ == PairFormat::text) {
    hard_negatives_ = false;
  }
  index_rows(place);
  if (offsets_.empty() && bad_.count == 0) {
    fail<InvalidInput>("[{}] holds no row, expected {}", name_, expectation_of(format_));
  }
  require(!offsets_.empty(), "[{}] holds no good row, expected {}; the first of {} bad ones: {}", name_,
          expectation_of(format_), bad_.count, bad_.first.empty() ? "" : bad_.first.front().message);
}

void PairFile::read_header(Place& place) {
  while (place.at < text_.size()) {
    const Record record = record_at(text_, place.at, format_);
    const std::string where = fmt::format("{}:{}", name_, place.line);
    require(record.problem.empty(), "[{}] {}, expected {}", where, record.problem, expectation_of(format_));
    require(is_valid_utf8(record.bytes), "[{}] is not valid UTF-8", where);
    place.move_past(record, text_);
    if (is_passed_over(record, format_)) continue;
    columns_ = columns_of(fields_of(record.bytes, format_), where);
    hard_negatives_ = is_among(columns_, hard_neg);
    return;
  }
  fail<InvalidInput>("[{}] holds blanks only, expected {}", name_, expectation_of(format_));
}

void PairFile::index_rows(Place place) {
  while (place.at < text_.size()) {
    const Record record = record_at(text_, place.at, format_);
    if (!is_passed_over(record, format_)) {
      try {
        const Pair pair = parse(record, fmt::format("{}:{}", name_, place.line));
        if (!hard_negatives_) hard_negatives_ = pair.hard_negative.has_value();
        images_ |= !pair.anchor.images.empty() || !pair.positive.images.empty();
        groups_ |= pair.group.has_value();
        offsets_.push_back(place.at);
      } catch (const InvalidInput& error) {
        if (bad_.first.size() < kBadRowsShown) bad_.first.push_back({place.line, error.what()});
        ++bad_.count;
      }
    }
    place.move_past(record, text_);
  }
  offsets_.shrink_to_fit();
}

Pair PairFile::parse(const Record& record, const std::string& where) const {
  require(record.problem.empty(), "[{}] {}", where, record.problem);
  require(is_valid_utf8(record.bytes), "[{}] is not valid UTF-8", where);
  if (format_ == PairFormat::text) {
    const Input sentence = Input::from_text(std::string(record.bytes));
    return {sentence, sentence, std::nullopt};
  }
  Cells cells = cells_of(record.bytes, where);
  Pair pair;
  pair.anchor = take_side(cells, sent0, image0, folder_, where);
  pair.positive = take_side(cells, sent1, image1, folder_, where);
  pair.hard_negative = take_hard_negative(cells, hard_negatives_, where);
  if (cells[group] && !is_blank(*cells[group])) pair.group = std::move(cells[group]);
  return pair;
}

PairFile::Cells PairFile::cells_of(std::string_view record, const std::string& where) const {
  Cells cells;
  if (format_ == PairFormat::jsonl) {
    Json object = parse_flat_object(record, kColumns, where);
    for (std::size_t i = 0; i < kColumns.size(); ++i) cells[i] = take_string(object, kColumns[i], where);
    return cells;
  }
  std::vector<std::string> fields = fields_of(record, format_);
  require(fields.size() == columns_.size(), "[{}] expected {} columns, found {}", where, columns_.size(),
          fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) cells[columns_[i]] = std::move(fields[i]);
  return cells;
}

Pair PairFile::row(std::int64_t i) const {
  require(i >= 0 && i < rows(), "[{}] expected a row of the {} there are, found {}", name_, rows(), i);
  const std::uint64_t offset = offsets_[static_cast<std::size_t>(i)];
  return parse(record_at(text_, offset, format_), fmt::format("{}, row {}", name_, i));
}

std::string PairFile::where(std::int64_t i) const {
  require(i >= 0 && i < rows(), "[{}] expected a row of the {} there are, found {}", name_, rows(), i);
  const std::string_view before = text_.substr(0, offsets_[static_cast<std::size_t>(i)]);
  return fmt::format("{}:{}", name_, std::count(before.begin(), before.end(), '\n') + 1);
}

}  // namespace e5v::train
