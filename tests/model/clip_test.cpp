#include "model/clip.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "image/decode.h"
#include "image/tile.h"
#include "model/clip_fixture.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using testing::ThrowsMessage;

class ClipOfBothTowers : public TinyClip {
 protected:
  ClipOfBothTowers() {
    Json json = read_json(folder / "preprocessor_config.json");
    json["image_grid_pinpoints"] = Json::array();
    preprocess = image::Preprocess::from_json(json, "preprocessor_config.json");
    preprocess.patch = static_cast<int>(config.vision.patch_size);
  }
  Clip clip() const { return {checkpoint, config, preprocess, nn::Precision::f32}; }

  /// The pixels of a golden image's middle.
  std::vector<std::uint8_t> crop(std::size_t i) const {
    const Json& crops = facts.at("models").at(GetParam()).at("crops");
    const std::string file = read_file(e5v::test::golden("images") / crops.at(i).at("image").get<std::string>());
    return image::centre_crop(image::decode(std::as_bytes(std::span(file)), "image"), preprocess).pixels;
  }
  Tensor images(const Clip& model, const std::vector<std::vector<std::uint8_t>>& pixels) {
    const std::vector<std::span<const std::uint8_t>> views(pixels.begin(), pixels.end());
    Tensor y(DType::f32, {static_cast<std::int64_t>(pixels.size()), config.projection});
    model.embed_images(views, matrix_of(y), arena);
    return y;
  }
  std::span<const float> row(const Tensor& y, std::size_t i) const {
    const auto width = static_cast<std::size_t>(config.projection);
    return y.as<float>().subspan(i * width, width);
  }

  image::Preprocess preprocess;
};

TEST_P(ClipOfBothTowers, TextsAndImagesHaveTheReferencesVectors) {
  const Clip model = clip();
  const std::vector<std::vector<std::int32_t>> texts{ids(0), ids(5), ids(2)};
  const Tensor y(DType::f32, {3, config.projection});
  model.embed_texts(joined(texts), packed_texts(texts), matrix_of(y), arena);
  EXPECT_THAT(row(y, 0), Pointwise(FloatNear(kClipTolerance), vector("texts", 0)));
  EXPECT_THAT(row(y, 1), Pointwise(FloatNear(kClipTolerance), vector("texts", 5)));
  EXPECT_THAT(row(y, 2), Pointwise(FloatNear(kClipTolerance), vector("texts", 2)));
  const Tensor seen = images(model, {crop(3), crop(4)});
  EXPECT_THAT(row(seen, 0), Pointwise(FloatNear(kClipTolerance), vector("images", 3)));
  EXPECT_THAT(row(seen, 1), Pointwise(FloatNear(kClipTolerance), vector("images", 4)));
}

/// One image more than goes through the tower at once has the same vector as the first.
TEST_P(ClipOfBothTowers, MoreImagesThanGoThroughTheTowerAtOnceGiveTheSame) {
  const Clip model = clip();
  const std::int64_t at_once = model.images_at_once();
  EXPECT_EQ(at_once, 2048 / config.vision.positions());
  std::vector<std::vector<std::uint8_t>> pixels(static_cast<std::size_t>(at_once) + 1, crop(3));
  std::ranges::fill(pixels[1], std::uint8_t{9});
  const Tensor y = images(model, pixels);
  EXPECT_THAT(row(y, pixels.size() - 1), Pointwise(FloatNear(1e-5f), row(y, 0)));
  EXPECT_GT(std::abs(row(y, 1)[0] - row(y, 0)[0]), 1e-4);
}

TEST_P(ClipOfBothTowers, ContradictionsAreNamed) {
  preprocess.tile = 112;
  EXPECT_THAT([&] { clip(); },
              ThrowsMessage<ModelError>(
                  fmt::format("[clip] preprocessor_config.json cuts images to 112 pixels, the vision tower takes {}",
                              config.vision.image_size)));
  config.projection = 41;
  EXPECT_THAT([&] { clip(); }, ThrowsMessage<ModelError>(HasSubstr(fmt::format(
                                   "\"text_projection.weight\": expected shape [41, {}]", config.text.width))));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ClipOfBothTowers, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& tested) {
                           return std::string(tested.param) == "tiny-clip" ? "Small" : "Large";
                         });

}  // namespace
}  // namespace e5v::model::test
