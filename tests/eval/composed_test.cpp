#include "eval/composed.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "api/model.h"
#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"
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

/// Data sets of five images that the goldens have, in the official layout.
class Composed : public testing::Test {
 protected:
  test::TemporaryFolder folder_, store_;

  Composed() {
    for (const char* name : {"captions", "image_splits", "images", "dev"})
      std::filesystem::create_directory(folder_.path() / name);
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(test::golden("images")))
      if (entry.path().extension() == ".png" && entry.file_size() < 200000) found.push_back(entry.path());
    std::ranges::sort(found);
    require(found.size() >= 5, "[test] {} small images", found.size());
    for (int i = 0; i < 5; ++i) {
      std::filesystem::copy_file(found[static_cast<std::size_t>(i)],
                                 folder_.path() / "images" / fmt::format("B{}.png", i));
      std::filesystem::copy_file(found[static_cast<std::size_t>(i)],
                                 folder_.path() / "dev" / fmt::format("dev-{}.png", i));
    }
    folder_.write("image_splits/split.dress.val.json", R"(["B0", "B1", "B2", "B3", "B4"])");
    folder_.write("captions/cap.dress.val.json", R"([
      {"target": "B1", "candidate": "B0", "captions": ["is red", "longer."]},
      {"target": "B3", "candidate": "B2", "captions": ["blue?", "no sleeves"]}])");
    folder_.write("image_splits/split.rc2.val.json", R"({"dev-0": "./dev/dev-0.png", "dev-1": "./dev/dev-1.png",
      "dev-2": "./dev/dev-2.png", "dev-3": "./dev/dev-3.png", "dev-4": "./dev/dev-4.png"})");
    folder_.write("captions/cap.rc2.val.json", R"([
      {"pairid": 11, "reference": "dev-0", "target_hard": "dev-1", "target_soft": {"dev-1": 1.0}, "caption": "add a dog",
       "img_set": {"id": 1, "members": ["dev-0", "dev-1", "dev-3"]}},
      {"pairid": 12, "reference": "dev-4", "target_hard": "dev-2", "caption": "in winter",
       "img_set": {"id": 2, "members": ["dev-2", "dev-4"]}}])");
  }

  using Categories = std::vector<std::pair<std::string, ComposedSet>>;
  Categories fashioniq(const std::vector<std::string>& categories, ImageNeed need = ImageNeed::all) const {
    ImageFiles files(need);
    return read_fashioniq(folder_.path(), {}, categories, "val", files);
  }
  ComposedSet dress() const { return fashioniq({"dress"})[0].second; }
  ComposedSet cirr(const std::string& split = "val", ImageNeed need = ImageNeed::all) const {
    ImageFiles files(need);
    return read_cirr(folder_.path(), {}, split, files);
  }

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
  template <class Read>
  static void expect_refused(const Read& read, const std::string& part) {
    try {
      read();
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
};

TEST_F(Composed, ReadsFashionIq) {
  const ComposedSet set = dress();
  EXPECT_THAT(set.names, ElementsAre("B0", "B1", "B2", "B3", "B4"));
  ASSERT_EQ(set.queries.size(), 2u);
  EXPECT_EQ(set.queries[1].reference, 2);
  EXPECT_EQ(set.queries[1].target, 3);
  EXPECT_THAT(set.queries[1].captions, ElementsAre("blue?", "no sleeves"));
}

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

TEST_F(Composed, ReadsCirr) {
  const ComposedSet set = cirr();
  ASSERT_EQ(set.names.size(), 5u);
  ASSERT_EQ(set.queries.size(), 2u);
  EXPECT_EQ(set.queries[0].id, 11);
  EXPECT_EQ(set.names[static_cast<std::size_t>(*set.queries[0].target)], "dev-1");
  ASSERT_EQ(set.queries[0].members.size(), 2u) << "without the reference";
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

TEST_F(Composed, TargetsAreThereOfAllQueriesOrOfNone) {
  folder_.write("captions/cap.dress.val.json", R"([
    {"target": "B1", "candidate": "B0", "captions": ["is red", "longer."]},
    {"candidate": "B2", "captions": ["blue?", "no sleeves"]}])");
  expect_refused([&] { dress(); },
                 "cap.dress.val.json[1]] has no \"target\": FashionIQ does not publish the targets of its test split");
  const std::string one = R"({"pairid": 1, "reference": "dev-0", "caption": "x", "img_set": {"members": []}})";
  const std::string two = R"({"pairid": 2, "reference": "dev-0", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + two + "]");
  EXPECT_FALSE(cirr().queries[1].target.has_value());
  const std::string other =
      R"({"pairid": 2, "reference": "dev-0", "target_hard": "dev-1", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + other + "]");
  expect_refused([&] { cirr(); }, "cap.rc2.val.json] 1 of 2 queries have a target, expected all or none");
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

TEST_F(Composed, AllThatIsMissingIsNamedAtOnceOrLeftOut) {
  folder_.write("image_splits/split.shirt.val.json", R"(["B0", "S1"])");
  folder_.write("captions/cap.shirt.val.json", R"([{"target": "B0", "candidate": "B0", "captions": ["a", "b"]}])");
  std::filesystem::remove(folder_.path() / "images/B3.png");
  folder_.write("images/B4.jpg", "<!DOCTYPE html>");  // what an address that is dead gives
  const auto file = [&](const char* name) { return (folder_.path() / "images" / name).string(); };
  expect_refused(
      [&] {
        fashioniq({"shirt", "dress"});
      },
      "3 of 6 images are missing: " + file("S1.jpg") + " does not exist, " + file("B3.jpg") + " does not exist, " +
          file("B4.jpg") + " is no JPEG, PNG or WebP file; expected FashionIQ's folder");
  const Categories sets = fashioniq({"shirt", "dress"}, ImageNeed::existing);
  EXPECT_THAT(sets[0].second.names, ElementsAre("B0"));
  EXPECT_EQ(sets[0].second.left_out, 0u);
  const ComposedSet& dress = sets[1].second;
  EXPECT_THAT(dress.names, ElementsAre("B0", "B1", "B2"));
  ASSERT_EQ(dress.queries.size(), 1u) << "the target of the other one is missing";
  EXPECT_EQ(dress.left_out, 1u);
  EXPECT_EQ(dress.queries[0].reference, 0);
  EXPECT_EQ(dress.queries[0].target, 1);
  folder_.write("image_splits/split.shirt.val.json", "[\"B0\", \"" + std::string(300, 'x') + "\"]");
  expect_refused([&] { fashioniq({"shirt"}); }, "xxx.jpg does not exist");
  std::filesystem::remove(folder_.path() / "images/B1.png");
  expect_refused([&] { fashioniq({"dress"}, ImageNeed::existing); },
                 "cap.dress.val.json] every query needs an image that is missing");
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

TEST_F(Composed, CirrsQueriesDiffer) {
  const std::string one =
      R"({"pairid": 1, "reference": "dev-0", "target_hard": "dev-1", "caption": "x", "img_set": {"members": []}})";
  folder_.write("captions/cap.rc2.val.json", "[" + one + ", " + one + "]");
  expect_refused([&] { cirr(); }, "cap.rc2.val.json[1]] has the pairid 1, which an earlier query has");
  folder_.write(
      "captions/cap.rc2.val.json",
      R"([{"pairid": 1, "reference": "dev-0", "target_hard": "dev-0", "caption": "x", "img_set": {"members": []}}])");
  expect_refused([&] { cirr(); }, "has the reference \"dev-0\" as its target, which is not in the gallery");
}

TEST_F(Composed, RefusesWhatIsMissingOrWrong) {
  const auto path = folder_.path();
  expect_refused([&] { fashioniq({"shirt"}); }, "cap.shirt.val.json] is missing; expected FashionIQ's folder");
  expect_refused([&] { cirr("test1"); }, "cap.rc2.test1.json] is missing; expected CIRR's folder");
  std::filesystem::remove(path / "images" / "B4.png");
  expect_refused([&] { dress(); },
                 "1 of 5 images is missing: " + (path / "images/B4.jpg").string() + " does not exist; expected ");
  std::filesystem::remove(path / "dev" / "dev-3.png");
  expect_refused([&] { cirr(); }, "1 of 5 images is missing: " + (path / "dev/dev-3.png").string());
  folder_.write("image_splits/split.rc2.val.json", R"({"dev-0": "./dev/dev-0.png"})");
  expect_refused([&] { cirr(); }, "dev-1");
  folder_.write("image_splits/split.rc2.val.json", R"([1])");
  expect_refused([&] { cirr(); }, "no object");
  folder_.write("captions/cap.dress.val.json", R"([{"candidate": "B0"}])");
  folder_.write("image_splits/split.dress.val.json", R"(["B0"])");
  expect_refused([&] { dress(); }, "cap.dress.val.json[0]] is no query");
  folder_.write("captions/cap.dress.val.json", "[]");
  expect_refused([&] { dress(); }, "no list of queries");
}

}  // namespace
}  // namespace e5v::eval
