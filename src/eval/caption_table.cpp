#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/records.h"
#include "eval/image_captions.h"

namespace e5v::eval {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view stripped(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// The text after the number at its beginning; nothing when it begins with no number.
std::optional<std::string_view> without_number(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return end == 0 ? std::nullopt : std::optional(text.substr(end));
}

/// An image's name and a caption.
struct Row {
  std::string name, caption;
};

/// A line "NAME#2<tab>CAPTION", as in Flickr30k's results_20130124.token and Flickr8k.token.txt.
std::optional<Row> token_row(std::string_view line) {
  const std::size_t tab = line.find('\t'), mark = line.substr(0, tab).rfind('#');
  if (tab == std::string_view::npos || mark == std::string_view::npos) return std::nullopt;
  const auto rest = without_number(line.substr(mark + 1));
  if (!rest || rest->front() != '\t') return std::nullopt;
  return Row{std::string(line.substr(0, mark)), std::string(stripped(line.substr(tab)))};
}

/// A line "NAME| 2| CAPTION", as in results.csv. One line of that file lacks the second bar.
std::optional<Row> bar_row(std::string_view line) {
  const std::size_t bar = line.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  const auto rest = without_number(stripped(line.substr(bar + 1)));
  if (!rest || (!rest->empty() && rest->find_first_of(" \t|") != 0)) return std::nullopt;
  std::string_view caption = stripped(*rest);
  if (caption.starts_with('|')) caption.remove_prefix(1);
  return Row{std::string(stripped(line.substr(0, bar))), std::string(stripped(caption))};
}

/// The columns of a table that hold an image and its caption, found by their names.
class Columns {
 public:
  static std::optional<Columns> of(const std::vector<std::string>& names) {
    constexpr std::array<std::string_view, 4> kImages{"image", "image_name", "file", "filename"};
    Columns columns;
    const auto image = std::ranges::find_first_of(names, kImages);
    const auto caption = std::ranges::find(names, "caption");
    if (image == names.end() || caption == names.end()) return std::nullopt;
    columns.count_ = names.size();
    columns.image_ = static_cast<std::size_t>(image - names.begin());
    columns.caption_ = static_cast<std::size_t>(caption - names.begin());
    return columns;
  }
  std::optional<Row> row(std::vector<std::string> fields) const {
    if (fields.size() != count_) return std::nullopt;
    return Row{std::move(fields[image_]), std::move(fields[caption_])};
  }

 private:
  std::size_t count_ = 0, image_ = 0, caption_ = 0;
};

/// Yields the records that are not blank, and where each of them is.
class Records {
 public:
  Records(std::string_view text, std::string name, Record (*record_at)(std::string_view, std::size_t))
      : text_(text), name_(std::move(name)), record_at_(record_at) {}

  std::optional<std::string_view> next() {
    while (begin_ < text_.size()) {
      const Record record = record_at_(text_, begin_);
      where_ = fmt::format("{}:{}", name_, line_);
      require(record.problem.empty(), "[{}] {}", where_, record.problem);
      require(is_valid_utf8(record.bytes), "[{}] is no UTF-8", where_);
      line_ += std::ranges::count(text_.substr(begin_, record.next - begin_), '\n');
      begin_ = record.next;
      if (!stripped(record.bytes).empty()) return record.bytes;
    }
    return std::nullopt;
  }
  const std::string& where() const { return where_; }

 private:
  std::string_view text_;
  std::string name_, where_;
  Record (*record_at_)(std::string_view, std::size_t);
  std::size_t begin_ = 0;
  std::int64_t line_ = 1;
};

/// Adds every remaining record. `row_of` returns nothing for a record of another form.
template <class RowOf>
void add_rows(Records records, const char* expected, ImageCaptions& images, const RowOf& row_of) {
  while (const auto record = records.next()) {
    const std::optional<Row> row = row_of(*record);
    require(row.has_value(), "[{}] expected {}, found {}", records.where(), expected, in_quotes(*record, 60));
    images.add(row->name, {}, {row->caption}, records.where());
  }
}

}  // namespace

void read_caption_table(std::string_view text, const CaptionOptions& options, ImageCaptions& images) {
  const std::string name = options.file.string();
  const std::string_view first = line_at(text, text.find_first_not_of("\r\n")).bytes;
  Records lines(text, name, line_at);
  if (token_row(first)) return add_rows(lines, "NAME#NUMBER, a tab, and a caption", images, token_row);
  const std::size_t bar = first.find('|');
  if (bar != std::string_view::npos && Columns::of({std::string(stripped(first.substr(0, bar))), "caption"})) {
    lines.next();
    return add_rows(lines, "NAME| NUMBER| CAPTION", images, bar_row);
  }
  for (const bool csv : {true, false}) {
    Records records(text, name, csv ? csv_record_at : line_at);
    const auto fields_of = csv ? csv_fields : tsv_fields;
    const auto columns = Columns::of(fields_of(first));
    if (!columns) continue;
    records.next();
    return add_rows(records, "as many fields as there are columns", images,
                    [&](std::string_view record) { return columns->row(fields_of(record)); });
  }
  fail<InvalidInput>("[{}] has an unknown form; {}", name, kCaptionForms);
}

}  // namespace e5v::eval
