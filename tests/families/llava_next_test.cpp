#include "families/llava_next.h"

#include <gmock/gmock.h>

#include "api/model.h"
#include "e5v/e5v.h"
#include "embed/goldens.h"
#include "families/llava_next/prepare.h"
#include "model/llava_next.h"
#include "model/sequence.h"

namespace e5v::families {
namespace {

using test::golden;
using test::max_difference;

constexpr double kTolerance = 1e-5;

test::ModelOptions raw() {
  test::ModelOptions options;
  options.normalize = false;
  options.max_tiles = 1;
  return options;
}

Pixels pixels_of(std::uint8_t seed) {
  Pixels pixels{20, 10, std::vector<std::uint8_t>(600)};
  for (std::size_t i = 0; i < pixels.rgb.size(); ++i) pixels.rgb[i] = static_cast<std::uint8_t>(i * seed % 251);
  return pixels;
}

/// The reference's way, row by row: each <image> is replaced by its image's rows where it stands.
class Naive {
 public:
  std::vector<float> vector(const std::string& filled, const std::vector<Pixels>& images) {
    std::vector<model::PreparedImage> prepared;
    for (const Pixels& pixels : images) {
      image::Bitmap bitmap(pixels.width, pixels.height);
      bitmap.pixels = pixels.rgb;
      prepared.push_back(
          {model::Patches::of(image::make_tiles(bitmap, preparer_.preprocess()), preparer_.preprocess().patch),
           model::ImageLayout(image::packed_order({pixels.height, pixels.width}, preparer_.preprocess()))});
    }
    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> first_rows;
    for (const std::int32_t id : preparer_.tokenizer().encode(filled)) {
      const bool slot = id == static_cast<std::int32_t>(config_.image_token);
      if (slot) first_rows.push_back(static_cast<std::int64_t>(ids.size()));
      ids.insert(ids.end(), slot ? static_cast<std::size_t>(prepared.at(first_rows.size() - 1).layout.rows()) : 1,
                 slot ? -1 : id);
    }
    const auto T = static_cast<std::int64_t>(ids.size());
    const tensor::Matrix x_TD = arena_.matrix(tensor::DType::f32, T, config_.text.width);
    model_.language_model().embed(ids, x_TD, arena_);
    for (std::size_t i = 0; i < prepared.size(); ++i)
      model_.embed_image(prepared[i], x_TD.row_range(first_rows.at(i), prepared[i].layout.rows()), arena_);
    const tensor::Matrix y_1D = arena_.matrix(tensor::DType::f32, 1, config_.text.width);
    model_.language_model().forward(x_TD, model::test::one_sequence(T), y_1D, arena_);
    return {y_1D.row<float>(0), y_1D.row<float>(0) + y_1D.columns};
  }

 private:
  std::filesystem::path folder_ = golden("ckpt/tiny-small-f32");
  model::ModelConfig config_ = model::read_config(folder_);
  model::Checkpoint checkpoint_{folder_};
  embed::Preparer preparer_ = make_llava_next_preparer(folder_, config_, raw());
  model::LlavaNext model_{checkpoint_, config_, preparer_.preprocess(), nn::Precision::f32};
  tensor::Arena arena_;
};

TEST(LlavaNextFamily, SeveralImagesAreEachExpandedWhereTheyStand) {
  Naive naive;
  test::Model embedder(golden("ckpt/tiny-small-f32"), raw());
  const Pixels a = pixels_of(37), b = pixels_of(11);
  const auto input = [](std::vector<ImageSource> images, const char* prompt) {
    Input result = Input::from_images(std::move(images), "a cat");
    result.prompt = prompt;
    return result;
  };
  const char* both = "First <image>, then <image>: <sent>";
  const std::vector inputs{input({a, a}, both), input({a, b}, both), input({b, a}, both),
                           input({a}, "First <image>, then <sent>")};
  const Embeddings found = embedder.embed(inputs);
  const std::string filled = "First <image>, then <image>: a cat";
  EXPECT_LT(max_difference(found.row(0), naive.vector(filled, {a, a})), kTolerance);
  EXPECT_LT(max_difference(found.row(1), naive.vector(filled, {a, b})), kTolerance);
  EXPECT_LT(max_difference(found.row(2), naive.vector(filled, {b, a})), kTolerance);
  EXPECT_LT(max_difference(found.row(3), naive.vector("First <image>, then a cat", {a})), kTolerance);
  EXPECT_GT(max_difference(found.row(1), found.row(2)), 100 * kTolerance);
  for (std::int64_t i = 0; i < 4; ++i) {
    const Embeddings alone = embedder.embed(std::span(inputs).subspan(static_cast<std::size_t>(i), 1));
    EXPECT_LT(max_difference(alone.row(0), found.row(i)), kTolerance) << i;
  }
  EXPECT_EQ(found.token_counts[0] - found.token_counts[3],
            577 + 2);  // an image, and "<image>: " about it
}

TEST(LlavaNextFamily, TheOnlyOneOfSomeOperations) {
  EXPECT_EQ(require_llava_next(golden("ckpt/tiny-small-f32"), "train").text.width, 128);
  EXPECT_THAT([] { require_llava_next(golden("ckpt/tiny-clip"), "train"); },
              testing::ThrowsMessage<ModelError>(testing::AllOf(
                  testing::StartsWith("[train] "),
                  testing::HasSubstr("is a CLIP, expected a LLaVA-NeXT or one of its language models"))));
}

}  // namespace
}  // namespace e5v::families
