#include "eval/transfer_data.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/records.h"
#include "base/utf8.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTransferLayout =
    "expected SentEval's data folder: MR/rt-polarity.pos and .neg, CR/custrev.pos and .neg, SUBJ/subj.subjective and "
    ".objective, MPQA/mpqa.pos and .neg, SST/binary/sentiment-train, -dev and -test, TREC/train_5500.label and "
    "TREC_10.label, MRPC/msr_paraphrase_train.txt and _test.txt";

/// One or two sentences, and their class.
struct Item {
  std::string first, second;
  std::size_t first_words = 0, second_words = 0;
  int label = 0;
};

std::string from_latin1(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, static_cast<unsigned char>(byte));
  return text;
}

std::string read_part(const fs::path& file, bool latin1) {
  require(fs::exists(file), "[{}] is missing; {}", file.string(), kTransferLayout);
  const std::string content = read_file(file);
  const std::string text(without_byte_order_mark(content));
  if (latin1) return from_latin1(text);
  require(is_valid_utf8(text), "[{}] is no UTF-8", file.string());
  return text;
}

bool is_line_end(char32_t value, bool all) {
  if (value == '\n' || value == '\r') return true;
  return all && (value == 0x0B || value == 0x0C || (value >= 0x1C && value <= 0x1E) || value == 0x85 ||
                 value == 0x2028 || value == 0x2029);
}

/// Calls take with each line and its place. all_ends: lines end wherever Python's str.splitlines() ends them.
void for_each_line(const std::string& text, const fs::path& file, bool all_ends,
                   const std::function<void(std::string_view, const std::string&)>& take) {
  std::size_t begin = 0, number = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const CodePoint point = at < text.size() ? code_point_at(text, at) : CodePoint{'\n', 1};
    const std::size_t end = at;
    at += point.length;
    if (!is_line_end(point.value, all_ends)) continue;
    if (point.value == '\r' && at < text.size() && text[at] == '\n') ++at;
    if (end == text.size() && begin == end) break;  // nothing follows the last line end
    take(std::string_view(text).substr(begin, end - begin), fmt::format("{}:{}", file.string(), ++number));
    begin = at;
  }
}

/// The words of a text, separated by one blank, and their number.
std::pair<std::string, std::size_t> counted_words(std::string_view text) {
  std::string words;
  std::size_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    const bool space = is_python_white_space(point.value);
    if (!space && !inside) words += count++ == 0 ? "" : " ";
    if (!space) words += text.substr(at, point.length);
    inside = !space;
    at += point.length;
  }
  return {words, count};
}

Item item_of(std::string_view first, int label, std::string_view second = {}) {
  Item item;
  std::tie(item.first, item.first_words) = counted_words(first);
  std::tie(item.second, item.second_words) = counted_words(second);
  item.label = label;
  return item;
}

/// The items in SentEval's order, which sorts them to save padding.
LabelledTexts in_order(std::vector<Item> items, bool pairs, const fs::path& file) {
  require(!items.empty(), "[{}] holds no sentences", file.string());
  std::ranges::stable_sort(items, {}, [](const Item& i) { return std::tuple(i.first_words, i.second_words, i.label); });
  LabelledTexts texts;
  for (Item& item : items) {
    texts.first.push_back(std::move(item.first));
    if (pairs) texts.second.push_back(std::move(item.second));
    texts.labels.push_back(item.label);
  }
  return texts;
}

/// A label, 0 or 1.
int binary_label(std::string_view text, const std::string& where) {
  require(text == "0" || text == "1", "[{}] {} is no class, expected 0 or 1", where, in_quotes(text, 40));
  return text == "1" ? 1 : 0;
}

/// Reads one file for each class.
LabelledTexts read_classes(const fs::path& ones, const fs::path& zeros) {
  std::vector<Item> items;
  for (const auto& [file, label] : {std::pair(ones, 1), std::pair(zeros, 0)})
    for_each_line(read_part(file, true), file, true, [&, label = label](std::string_view line, const std::string&) {
      items.push_back(item_of(line, label));
    });
  return in_order(std::move(items), false, ones);
}

LabelledTexts read_sst(const fs::path& file) {
  std::vector<Item> items;
  for_each_line(read_part(file, false), file, false, [&](std::string_view line, const std::string& where) {
    const std::vector<std::string> fields = tsv_fields(python_stripped(line));
    require(fields.size() >= 2, "[{}] has no tab, expected a sentence and its class", where);
    items.push_back(item_of(fields[0], binary_label(fields[1], where)));
  });
  return in_order(std::move(items), false, file);
}

LabelledTexts read_trec(const fs::path& file) {
  constexpr std::array<std::string_view, 6> kClasses{"ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"};
  std::vector<Item> items;
  for_each_line(read_part(file, true), file, false, [&](std::string_view line, const std::string& where) {
    const std::string_view text = python_stripped(line);
    const std::size_t colon = text.find(':'), blank = text.find(' ', colon == std::string_view::npos ? 0 : colon);
    require(colon != std::string_view::npos && blank != std::string_view::npos,
            "[{}] expected CLASS:kind and a question, found {}", where, in_quotes(text, 40));
    const auto found = std::ranges::find(kClasses, text.substr(0, colon));
    require(found != kClasses.end(), "[{}] {} is no class, expected one of {}", where,
            in_quotes(text.substr(0, colon), 40), fmt::join(kClasses, ", "));
    items.push_back(item_of(text.substr(blank + 1), static_cast<int>(found - kClasses.begin())));
  });
  return in_order(std::move(items), false, file);
}

LabelledTexts read_mrpc(const fs::path& file) {
  std::vector<Item> items;
  bool header = true;
  for_each_line(read_part(file, false), file, false, [&](std::string_view line, const std::string& where) {
    if (std::exchange(header, false)) return;
    const std::vector<std::string> fields = tsv_fields(python_stripped(line));
    require(fields.size() >= 5, "[{}] has {} columns, expected 5: class, two ids, two sentences", where, fields.size());
    items.push_back(item_of(fields[3], binary_label(fields[0], where), fields[4]));
  });
  return in_order(std::move(items), true, file);
}

}  // namespace

const std::vector<std::string>& transfer_tasks() {
  static const std::vector<std::string> tasks{"MR", "CR", "SUBJ", "MPQA", "SST2", "TREC", "MRPC"};
  return tasks;
}

TransferTask read_transfer(const fs::path& folder, const std::string& task) {
  require(fs::is_directory(folder), "[{}] is no folder; {}", folder.string(), kTransferLayout);
  TransferTask result;
  result.name = task;
  if (task == "MR") {
    result.train = read_classes(folder / "MR/rt-polarity.pos", folder / "MR/rt-polarity.neg");
  } else if (task == "CR") {
    result.train = read_classes(folder / "CR/custrev.pos", folder / "CR/custrev.neg");
  } else if (task == "SUBJ") {
    result.train = read_classes(folder / "SUBJ/subj.objective", folder / "SUBJ/subj.subjective");
  } else if (task == "MPQA") {
    result.train = read_classes(folder / "MPQA/mpqa.pos", folder / "MPQA/mpqa.neg");
  } else if (task == "SST2") {
    result.train = read_sst(folder / "SST/binary/sentiment-train");
    result.dev = read_sst(folder / "SST/binary/sentiment-dev");
    result.test = read_sst(folder / "SST/binary/sentiment-test");
  } else if (task == "TREC") {
    result.classes = 6;
    result.train = read_trec(folder / "TREC/train_5500.label");
    result.test = read_trec(folder / "TREC/TREC_10.label");
  } else {
    require(task == "MRPC", "[transfer] {} is no task; expected one of {}", in_quotes(task),
            fmt::join(transfer_tasks(), ", "));
    result.train = read_mrpc(folder / "MRPC/msr_paraphrase_train.txt");
    result.test = read_mrpc(folder / "MRPC/msr_paraphrase_test.txt");
  }
  const auto [lowest, highest] = std::ranges::minmax(result.train.labels);
  require(lowest != highest, "[{}] the training items of {} are all of one class", folder.string(), task);
  return result;
}

}  // namespace e5v::eval
