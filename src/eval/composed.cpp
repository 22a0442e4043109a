#include "eval/composed.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "eval/examples.h"
#include "vectors/ranking.h"
#include "vectors/top_k.h"

namespace e5v::eval {
namespace {

/// FashionIQ's R@10 and R@50 from the table in arXiv:2407.12580.
std::array<double, 2> published_fashioniq(const std::string& category) {
  static const std::map<std::string, std::array<double, 2>> figures{
      {"shirt", {36.36, 56.43}}, {"dress", {23.75, 47.45}}, {"toptee", {35.29, 57.47}}, {"mean", {31.80, 53.78}}};
  return figures.at(category);
}

/// Vectors of a gallery and its queries, of length 1.
struct Vectors {
  tensor::Tensor queries, gallery;

  vectors::VectorScores scores() const {
    return {tensor::matrix_of(queries.view()), tensor::matrix_of(gallery.view())};
  }
};

/// A query's vector is the sum of the vectors of its sentences, scaled to length 1. The prompt is
/// checked first, so that a model without such queries is refused before anything is embedded.
Vectors embed(Encoder& encoder, const ComposedSet& set, const std::string& query_prompt,
              const std::string& gallery_prompt, const std::string& what,
              std::vector<std::string> (*sentences)(const std::vector<std::string>&)) {
  encoder.check_prompt(query_prompt);
  ItemMaker maker;
  std::vector<Item> gallery, queries;
  for (const std::filesystem::path& image : set.images) gallery.push_back(maker.image(image));
  std::vector<std::size_t> counts;
  for (const ComposedQuery& query : set.queries) {
    const std::vector<std::string> texts = sentences(query.captions);
    for (const std::string& text : texts)
      queries.push_back(maker.composed(set.images[static_cast<std::size_t>(query.reference)], text));
    counts.push_back(texts.size());
  }
  Vectors result;
  result.gallery = encoder.embed(gallery, gallery_prompt, what + " gallery");
  const tensor::Tensor parts = encoder.embed(queries, query_prompt, what + " queries");
  const auto width = static_cast<std::size_t>(encoder.width());
  result.queries = tensor::Tensor(tensor::DType::f32, {static_cast<std::int64_t>(counts.size()), encoder.width()});
  const std::span<float> sums = result.queries.as<float>(), rows = parts.as<float>();
  std::ranges::fill(sums, 0.0f);
  for (std::size_t q = 0, part = 0; q < counts.size(); ++q) {
    for (std::size_t i = 0; i < counts[q]; ++i, ++part)
      for (std::size_t d = 0; d < width; ++d) sums[q * width + d] += rows[part * width + d];
  }
  normalize(result.queries);
  normalize(result.gallery);
  return result;
}

vectors::Relation targets(const ComposedSet& set, bool without_reference) {
  vectors::Relation relation;
  for (std::size_t q = 0; q < set.queries.size(); ++q) {
    const ComposedQuery& query = set.queries[q];
    const auto index = static_cast<std::int64_t>(q);
    require(query.target.has_value(), "[composed] query {} has no target, so its recall is undefined", query.id);
    relation.positives.push_back({index, *query.target});
    if (without_reference) relation.excluded.push_back({index, query.reference});
  }
  return relation;
}

Figure recall_figure(const std::string& name, std::span<const std::optional<vectors::Rank>> ranks, std::int64_t k) {
  const vectors::Recall recall = vectors::recall_at(ranks, k);
  Figure figure{fmt::format("{}R@{}", name, k), 100 * recall.pessimistic};
  if (recall.optimistic != recall.pessimistic) figure.optimistic = 100 * recall.optimistic;
  return figure;
}

void add_composed_examples(Result& result, const ComposedSet& set, const vectors::ExactScores& scores,
                           const vectors::Relation& relation, std::span<const std::optional<vectors::Rank>> ranks,
                           std::size_t count) {
  const auto image = [&](std::int64_t i) { return set.images[static_cast<std::size_t>(i)]; };
  Result own;
  add_examples(own, scores, relation, ranks,
               {[&](std::int64_t i) {
                  const ComposedQuery& query = set.queries[static_cast<std::size_t>(i)];
                  return Shown{fmt::format("{}", fmt::join(query.captions, "; ")), image(query.reference)};
                },
                [&](std::int64_t i) {
                  return Shown{"", image(i)};
                }},
               count);
  std::ranges::move(own.best, std::back_inserter(result.best));
  std::ranges::move(own.worst, std::back_inserter(result.worst));
}

double similarity(const Vectors& vectors, std::int64_t query, std::int64_t image) {
  const tensor::Matrix queries = tensor::matrix_of(vectors.queries), gallery = tensor::matrix_of(vectors.gallery);
  const float *a = queries.row<float>(query), *b = gallery.row<float>(image);
  double sum = 0;
  for (std::int64_t d = 0; d < queries.columns; ++d) sum += double{a[d]} * b[d];
  return sum;
}

/// A query's members, ordered by descending similarity.
std::vector<std::int64_t> ordered_members(const Vectors& vectors, const ComposedQuery& query, std::int64_t index) {
  std::vector<std::int64_t> members = query.members;
  std::ranges::stable_sort(members, std::greater(),
                           [&](std::int64_t member) { return similarity(vectors, index, member); });
  return members;
}

/// The rank of the target among a query's members; nothing for a query without members.
std::optional<vectors::Rank> rank_in_subset(const Vectors& vectors, const ComposedQuery& query, std::int64_t index) {
  if (query.members.empty()) return std::nullopt;
  const double score = similarity(vectors, index, *query.target);
  vectors::Rank rank;
  for (const std::int64_t member : query.members) {
    if (member == *query.target) continue;
    const double other = similarity(vectors, index, member);
    rank.best += other > score, rank.worst += other >= score;
  }
  return rank;
}

Vectors embed_cirr(Encoder& encoder, const ComposedSet& set) {
  return embed(encoder, set, "cirr-query", "cirr-gallery", "CIRR",
               [](const std::vector<std::string>& captions) { return captions; });
}

}  // namespace

const std::vector<std::string>& fashioniq_categories() {
  static const std::vector<std::string> categories{"shirt", "dress", "toptee"};
  return categories;
}

std::vector<std::string> fashioniq_sentences(const std::vector<std::string>& captions) {
  const auto stripped = [](std::string_view text) {
    constexpr std::string_view kEnds = ".?, ";
    const std::size_t begin = text.find_first_not_of(kEnds);
    return begin == std::string_view::npos ? std::string_view()
                                           : text.substr(begin, text.find_last_not_of(kEnds) - begin + 1);
  };
  require(captions.size() == 2, "[fashioniq] a query has {} captions, expected 2", captions.size());
  const std::string_view first = stripped(captions[0]), second = stripped(captions[1]);
  return {fmt::format("{}, {}", first, second), fmt::format("{}, {}", second, first)};
}

Result evaluate_fashioniq(Encoder& encoder, const std::vector<std::pair<std::string, ComposedSet>>& sets) {
  Result result{.task = "fashioniq", .title = "FashionIQ", .unit = "recall x 100"};
  std::array<double, 2> sums{};
  std::size_t queries = 0, images = 0;
  constexpr std::array<std::int64_t, 2> kDepths{10, 50};
  for (const auto& [category, set] : sets) {
    const Vectors vectors = embed(encoder, set, "fashioniq-query-" + category, "fashioniq-gallery-" + category,
                                  category, fashioniq_sentences);
    const vectors::Relation relation = targets(set, false);
    const vectors::VectorScores scores = vectors.scores();
    const vectors::Ranking ranking = vectors::rank_positives(scores, relation);
    for (std::size_t i = 0; i < kDepths.size(); ++i) {
      Figure figure = recall_figure(category + " ", ranking.of_queries, kDepths[i]);
      figure.paper = published_fashioniq(category)[i];
      sums[i] += figure.value;
      result.figures.push_back(std::move(figure));
    }
    add_composed_examples(result, set, scores, relation, ranking.of_queries, 3);
    queries += set.queries.size(), images += set.images.size();
  }
  for (std::size_t i = 0; i < kDepths.size() && sets.size() > 1; ++i) {
    Figure figure{fmt::format("mean R@{}", kDepths[i]), sums[i] / static_cast<double>(sets.size())};
    if (sets.size() == fashioniq_categories().size()) figure.paper = published_fashioniq("mean")[i];
    figure.headline = true;
    result.figures.push_back(std::move(figure));
  }
  result.facts = {{"queries", fmt::format("{}", queries)}, {"images", fmt::format("{}", images)}};
  return result;
}

Result evaluate_cirr(Encoder& encoder, const ComposedSet& set) {
  const Vectors vectors = embed_cirr(encoder, set);
  const vectors::Relation relation = targets(set, true);
  const vectors::VectorScores scores = vectors.scores();
  const vectors::Ranking ranking = vectors::rank_positives(scores, relation);
  Result result{.task = "cirr", .title = "CIRR", .unit = "recall x 100, reference image excluded"};
  for (const std::int64_t k : {1, 5, 10, 50}) result.figures.push_back(recall_figure("", ranking.of_queries, k));
  std::vector<std::optional<vectors::Rank>> in_subset;
  for (std::size_t q = 0; q < set.queries.size(); ++q)
    in_subset.push_back(rank_in_subset(vectors, set.queries[q], static_cast<std::int64_t>(q)));
  if (std::ranges::any_of(in_subset, [](const std::optional<vectors::Rank>& rank) { return rank.has_value(); }))
    for (const std::int64_t k : {1, 2, 3}) result.figures.push_back(recall_figure("subset ", in_subset, k));
  add_composed_examples(result, set, scores, relation, ranking.of_queries, 6);
  result.facts = {{"queries", fmt::format("{}", set.queries.size())},
                  {"images", fmt::format("{}", set.images.size())},
                  {"the paper, on test1", "R@1 33.90, R@5 64.12, R@10 75.88, R@50 93.54"}};
  return result;
}

CirrSubmission submit_cirr(Encoder& encoder, const ComposedSet& set) {
  const Vectors vectors = embed_cirr(encoder, set);
  std::vector<vectors::Match> references;
  for (std::size_t q = 0; q < set.queries.size(); ++q)
    references.push_back({static_cast<std::int64_t>(q), set.queries[q].reference});
  const auto lists = vectors::top_k(vectors.scores(), 50, references);
  CirrSubmission submission{{{"version", "rc2"}, {"metric", "recall"}},
                            {{"version", "rc2"}, {"metric", "recall_subset"}}};
  for (std::size_t q = 0; q < set.queries.size(); ++q) {
    const ComposedQuery& query = set.queries[q];
    Json& names = submission.recall[std::to_string(query.id)] = Json::array();
    for (const vectors::Neighbour& n : lists[q]) names.push_back(set.names[static_cast<std::size_t>(n.candidate)]);
    Json& subset = submission.recall_subset[std::to_string(query.id)] = Json::array();
    const auto order = ordered_members(vectors, query, static_cast<std::int64_t>(q));
    for (std::size_t i = 0; i < std::min<std::size_t>(3, order.size()); ++i)
      subset.push_back(set.names[static_cast<std::size_t>(order[i])]);
  }
  return submission;
}

}  // namespace e5v::eval
