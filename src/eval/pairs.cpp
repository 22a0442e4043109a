#include "eval/pairs.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "eval/correlation.h"
#include "eval/examples.h"
#include "eval/judged.h"
#include "eval/recalls.h"
#include "vectors/ranking.h"

namespace e5v::eval {
namespace {

/// The distinct halves of one side, and the half of each pair.
struct Side {
  std::vector<Shown> shown;
  std::vector<Item> items;
  std::vector<std::size_t> of_pair;

  static Side of(const std::vector<OwnPair>& pairs, Shown OwnPair::*half) {
    Side side;
    ItemMaker maker;
    std::map<Hash128, std::size_t> places;
    for (const OwnPair& pair : pairs) {
      const Shown& shown = pair.*half;
      Item item = shown.image.empty()  ? ItemMaker::text(shown.text)
                  : shown.text.empty() ? maker.image(shown.image)
                                       : maker.composed(shown.image, shown.text);
      const auto [place, is_new] = places.try_emplace(item.key, side.items.size());
      side.of_pair.push_back(place->second);
      if (!is_new) continue;
      side.items.push_back(std::move(item));
      side.shown.push_back(shown);
    }
    return side;
  }
};

const std::string& prompt_of(const Shown& shown, const PairOptions& options) {
  if (shown.image.empty()) return options.text_prompt;
  return shown.text.empty() ? options.image_prompt : options.composed_prompt;
}

/// Vectors of length 1. The prompt depends on the kind of the half.
tensor::Tensor embed(Encoder& encoder, const Side& side, const PairOptions& options, const std::string& what) {
  const std::int64_t width = encoder.width();
  tensor::Tensor vectors(tensor::DType::f32, {std::ssize(side.items), width});
  std::map<std::string, std::vector<std::size_t>> by_prompt;
  for (std::size_t i = 0; i < side.items.size(); ++i) by_prompt[prompt_of(side.shown[i], options)].push_back(i);
  for (const auto& [prompt, rows] : by_prompt) {
    std::vector<Item> items;
    for (const std::size_t i : rows) items.push_back(side.items[i]);
    const tensor::Tensor part = encoder.embed(items, prompt, what);
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::ranges::copy(part.as<float>().subspan(i * static_cast<std::size_t>(width), static_cast<std::size_t>(width)),
                        vectors.as<float>().subspan(rows[i] * static_cast<std::size_t>(width)).begin());
  }
  normalize(vectors);
  return vectors;
}

void add_correlations(Result& result, const std::vector<OwnPair>& pairs, const std::vector<double>& cosines) {
  std::vector<double> gold;
  std::vector<JudgedPair> judged;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    gold.push_back(*pairs[i].score);
    judged.push_back({pairs[i].first, pairs[i].second, gold[i], cosines[i]});
  }
  require_different(cosines, result.title, "model's cosines");
  result.unit = "correlation with the scores x 100";
  result.figures = {{"Spearman", 100 * spearman(gold, cosines)}, {"Pearson", 100 * pearson(gold, cosines)}};
  place_pairs(judged);
  add_judged(result, judged);
}

}  // namespace

Result evaluate_pairs(Encoder& encoder, const std::vector<OwnPair>& pairs, const PairOptions& options) {
  const Side first = Side::of(pairs, &OwnPair::first), second = Side::of(pairs, &OwnPair::second);
  const tensor::Tensor a = embed(encoder, first, options, "first halves"),
                       b = embed(encoder, second, options, "second halves");
  Result result{.task = "pairs", .title = "Pairs, " + options.name, .unit = "recall x 100"};
  result.facts = {{"pairs", fmt::format("{}", pairs.size())},
                  {"different halves", fmt::format("{}, {}", first.items.size(), second.items.size())}};
  if (pairs.front().score) {
    const auto width = static_cast<std::size_t>(encoder.width());
    std::vector<double> cosines;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      cosines.push_back(cosine(a.as<float>().subspan(first.of_pair[i] * width, width),
                               b.as<float>().subspan(second.of_pair[i] * width, width)));
    add_correlations(result, pairs, cosines);
    return result;
  }
  vectors::Relation relation;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    relation.positives.push_back(
        {static_cast<std::int64_t>(first.of_pair[i]), static_cast<std::int64_t>(second.of_pair[i])});
  const vectors::VectorScores scores(tensor::matrix_of(a.view()), tensor::matrix_of(b.view()));
  const vectors::Ranking ranking = vectors::rank_positives(scores, relation);
  add_recalls(result, "first to second", ranking.of_queries);
  add_recalls(result, "second to first", ranking.of_candidates);
  add_examples(result, scores, relation, ranking.of_queries,
               {[&](std::int64_t i) { return first.shown[static_cast<std::size_t>(i)]; },
                [&](std::int64_t i) { return second.shown[static_cast<std::size_t>(i)]; }});
  return result;
}

}  // namespace e5v::eval
