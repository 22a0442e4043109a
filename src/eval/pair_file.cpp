#include "eval/pair_file.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/records.h"
#include "eval/correlation.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

enum Column : std::size_t { sent0, sent1, image0, image1, score };
constexpr std::array<std::string_view, 5> kColumns{"sent0", "sent1", "image0", "image1", "score"};
constexpr std::string_view kExpected =
    "expected columns of a .csv or .tsv file, or keys of a .jsonl file: sent0 or image0, sent1 or image1, and perhaps "
    "score";

using Cells = std::array<std::string, kColumns.size()>;

std::size_t column_of(std::string_view name, const std::string& where) {
  const auto found = std::ranges::find(kColumns, name);
  require(found != kColumns.end(), "[{}] {} is no known column; {}", where, in_quotes(name), kExpected);
  return static_cast<std::size_t>(found - kColumns.begin());
}

Shown half(const std::string& text, const std::string& image, const char* names, const fs::path& folder,
           const std::string& where) {
  require(!text.empty() || !image.empty(), "[{}] has no {}", where, names);
  return {text, image.empty() ? fs::path() : folder / image};
}

OwnPair pair_of(const Cells& cells, const fs::path& folder, const std::string& where) {
  OwnPair pair{half(cells[sent0], cells[image0], "sent0 or image0", folder, where),
               half(cells[sent1], cells[image1], "sent1 or image1", folder, where), std::nullopt};
  if (!cells[score].empty()) pair.score = gold_score(cells[score], where);
  return pair;
}

Cells cells_of_line(std::string_view line, const std::string& where) {
  const Json object = parse_json(line, where);
  require(object.is_object(), "[{}] is no object; {}", where, kExpected);
  Cells cells;
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;
    require(value.is_string() || (value.is_number() && key == "score"), "[{}] {} has an unexpected type: {}", where,
            in_quotes(key), value.type_name());
    cells[column_of(key, where)] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return cells;
}

/// Calls take with each record that is not blank, and with its place.
template <class Take>
void for_each_record(std::string_view text, const fs::path& file, bool csv, const Take& take) {
  std::int64_t line = 1;
  for (std::size_t begin = 0; begin < text.size();) {
    const Record record = csv ? csv_record_at(text, begin) : line_at(text, begin);
    const std::string where = fmt::format("{}:{}", file.string(), line);
    require(record.problem.empty(), "[{}] {}", where, record.problem);
    require(is_valid_utf8(record.bytes), "[{}] is no UTF-8", where);
    if (record.bytes.find_first_not_of(" \t\r\n") != std::string_view::npos) take(record.bytes, where);
    line += std::ranges::count(text.substr(begin, record.next - begin), '\n');
    begin = record.next;
  }
}

std::vector<OwnPair> read_table(std::string_view text, const fs::path& file, bool csv) {
  std::vector<OwnPair> pairs;
  std::vector<std::size_t> columns;
  for_each_record(text, file, csv, [&](std::string_view record, const std::string& where) {
    const std::vector<std::string> fields = csv ? csv_fields(record) : tsv_fields(record);
    if (columns.empty()) {
      for (const std::string& name : fields) {
        columns.push_back(column_of(name, where));
        require(std::ranges::count(columns, columns.back()) == 1, "[{}] has two columns {}", where, in_quotes(name));
      }
      return;
    }
    require(fields.size() == columns.size(), "[{}] has {} fields, expected {}", where, fields.size(), columns.size());
    Cells cells;
    for (std::size_t i = 0; i < fields.size(); ++i) cells[columns[i]] = fields[i];
    pairs.push_back(pair_of(cells, file.parent_path(), where));
  });
  return pairs;
}

void check_scores(const std::vector<OwnPair>& pairs, const fs::path& file) {
  const auto scored = std::ranges::count_if(pairs, [](const OwnPair& pair) { return pair.score.has_value(); });
  require(scored == 0 || scored == std::ssize(pairs), "[{}] {} of {} pairs have a score, expected all or none",
          file.string(), scored, pairs.size());
  require(pairs.size() >= 2, "[{}] has {} pair{}, expected at least 2", file.string(), pairs.size(),
          pairs.size() == 1 ? "" : "s");
  std::vector<double> scores;
  for (const OwnPair& pair : pairs)
    if (pair.score) scores.push_back(*pair.score);
  if (!scores.empty()) require_different(scores, file.string(), "scores");
}

bool is_usable(const Shown& half, ImageFiles& files) { return half.image.empty() || files.usable(half.image); }

}  // namespace

std::vector<OwnPair> read_pair_file(const fs::path& file) {
  ImageFiles files;
  return read_pair_file(file, files).pairs;
}

OwnPairs read_pair_file(const fs::path& file, ImageFiles& files) {
  const std::string ending = file.extension().string();
  const bool lines = ending == ".jsonl", csv = ending == ".csv";
  require(!fs::is_directory(file), "[{}] is a folder, expected a file; {}", file.string(), kExpected);
  require(lines || csv || ending == ".tsv", "[{}] has an unknown ending; {}", file.string(), kExpected);
  require(fs::exists(file), "[{}] is missing; {}", file.string(), kExpected);
  const std::string content = read_file(file);
  const std::string_view text = without_byte_order_mark(content);
  std::vector<OwnPair> pairs;
  if (lines) {
    for_each_record(text, file, false, [&](std::string_view line, const std::string& where) {
      pairs.push_back(pair_of(cells_of_line(line, where), file.parent_path(), where));
    });
  } else {
    pairs = read_table(text, file, csv);
  }
  OwnPairs result;
  for (OwnPair& pair : pairs) {
    const bool usable = is_usable(pair.first, files), other_usable = is_usable(pair.second, files);
    if (usable && other_usable) {
      result.pairs.push_back(std::move(pair));
    } else {
      ++result.left_out;
    }
  }
  files.require_there(file.string(), "paths of images begin at the file's folder");
  check_scores(result.pairs, file);
  return result;
}

}  // namespace e5v::eval
