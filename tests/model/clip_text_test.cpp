#include "model/clip_text.h"

#include <gmock/gmock.h>

#include "model/clip_fixture.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ClipTextTower : public TinyClip {
 protected:
  ClipText tower() const { return {ClipTextWeights::from(checkpoint, config.text), config.text, nn::Precision::f32}; }
  Tensor states(const std::vector<std::vector<std::int32_t>>& texts) {
    Tensor y(DType::f32, {static_cast<std::int64_t>(texts.size()), config.text.width});
    tower().forward(joined(texts), packed_texts(texts), matrix_of(y), arena);
    return y;
  }
};

/// The goldens are the results of the projection, which is computed here in double.
TEST_P(ClipTextTower, StatesOfTextsAreTheReferences) {
  const std::vector<std::vector<std::int32_t>> texts{ids(0), ids(1), ids(2), ids(7)};
  const Tensor found = states(texts);
  const std::int64_t D = config.text.width, V = config.projection;
  const Tensor projection = to_f32(checkpoint.tensor("text_projection.weight", {V, D}));
  for (const std::size_t i : {0u, 1u, 2u, 3u}) {
    const auto expected = vector("texts", i == 3 ? 7 : i);
    for (std::int64_t v = 0; v < V; ++v) {
      double sum = 0;
      for (std::int64_t d = 0; d < D; ++d) {
        sum += double{matrix_of(projection).row<float>(v)[d]} *
               double{matrix_of(found).row<float>(static_cast<std::int64_t>(i))[d]};
      }
      EXPECT_NEAR(sum, expected[static_cast<std::size_t>(v)], kClipTolerance) << i << " " << v;
    }
  }
}

/// A branch of a prefix forest has the states of the whole text.
TEST_P(ClipTextTower, BranchesAreWholeTexts) {
  const std::vector<std::int32_t> first{717, 320, 702, 520, 718}, second{717, 320, 702, 9, 718};
  const Tensor alone = states({first, second});
  nn::PackedRows rows;
  rows.plan.nodes = rows.pooled_plan.nodes = {{0, 3}, {3, 2}, {5, 2}};
  rows.plan.spans = {{{0, 3}, {0}, true}, {{3, 2}, {0, 1}, true}, {{5, 2}, {0, 2}, true}};
  rows.pooled_plan.spans = {{{0, 1}, {0, 1}, true}, {{1, 1}, {0, 2}, true}};
  rows.positions_T = {0, 1, 2, 3, 4, 3, 4};
  rows.pooled_P = {4, 6};
  rows.pooled_positions_P = {4, 4};
  const std::vector<std::int32_t> packed{717, 320, 702, 520, 718, 9, 718};
  const Tensor y(DType::f32, {2, config.text.width});
  tower().forward(packed, rows, matrix_of(y), arena);
  EXPECT_THAT(y.as<float>(), testing::Pointwise(testing::FloatNear(1e-5f), alone.as<float>()));
  rows.positions_T[6] = 5;  // the positions count: they are embedded
  tower().forward(packed, rows, matrix_of(y), arena);
  EXPECT_GT(std::abs(matrix_of(y).row<float>(1)[0] - matrix_of(alone).row<float>(1)[0]), 1e-3);
}

TEST_P(ClipTextTower, NoTextsAreNothing) {
  const Tensor y(DType::f32, {0, config.text.width});
  EXPECT_NO_THROW(tower().forward({}, nn::PackedRows(), matrix_of(y), arena));
}

TEST_P(ClipTextTower, MissingAndContradictingTensorsAreNamed) {
  config.text.layers = 4;
  EXPECT_THAT([&] { tower(); }, ThrowsMessage<ModelError>(HasSubstr("text_model.encoder.layers.")));
  config.text.layers = 1, config.text.max_positions = 78;
  EXPECT_THAT([&] { tower(); },
              ThrowsMessage<ModelError>(HasSubstr(fmt::format(
                  "\"text_model.embeddings.position_embedding.weight\": expected shape [78, {}]", config.text.width))));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ClipTextTower, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& tested) {
                           return std::string(tested.param) == "tiny-clip" ? "Small" : "Large";
                         });

}  // namespace
}  // namespace e5v::model::test
