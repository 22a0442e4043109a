#include "eval/retrieval.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "eval/examples.h"
#include "eval/recalls.h"

namespace e5v::eval {
namespace {

/// Recall at 1, 5, 10 from text to image and from image to text: tables of arXiv:2407.12580, for captions as text and
/// for captions that are drawn.
const std::array<double, 6>* published(const RetrievalOptions& options) {
  using Figures = std::map<std::string, std::array<double, 6>>;
  static const Figures written{{"flickr30k", {79.5, 95.0, 97.6, 88.2, 98.7, 99.4}},
                               {"coco", {52.0, 76.5, 84.7, 62.0, 83.6, 89.7}}};
  static const Figures drawn{{"flickr30k", {67.8, 89.2, 93.6, 79.5, 95.2, 97.8}},
                             {"coco", {41.2, 66.7, 76.2, 51.6, 76.8, 84.9}}};
  const Figures& figures = options.painter ? drawn : written;
  const auto found = figures.find(options.name);
  return found == figures.end() ? nullptr : &found->second;
}

}  // namespace

CaptionedSet CaptionedSet::of(const std::vector<CaptionedImage>& list) {
  CaptionedSet set;
  for (const CaptionedImage& entry : list) {
    for (const std::string& caption : entry.captions) {
      set.image_of_text.push_back(static_cast<std::int64_t>(set.images.size()));
      set.texts.push_back(caption);
    }
    set.images.push_back(entry.image);
  }
  return set;
}

vectors::Relation CaptionedSet::relation() const {
  vectors::Relation relation;
  for (std::size_t i = 0; i < image_of_text.size(); ++i)
    relation.positives.push_back({static_cast<std::int64_t>(i), image_of_text[i]});
  return relation;
}

Result retrieval_result(const CaptionedSet& set, const RetrievalVectors& vectors, const RetrievalOptions& options) {
  require(vectors.texts_TD.rows == static_cast<std::int64_t>(set.texts.size()) &&
              vectors.images_ID.rows == static_cast<std::int64_t>(set.images.size()),
          "[retrieval] {} text and {} image vectors for {} captions and {} images", vectors.texts_TD.rows,
          vectors.images_ID.rows, set.texts.size(), set.images.size());
  Result result{.task = options.painter ? "retrieval of rendered text" : "retrieval",
                .title = fmt::format("Retrieval, {}{}", options.name, options.painter ? ", rendered captions" : ""),
                .unit = "recall x 100"};
  result.facts = {{"images", fmt::format("{}", set.images.size())}, {"captions", fmt::format("{}", set.texts.size())}};
  const vectors::VectorScores scores(vectors.texts_TD, vectors.images_ID);
  const vectors::Relation relation = set.relation();
  const vectors::Ranking ranking = vectors::rank_positives(scores, relation);
  const std::array<double, 6>* figures = published(options);
  const auto paper = figures == nullptr ? std::span<const double>() : std::span<const double>(*figures);
  add_recalls(result, "text to image", ranking.of_queries, paper.first(paper.size() / 2));
  add_recalls(result, "image to text", ranking.of_candidates, paper.last(paper.size() / 2));
  add_examples(result, scores, relation, ranking.of_queries,
               {[&](std::int64_t i) {
                  return Shown{set.texts[static_cast<std::size_t>(i)], {}};
                },
                [&](std::int64_t i) {
                  return Shown{"", set.images[static_cast<std::size_t>(i)]};
                }});
  return result;
}

Result evaluate_retrieval(Encoder& encoder, const std::vector<CaptionedImage>& data, const RetrievalOptions& options) {
  const CaptionedSet set = CaptionedSet::of(data);
  ItemMaker maker;
  std::vector<Item> images, texts;
  for (const std::filesystem::path& image : set.images) images.push_back(maker.image(image));
  for (const std::string& text : set.texts)
    texts.push_back(options.painter ? options.painter(text) : ItemMaker::text(text));
  const std::string& text_prompt = options.painter ? options.image_prompt : options.text_prompt;
  const tensor::Tensor text_vectors =
      encoder.embed(texts, text_prompt, options.painter ? "rendered captions" : "captions");
  const tensor::Tensor image_vectors = encoder.embed(images, options.image_prompt, "images");
  normalize(text_vectors);
  normalize(image_vectors);
  Result result =
      retrieval_result(set, {tensor::matrix_of(text_vectors.view()), tensor::matrix_of(image_vectors.view())}, options);
  result.facts.emplace_back("prompts", text_prompt == options.image_prompt
                                           ? options.image_prompt
                                           : fmt::format("{}, {}", text_prompt, options.image_prompt));
  return result;
}

}  // namespace e5v::eval
