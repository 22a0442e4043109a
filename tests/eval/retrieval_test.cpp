#include "eval/retrieval.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

tensor::Tensor rows(const std::vector<float>& values, std::int64_t width) {
  return tensor::Tensor::from<float>(values, {static_cast<std::int64_t>(values.size()) / width, width});
}
tensor::ConstMatrix vectors_of(const tensor::Tensor& tensor) { return tensor::matrix_of(tensor.view()); }

/// Three images; the first has two captions.
const CaptionedSet kSet = CaptionedSet::of({{"a", {"a1", "a2"}}, {"b", {"b1"}}, {"c", {"c1"}}});

TEST(Retrieval, CountsBothDirections) {
  const tensor::Tensor images = rows({1, 0, 0, 0, 1, 0, 0, 0, 1}, 3);
  // a1 finds a, a2 finds b first, b1 finds b, c1 finds a first and c last.
  const tensor::Tensor texts = rows({1, 0, 0, 0.5f, 0.8f, 0, 0, 1, 0.2f, 0.9f, 0.2f, 0.1f}, 3);
  const Result result = retrieval_result(kSet, {vectors_of(texts), vectors_of(images)}, {.name = "made"});
  ASSERT_EQ(result.figures.size(), 6u);
  EXPECT_EQ(result.figures[0].name, "text to image R@1");
  EXPECT_NEAR(result.figures[0].value, 50, 1e-9);
  EXPECT_NEAR(result.figures[1].value, 100, 1e-9);
  EXPECT_EQ(result.figures[3].name, "image to text R@1");
  EXPECT_NEAR(result.figures[3].value, 200.0 / 3, 1e-4);  // c is found by b1 before c1
  EXPECT_FALSE(result.figures[0].paper.has_value());
  ASSERT_EQ(result.worst.size(), 4u);
  EXPECT_EQ(result.worst[0].query.text, "c1");
  EXPECT_EQ(result.worst[0].rank, 3);
  EXPECT_EQ(result.worst[0].found.at(0).candidate.image, "a");
  EXPECT_FALSE(result.worst[0].found.at(0).right);
  EXPECT_TRUE(result.worst[0].found.at(2).right);
  EXPECT_EQ(result.best[0].query.text, "a1");
  EXPECT_EQ(result.best[0].rank, 1);
}

TEST(Retrieval, PublishedFiguresStandBesideTheirDataSetAlone) {
  const tensor::Tensor images = rows({1, 0, 0, 0, 1, 0, 0, 0, 1}, 3), texts = rows(std::vector<float>(12, 1), 3);
  const RetrievalVectors vectors{vectors_of(texts), vectors_of(images)};
  EXPECT_EQ(retrieval_result(kSet, vectors, {.name = "coco"}).figures[0].paper, 52.0);
  EXPECT_EQ(retrieval_result(kSet, vectors, {.name = "flickr30k"}).figures[3].paper, 88.2);
  EXPECT_FALSE(retrieval_result(kSet, vectors, {.name = "mine"}).figures[0].paper.has_value());
  EXPECT_TRUE(retrieval_result(kSet, vectors, {.name = "mine"}).figures[0].optimistic.has_value()) << "all are ties";
}

TEST(Retrieval, RefusesVectorsOfOtherLists) {
  const tensor::Tensor images = rows({1, 0, 0, 0, 1, 0}, 3), texts = rows(std::vector<float>(12, 1), 3);
  EXPECT_THROW(retrieval_result(kSet, {vectors_of(texts), vectors_of(images)}, {}), InvalidInput);
}

TEST(Retrieval, AModelFindsImagesByThemselves) {
  // Captions drawn by a painter that returns the image itself are found at once: the whole path, without chance.
  std::vector<CaptionedImage> data;
  for (const auto& entry : std::filesystem::directory_iterator(test::golden("images"))) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("img0") && std::filesystem::file_size(entry) < 300000)
      data.push_back({entry.path(), {entry.path().string()}});
  }
  ASSERT_GE(data.size(), 5u);
  test::TemporaryFolder store;
  Encoder encoder(test::tiny_model(), test::encoder_options(), store.path(), {});
  ItemMaker maker;
  RetrievalOptions options{.name = "coco"};
  options.painter = [&](const std::string& text) { return maker.image(text); };
  const Result result = evaluate_retrieval(encoder, data, options);
  EXPECT_EQ(encoder.counts().computed, static_cast<std::int64_t>(data.size()));
  EXPECT_NEAR(result.figures[0].optimistic.value_or(result.figures[0].value), 100, 1e-9);
  EXPECT_EQ(result.figures[0].paper, 41.2) << "the paper's result for rendered captions";
}

TEST(Retrieval, DrawnCaptionsAreEmbeddedAsTheirImages) {
  const auto painter =
      std::make_shared<const drawing::TextPainter>(drawing::TextImageOptions{.width = 400, .height = 200});
  test::TemporaryFolder store;
  Encoder encoder(test::tiny_model(), test::encoder_options(), store.path(), {});
  const std::array<std::string, 3> captions{"A dog sitting in the grass.", "naïve café", ""};
  std::vector<Item> drawn, shown;
  for (const std::string& caption : captions) {
    drawn.push_back(ItemMaker::drawn(painter, caption));
    const Pixels pixels = painter->paint(caption);
    shown.push_back(
        {Hasher().add(std::as_bytes(std::span(pixels.rgb))).digest(), [pixels] { return Input::from_image(pixels); }});
  }
  const tensor::Tensor one = encoder.embed(drawn, "image", ""), other = encoder.embed(shown, "image", "");
  EXPECT_EQ(encoder.counts().computed, 6);
  for (std::size_t i = 0; i < one.as<float>().size(); ++i) EXPECT_NEAR(one.as<float>()[i], other.as<float>()[i], 1e-5);
  // The key is of the caption and the painter, whichever object that is.
  const auto same = std::make_shared<const drawing::TextPainter>(painter->options());
  const auto wider =
      std::make_shared<const drawing::TextPainter>(drawing::TextImageOptions{.width = 401, .height = 200});
  EXPECT_EQ(ItemMaker::drawn(same, captions[0]).key, drawn[0].key);
  EXPECT_NE(ItemMaker::drawn(wider, captions[0]).key, drawn[0].key);
  EXPECT_NE(ItemMaker::drawn(same, captions[1]).key, drawn[0].key);
  EXPECT_NE(ItemMaker::text(captions[0]).key, drawn[0].key);
}

}  // namespace
}  // namespace e5v::eval
