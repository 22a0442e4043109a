#include "quantize/calibrate.h"

#include <gmock/gmock.h>

#include "families/llava_next/prepare.h"
#include "golden.h"

namespace e5v::quantize::test {
namespace {

using e5v::test::golden;

class CalibrationTest : public testing::Test {
 protected:
  CalibrationTest()
      : config_(model::read_config(folder_)),
        checkpoint_(folder_),
        preparer_(families::make_llava_next_preparer(folder_, config_, {})),
        model_(checkpoint_, config_, preparer_.preprocess(), nn::Precision::f32),
        weights_(model::LlamaWeights::from(checkpoint_, config_.text)) {
    for (const std::string_view text : default_sentences().first(6)) {
      inputs_.push_back(preparer_.prepare(Input::from_text(std::string(text))));
    }
  }

  model::LlamaBlock block(std::size_t index) const {
    return {weights_.blocks[index], config_.text, nn::Precision::f32};
  }

  std::filesystem::path folder_ = golden("ckpt/tiny-small-f32");
  model::ModelConfig config_;
  model::Checkpoint checkpoint_;
  embed::Preparer preparer_;
  model::LlavaNext model_;
  model::LlamaWeights weights_;
  std::vector<embed::PreparedInput> inputs_;
};

TEST_F(CalibrationTest, SecondMomentsDoNotDependOnBatches) {
  Calibration one(model_, inputs_, 4096), many(model_, inputs_, 100);
  EXPECT_LT(one.tokens(), many.tokens());  // what the inputs share is there once in each batch
  model::LlamaBlock first = block(0), second = block(1);
  for (Calibration* calibration : {&one, &many}) calibration->advance(first);
  BlockSample a = one.observe(second, {true, true}, true), b = many.observe(second, {true, true}, true);
  for (const auto entering : {&BlockSample::attention, &BlockSample::output, &BlockSample::mlp, &BlockSample::down}) {
    const ErrorFactor x = std::move(*(a.*entering).gram).factor(), y = std::move(*(b.*entering).gram).factor();
    ASSERT_EQ(x.diagonal_K.size(), y.diagonal_K.size());
    for (std::size_t k = 0; k < x.diagonal_K.size(); ++k) {
      EXPECT_NEAR(x.diagonal_K[k], y.diagonal_K[k], 1e-4 * x.diagonal_K[k]) << k;
    }
  }
}

TEST_F(CalibrationTest, ActivationsStayInFrontOfABlockWhereTheyShall) {
  Calibration calibration(model_, inputs_, 4096);
  model::LlamaBlock first = block(0);
  const auto seen = [&](bool stay) {
    const BlockSample sample = calibration.observe(first, {}, stay);
    EXPECT_FALSE(sample.attention.gram || sample.down.gram);
    const auto mean = sample.attention.sample.mean_square();
    return std::vector<float>(mean.begin(), mean.end());
  };
  const std::vector<float> before = seen(true), again = seen(false), behind = seen(true);
  EXPECT_EQ(before, again);
  EXPECT_NE(before, behind);
}

}  // namespace
}  // namespace e5v::quantize::test
