#include "eval/sts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/records.h"
#include "eval/correlation.h"
#include "eval/judged.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStsLayout =
    "expected SentEval's data folder: STS/STS12-en-test ... STS/STS16-en-test with STS.input.NAME.txt and "
    "STS.gs.NAME.txt, STS/STSBenchmark/sts-test.csv, SICK/SICK_test_annotated.txt";

/// The sources of each year, as SentEval evaluates them.
const std::map<std::string, std::vector<std::string>>& sources() {
  static const std::map<std::string, std::vector<std::string>> all{
      {"STS12", {"MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"}},
      {"STS13", {"FNWN", "headlines", "OnWN"}},
      {"STS14", {"deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"}},
      {"STS15", {"answers-forums", "answers-students", "belief", "headlines", "images"}},
      {"STS16", {"answer-answer", "headlines", "plagiarism", "postediting", "question-question"}}};
  return all;
}

/// E5-V's figures from the table "STS tasks" of arXiv:2407.12580.
std::optional<double> published(const std::string& task) {
  static const std::map<std::string, double> figures{{"STS12", 80.03}, {"STS13", 89.94}, {"STS14", 85.67},
                                                     {"STS15", 89.09}, {"STS16", 85.89}, {"STSB", 87.88},
                                                     {"SICKR", 83.51}, {"mean", 86.00}};
  const auto found = figures.find(task);
  return found == figures.end() ? std::nullopt : std::optional(found->second);
}

std::string read_part(const fs::path& file) {
  require(fs::exists(file), "[{}] is missing; {}", file.string(), kStsLayout);
  return read_file(file);
}

/// Calls take with the fields (between tabs) and the number of each line.
template <class Take>
void for_each_line(const fs::path& file, const Take& take) {
  const std::string content = read_part(file);
  const std::string_view text = without_byte_order_mark(content);
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const Record line = line_at(text, begin);
    begin = line.next;
    ++number;
    require(is_valid_utf8(line.bytes), "[{}:{}] is no UTF-8", file.string(), number);
    take(line.bytes, fmt::format("{}:{}", file.string(), number));
  }
}

/// The words of a sentence, separated by one blank.
std::string words_of(std::string_view text) {
  std::string words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n\v\f", at);
    if (begin == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t\r\n\v\f", begin), text.size());
    if (!words.empty()) words += ' ';
    words += text.substr(begin, at - begin);
  }
  return words;
}

/// A correlation needs at least two pairs.
void require_pairs(const StsSet& set, const fs::path& file) {
  require(set.gold.size() >= 2, "[{}] has {} pair{} with a score, expected at least 2", file.string(), set.gold.size(),
          set.gold.size() == 1 ? "" : "s");
}

StsSet read_year(const fs::path& folder, const std::string& source) {
  const fs::path inputs = folder / fmt::format("STS.input.{}.txt", source),
                 golds = folder / fmt::format("STS.gs.{}.txt", source);
  std::vector<std::pair<std::string, std::string>> scores;  // the text of a score and its place
  for_each_line(golds, [&](std::string_view line, const std::string& where) { scores.emplace_back(line, where); });
  StsSet set{source, {}, {}, {}};
  std::size_t index = 0;
  for_each_line(inputs, [&](std::string_view line, const std::string& where) {
    require(index < scores.size(), "[{}] has no score in {}", where, golds.string());
    const auto& [score, score_where] = scores[index++];
    if (score.empty()) return;
    const std::vector<std::string> fields = tsv_fields(line);
    require(fields.size() >= 2, "[{}] has no tab, expected two sentences", where);
    set.first.push_back(words_of(fields[0]));
    set.second.push_back(words_of(fields[1]));
    set.gold.push_back(gold_score(score, score_where));
  });
  require(index == scores.size(), "[{}] has {} scores for {} pairs", golds.string(), scores.size(), index);
  require_pairs(set, golds);
  return set;
}

/// Reads one set from a table with columns for both sentences and the score.
StsSet read_table(const fs::path& file, std::size_t first, std::size_t second, std::size_t score, bool header) {
  StsSet set{"test", {}, {}, {}};
  for_each_line(file, [&](std::string_view line, const std::string& where) {
    if (std::exchange(header, false) || line.empty()) return;
    const std::vector<std::string> fields = tsv_fields(line);
    const std::size_t last = std::max({first, second, score});
    require(fields.size() > last, "[{}] has {} columns, expected at least {}", where, fields.size(), last + 1);
    set.first.push_back(words_of(fields[first]));
    set.second.push_back(words_of(fields[second]));
    set.gold.push_back(gold_score(fields[score], where));
  });
  require_pairs(set, file);
  return set;
}

/// The scores of people and the model's cosines.
ScoredSet score_set(Encoder& encoder, const StsSet& set, const std::string& prompt, const std::string& what) {
  std::vector<Item> items;
  for (const auto* side : {&set.first, &set.second})
    for (const std::string& sentence : *side) items.push_back(ItemMaker::text(sentence));
  const tensor::Tensor vectors = encoder.embed(items, prompt, what);
  const auto width = static_cast<std::size_t>(encoder.width());
  const auto row = [&](std::size_t i) { return vectors.as<float>().subspan(i * width, width); };
  ScoredSet scored{set.name, set.gold, {}};
  for (std::size_t i = 0; i < set.gold.size(); ++i) scored.system.push_back(cosine(row(i), row(set.gold.size() + i)));
  return scored;
}

}  // namespace

const std::vector<std::string>& sts_tasks() {
  static const std::vector<std::string> tasks{"STS12", "STS13", "STS14", "STS15", "STS16", "STSB", "SICKR"};
  return tasks;
}

std::vector<StsSet> read_sts(const fs::path& folder, const std::string& task) {
  require(fs::is_directory(folder), "[{}] is no folder; {}", folder.string(), kStsLayout);
  std::vector<StsSet> sets;
  const auto check = [&] {
    std::vector<double> gold;
    for (const StsSet& set : sets) gold.insert(gold.end(), set.gold.begin(), set.gold.end());
    require_different(gold, fmt::format("{}: {}", folder.string(), task), "scores");
  };
  if (task == "STSB") {
    sets.push_back(read_table(folder / "STS" / "STSBenchmark" / "sts-test.csv", 5, 6, 4, false));
  } else if (task == "SICKR") {
    sets.push_back(read_table(folder / "SICK" / "SICK_test_annotated.txt", 1, 2, 3, true));
  } else {
    const auto found = sources().find(task);
    require(found != sources().end(), "[sts] {} is no task; expected one of {}", in_quotes(task),
            fmt::join(sts_tasks(), ", "));
    for (const std::string& source : found->second)
      sets.push_back(read_year(folder / "STS" / (task + "-en-test"), source));
  }
  check();
  return sets;
}

std::vector<std::vector<StsSet>> read_sts(const fs::path& folder, const std::vector<std::string>& tasks) {
  std::vector<std::vector<StsSet>> sets;
  for (const std::string& task : tasks) sets.push_back(read_sts(folder, task));
  return sets;
}

Result evaluate_sts(Encoder& encoder, const std::vector<std::string>& tasks,
                    const std::vector<std::vector<StsSet>>& sets, const std::string& prompt) {
  Result result{.task = "sts",
                .title = "Semantic textual similarity",
                .unit = "Spearman's correlation x 100, all pairs of a task"};
  double sum = 0;
  std::vector<JudgedPair> pairs;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    std::vector<ScoredSet> scored;
    const std::size_t before = pairs.size();
    for (const StsSet& set : sets[t]) {
      scored.push_back(score_set(encoder, set, prompt, fmt::format("{} {}", tasks[t], set.name)));
      for (std::size_t i = 0; i < set.gold.size(); ++i)
        pairs.push_back({{set.first[i], {}}, {set.second[i], {}}, set.gold[i], scored.back().system[i]});
    }
    place_pairs(std::span(pairs).subspan(before));
    std::vector<double> cosines;
    for (const ScoredSet& set : scored) cosines.insert(cosines.end(), set.system.begin(), set.system.end());
    require_different(cosines, fmt::format("sts, {}", tasks[t]), "model's cosines");
    const double value = 100 * summarise(scored, spearman).all;
    result.figures.push_back({tasks[t], value, published(tasks[t])});
    sum += value;
  }
  const bool whole = tasks == sts_tasks();
  if (tasks.size() > 1) {
    Figure mean{"mean", sum / static_cast<double>(tasks.size()), whole ? published("mean") : std::nullopt};
    mean.headline = true;
    result.figures.push_back(std::move(mean));
  }
  add_judged(result, pairs);
  result.facts = {{"pairs", fmt::format("{}", pairs.size())}, {"prompt", prompt}};
  return result;
}

}  // namespace e5v::eval
