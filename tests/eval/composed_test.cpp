#include "eval/composed.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "api/model.h"
#include "base/error.h"
#include "composed_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(FashionIq, JoinsBothCaptionsInBothOrders) {
  EXPECT_THAT(fashioniq_sentences({"is shiny and silver. ", ", fit and flare?"}),
              ElementsAre("is shiny and silver, fit and flare", "fit and flare, is shiny and silver"));
  EXPECT_THAT(fashioniq_sentences({"a. b", ""}), ElementsAre("a. b, ", ", a. b"));
  EXPECT_THROW(fashioniq_sentences({"one"}), InvalidInput);
}

class Composed : public test::ComposedFolder {
 protected:
  test::TemporaryFolder store_;

  Encoder encoder() const { return {test::tiny_model(), test::encoder_options(), store_.path(), {}}; }

  /// A vector of the plain embedder, not normalised.
  static std::vector<double> vector(const Input& input, const std::string& prompt) {
    test::ModelOptions options = test::quick(prompt);
    options.normalize = false;
    test::Model embedder(test::tiny_model(), options);
    const Embeddings embeddings = embedder.embed(std::vector{input});
    return {embeddings.values.begin(), embeddings.values.end()};
  }
  static double cosine(const std::vector<double>& a, const std::vector<double>& b) {
    const auto dot = [](const std::vector<double>& x, const std::vector<double>& y) {
      return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
    };
    return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
  }
};

TEST_F(Composed, FashionIqSumsBothOrdersBeforeScaling) {
  const ComposedSet set = dress();
  Encoder encoder = this->encoder();
  const Result result = evaluate_fashioniq(encoder, {{"dress", set}});
  EXPECT_EQ(encoder.counts().computed, 5 + 4);  // the gallery, and two sentences a query
  ASSERT_EQ(result.figures.size(), 2u);
  EXPECT_EQ(result.figures[0].name, "dress R@10");
  EXPECT_EQ(result.figures[0].value, 100) << "of five images";
  EXPECT_EQ(result.figures[0].paper, 23.75);
  // The shown order is that of the sum of both sentences' vectors, and the reference may be found.
  for (const Example& example : result.best) {
    const auto query = static_cast<std::size_t>(example.query.image.filename() == "B0.png" ? 0 : 1);
    std::vector<double> sum;
    for (const std::string& sentence : fashioniq_sentences(set.queries[query].captions)) {
      const auto part =
          vector(Input::composed(set.images[static_cast<std::size_t>(set.queries[query].reference)], sentence),
                 "fashioniq-query-dress");
      sum.resize(part.size());
      for (std::size_t d = 0; d < part.size(); ++d) sum[d] += part[d];
    }
    ASSERT_EQ(example.found.size(), 5u);
    for (const Example::Found& found : example.found)
      EXPECT_NEAR(found.score, cosine(sum, vector(Input::from_image(found.candidate.image), "fashioniq-gallery-dress")),
                  1e-5);
  }
}

TEST_F(Composed, CirrLeavesTheReferenceOut) {
  const ComposedSet set = cirr();
  Encoder encoder = this->encoder();
  const Result result = evaluate_cirr(encoder, set);
  ASSERT_EQ(result.figures.size(), 7u);
  EXPECT_EQ(result.figures[1].name, "R@5");
  EXPECT_EQ(result.figures[1].value, 100) << "four candidates are left";
  EXPECT_EQ(result.figures[4].name, "subset R@1");
  EXPECT_EQ(result.figures[5].value, 100) << "two members are left at most";
  for (const Example& example : result.best) {
    EXPECT_EQ(example.found.size(), 4u);
    for (const Example::Found& found : example.found) EXPECT_NE(found.candidate.image, example.query.image);
  }
}

TEST_F(Composed, TiesInTheSubsetCountAgainstTheModel) {
  // The target dev-1 and the other member dev-3 are one image under two names.
  std::filesystem::copy_file(folder_.path() / "dev/dev-1.png", folder_.path() / "dev/dev-3.png",
                             std::filesystem::copy_options::overwrite_existing);
  Encoder encoder = this->encoder();
  const Result result = evaluate_cirr(encoder, cirr());
  ASSERT_EQ(result.figures.size(), 7u);
  EXPECT_EQ(result.figures[4].name, "subset R@1");
  EXPECT_EQ(result.figures[4].value, 50) << "the other query has one member";
  EXPECT_EQ(result.figures[4].optimistic, 100);
  EXPECT_EQ(result.figures[5].value, 100);
  EXPECT_FALSE(result.figures[5].optimistic.has_value());
}

TEST_F(Composed, AModelWithoutComposedVectorsIsRefusedBeforeTheGallery) {
  Encoder encoder(test::golden("ckpt/tiny-clip"), test::encoder_options(), store_.path(), {});
  const ComposedSet dress = this->dress(), cirr = this->cirr();
  expect_refused([&] { evaluate_fashioniq(encoder, {{"dress", dress}}); }, "takes a text or an image, not both");
  expect_refused([&] { evaluate_cirr(encoder, cirr); }, "takes a text or an image, not both");
  expect_refused([&] { submit_cirr(encoder, cirr); }, "takes a text or an image, not both");
  EXPECT_EQ(encoder.counts().computed, 0);
}

TEST_F(Composed, TheSubmissionIsWhatTheServerTakes) {
  ComposedSet set = cirr();
  for (ComposedQuery& query : set.queries) query.target.reset();
  Encoder encoder = this->encoder();
  const CirrSubmission submission = submit_cirr(encoder, set);
  EXPECT_EQ(submission.recall.at("version"), "rc2");
  EXPECT_EQ(submission.recall.at("metric"), "recall");
  EXPECT_EQ(submission.recall_subset.at("metric"), "recall_subset");
  ASSERT_EQ(submission.recall.size(), 4u);
  const auto names = submission.recall.at("11").get<std::vector<std::string>>();
  EXPECT_EQ(names.size(), 4u);
  EXPECT_EQ(std::ranges::count(names, "dev-0"), 0) << "the reference";
  EXPECT_THAT(submission.recall_subset.at("12"), ElementsAre("dev-2"));
  EXPECT_THAT(submission.recall_subset.at("11"), testing::SizeIs(2));
  // By falling cosine.
  const auto query = vector(Input::composed(folder_.path() / "dev/dev-0.png", "add a dog"), "cirr-query");
  double before = 2;
  for (const std::string& name : names) {
    const double score =
        cosine(query, vector(Input::from_image(folder_.path() / "dev" / (name + ".png")), "cirr-gallery"));
    EXPECT_LE(score, before + 1e-6);
    before = score;
  }
  EXPECT_THROW(evaluate_cirr(encoder, set), InvalidInput) << "no targets";
}

TEST_F(Composed, OfCirrsSubsetsThoseCountThatAreWhole) {
  std::filesystem::remove(folder_.path() / "dev/dev-3.png");
  const ComposedSet set = cirr("val", ImageNeed::existing);
  EXPECT_THAT(set.names, ElementsAre("dev-0", "dev-1", "dev-2", "dev-4"));
  ASSERT_EQ(set.queries.size(), 2u);
  EXPECT_THAT(set.queries[0].members, ElementsAre()) << "without dev-3 its subset would be easier";
  EXPECT_EQ(set.names[static_cast<std::size_t>(set.queries[1].members.at(0))], "dev-2");
  EXPECT_EQ(set.names[static_cast<std::size_t>(set.queries[1].reference)], "dev-4");
  Encoder encoder = this->encoder();
  EXPECT_EQ(evaluate_cirr(encoder, set).figures.size(), 7u);
  std::filesystem::remove(folder_.path() / "dev/dev-2.png");
  const ComposedSet one = cirr("val", ImageNeed::existing);
  ASSERT_EQ(one.queries.size(), 1u);
  EXPECT_EQ(one.left_out, 1u);
  EXPECT_EQ(evaluate_cirr(encoder, one).figures.size(), 4u) << "no subset is whole";
}

}  // namespace
}  // namespace e5v::eval
