#include "families/llava_next/forward.h"

#include <gmock/gmock.h>

#include <set>

#include "embed/goldens.h"
#include "families/llava_next/prepare.h"
#include "model/sequence.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using e5v::test::max_difference;

constexpr double kForwardTolerance = 1e-5;

Pixels pixels_of(std::uint8_t seed) {
  Pixels pixels{20, 10, std::vector<std::uint8_t>(600)};
  for (std::size_t i = 0; i < pixels.rgb.size(); ++i) pixels.rgb[i] = static_cast<std::uint8_t>(i * seed % 251);
  return pixels;
}

/// An input with the text "a cat" under a prompt of its own.
Input about(std::vector<ImageSource> images, const char* prompt) {
  Input input = images.empty() ? Input::from_text("a cat") : Input::from_images(std::move(images), "a cat");
  input.prompt = prompt;
  return input;
}

/// The tiny checkpoint, one tile for each image.
class LlavaNextForward : public testing::Test {
 protected:
  std::vector<embed::PreparedInput> prepared(const std::vector<Input>& inputs) {
    std::vector<embed::PreparedInput> all;
    for (const Input& input : inputs) all.push_back(preparer_.prepare(input));
    return all;
  }

  std::vector<std::vector<float>> computed(std::span<const embed::PreparedInput> inputs) {
    const tensor::Matrix y_SD = arena_.matrix(tensor::DType::f32, static_cast<std::int64_t>(inputs.size()), width());
    compute(model_, inputs, y_SD, arena_);
    std::vector<std::vector<float>> vectors;
    for (std::int64_t i = 0; i < y_SD.rows; ++i) vectors.emplace_back(y_SD.row<float>(i), y_SD.row<float>(i) + width());
    return vectors;
  }

  /// The reference's way, row by row: each <image> is replaced by its image's rows where it stands.
  std::vector<float> naive(const std::string& filled, const std::vector<Pixels>& images) {
    std::vector<model::PreparedImage> tiles;
    for (const Pixels& pixels : images) {
      image::Bitmap bitmap(pixels.width, pixels.height);
      bitmap.pixels = pixels.rgb;
      tiles.push_back(
          {model::Patches::of(image::make_tiles(bitmap, preparer_.preprocess()), preparer_.preprocess().patch),
           model::ImageLayout(image::packed_order({pixels.height, pixels.width}, preparer_.preprocess()))});
    }
    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> first_rows;
    for (const std::int32_t id : preparer_.tokenizer().encode(filled)) {
      const bool slot = id == static_cast<std::int32_t>(config_.image_token);
      if (slot) first_rows.push_back(static_cast<std::int64_t>(ids.size()));
      ids.insert(ids.end(), slot ? static_cast<std::size_t>(tiles.at(first_rows.size() - 1).layout.rows()) : 1,
                 slot ? -1 : id);
    }
    const auto T = static_cast<std::int64_t>(ids.size());
    const tensor::Matrix x_TD = arena_.matrix(tensor::DType::f32, T, width());
    model_.language_model().embed(ids, x_TD, arena_);
    for (std::size_t i = 0; i < tiles.size(); ++i)
      model_.embed_image(tiles[i], x_TD.row_range(first_rows.at(i), tiles[i].layout.rows()), arena_);
    const tensor::Matrix y_1D = arena_.matrix(tensor::DType::f32, 1, width());
    model_.language_model().forward(x_TD, model::test::one_sequence(T), y_1D, arena_);
    return {y_1D.row<float>(0), y_1D.row<float>(0) + y_1D.columns};
  }

  std::int64_t width() const { return config_.text.width; }

  std::filesystem::path folder_ = golden("ckpt/tiny-small-f32");
  model::ModelConfig config_ = model::read_config(folder_);
  model::Checkpoint checkpoint_{folder_};
  embed::Preparer preparer_ = make_llava_next_preparer(folder_, config_, {.max_tiles = 1});
  model::LlavaNext model_{checkpoint_, config_, preparer_.preprocess(), nn::Precision::f32};
  tensor::Arena arena_;
};

TEST_F(LlavaNextForward, SeveralImagesAreEachExpandedWhereTheyStand) {
  const Pixels a = pixels_of(37), b = pixels_of(11);
  const char* both = "First <image>, then <image>: <sent>";
  const auto inputs = prepared(
      {about({a, a}, both), about({a, b}, both), about({b, a}, both), about({a}, "First <image>, then <sent>")});
  const auto found = computed(inputs);
  const std::string filled = "First <image>, then <image>: a cat";
  EXPECT_LT(max_difference(found[0], naive(filled, {a, a})), kForwardTolerance);
  EXPECT_LT(max_difference(found[1], naive(filled, {a, b})), kForwardTolerance);
  EXPECT_LT(max_difference(found[2], naive(filled, {b, a})), kForwardTolerance);
  EXPECT_LT(max_difference(found[3], naive("First <image>, then a cat", {a})), kForwardTolerance);
  EXPECT_GT(max_difference(found[1], found[2]), 100 * kForwardTolerance);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LT(max_difference(computed(std::span(inputs).subspan(i, 1))[0], found[i]), kForwardTolerance) << i;
  EXPECT_EQ(inputs[0].tokens() - inputs[3].tokens(), 577 + 2) << "an image, and \"<image>: \" about it";
}

TEST_F(LlavaNextForward, RowsAreTokensOfTheTableAndFeaturesOfTheImage) {
  const auto inputs = prepared({about({pixels_of(37)}, "<image> and <sent>")});
  const EmbeddedForest embedded = embed_forest(model_, inputs, arena_);
  ASSERT_EQ(embedded.x_TD.rows, inputs[0].tokens());
  const model::PreparedImage& image = *inputs[0].images[0].prepared;
  const tensor::Matrix rows_ND = arena_.matrix(tensor::DType::f32, image.layout.rows(), width());
  model_.embed_image(image, rows_ND, arena_);
  const tensor::TensorView table =
      checkpoint_.table("language_model.embed_tokens.weight", {config_.text.vocabulary, width()});
  int tokens = 0;
  for (std::int64_t row = 0; row < embedded.x_TD.rows; ++row) {
    const embed::Symbol& symbol = inputs[0].symbols[static_cast<std::size_t>(row)];
    const float* expected =
        symbol.image < 0 ? matrix_of(table).row<float>(symbol.value) : rows_ND.row<float>(symbol.value);
    const float* found = embedded.x_TD.row<float>(row);
    EXPECT_EQ(std::vector(found, found + width()), std::vector(expected, expected + width())) << row;
    tokens += symbol.image < 0;
  }
  EXPECT_EQ(tokens, inputs[0].tokens() - 577);
}

TEST_F(LlavaNextForward, PromptsOnOneImageShareItsRows) {
  const auto inputs =
      prepared({about({pixels_of(37)}, "<image> and <sent>"), about({pixels_of(37)}, "<image> or <sent>")});
  const EmbeddedForest embedded = embed_forest(model_, inputs, arena_);
  EXPECT_LT(embedded.x_TD.rows, inputs[0].tokens() + inputs[1].tokens() - 577);
  EXPECT_EQ(embedded.forest.pooled_index_S.size(), 2u);
}

TEST_F(LlavaNextForward, TheArenaIsGivenBack) {
  const auto inputs = prepared({about({}, "<sent>")});
  computed(inputs);
  const std::size_t capacity = arena_.capacity();
  for (int i = 0; i < 100; ++i) computed(inputs);
  EXPECT_LE(arena_.capacity(), capacity + 100 * static_cast<std::size_t>(width()) * sizeof(float) + (1u << 20))
      << "but for the vectors";
}

}  // namespace
}  // namespace e5v::families
