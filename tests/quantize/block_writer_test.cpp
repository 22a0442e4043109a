#include "quantize/block_writer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "ops/nf4.h"
#include "quantize/expanded.h"
#include "quantize/small_llama.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::SafetensorsFile;
using tensor::Tensor;
using tensor::WeightFormat;

class BlockWriterTest : public testing::Test {
 protected:
  /// Writes what stays and then both blocks.
  template <class WriteBlock>
  SafetensorsFile written(const ModelScheme& scheme, const WriteBlock& write_block) const {
    const Plan plan(checkpoint_, llama_.config, scheme);
    tensor::SafetensorsWriter writer(file_, plan.specs());
    for (const auto& tensor : plan.unchanged()) writer.write(tensor.stored, tensor.view.bytes());
    BlockWriter blocks(writer, plan);
    for (std::int64_t i = 0; i < 2; ++i) write_block(blocks, i);
    writer.finish();
    return SafetensorsFile(file_);
  }

  /// The block's matrices, rounded one by one, and norms of quarters.
  RoundedBlock block(std::int64_t index, const ModelScheme& scheme) const {
    RoundedBlock result;
    result.input_norm = Tensor(DType::f32, {32}), result.attention_norm = Tensor(DType::f32, {32});
    std::ranges::fill(result.input_norm.as<float>(), 0.25f);
    std::ranges::fill(result.attention_norm.as<float>(), 0.75f + static_cast<float>(index));
    for (std::size_t i = 0; i < kMatrices.size(); ++i) {
      const Tensor wide = to_f32(llama_.tensors.at(SmallLlama::stored_name(index, kMatrices[i])));
      const bool int8 = scheme.matrix(index, kMatrices[i]).format == WeightFormat::int8;
      result.matrices[i] =
          int8 ? quantize_int8(matrix_of(wide), DType::bf16) : quantize_int4(matrix_of(wide), 16, {}, DType::bf16);
    }
    return result;
  }

  e5v::test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "model.safetensors";
  SmallLlama llama_{DType::bf16};
  model::Checkpoint checkpoint_ = llama_.checkpoint();
};

void expect_same(const tensor::StoredMatrix& found, const tensor::StoredMatrix& expected) {
  EXPECT_TRUE(std::ranges::equal(expanded(found).as<float>(), expanded(expected).as<float>()));
}

TEST_F(BlockWriterTest, ACheckpointReadsWhatWasRounded) {
  const ModelScheme scheme{{WeightFormat::int4, 16}, Wide::attention};
  const SafetensorsFile file =
      written(scheme, [&](BlockWriter& writer, std::int64_t i) { writer.write(i, block(i, scheme)); });
  const model::Checkpoint found(file.tensors(), "Q");
  for (std::int64_t i = 0; i < 2; ++i) {
    const RoundedBlock expected = block(i, scheme);
    for (std::size_t m = 0; m < kMatrices.size(); ++m) {
      const tensor::StoredMatrix& matrix = expected.matrices[m].matrix;
      SCOPED_TRACE(block_name(i, kMatrices[m]));
      expect_same(found.matrix(block_name(i, kMatrices[m]), matrix.rows, matrix.columns), matrix);
    }
  }
  EXPECT_THAT(file.find("model.layers.0.mlp.down_proj.weight_shape")->as<std::int64_t>(), testing::ElementsAre(32, 48));
}

TEST_F(BlockWriterTest, NormsHaveTheTypeOfTheCheckpoint) {
  const ModelScheme scheme{{WeightFormat::int8, 0}};
  const SafetensorsFile file =
      written(scheme, [&](BlockWriter& writer, std::int64_t i) { writer.write(i, block(i, scheme)); });
  for (const auto& [name, number] : {std::pair("model.layers.1.input_layernorm.weight", 0.25f),
                                     std::pair("model.layers.1.post_attention_layernorm.weight", 1.75f)}) {
    const tensor::TensorView* norm = file.find(name);
    ASSERT_NE(norm, nullptr) << name;
    EXPECT_EQ(norm->dtype, DType::bf16);
    EXPECT_THAT(to_f32(*norm).as<float>(), testing::Each(number)) << name;
  }
}

TEST_F(BlockWriterTest, Nf4IsThatOfTheWeightsAndNormsStay) {
  const SafetensorsFile file =
      written({{WeightFormat::nf4, 0}}, [](BlockWriter& writer, std::int64_t i) { writer.write_nf4(i); });
  const model::Checkpoint found(file.tensors(), "Q");
  EXPECT_EQ(found.stored_format(), WeightFormat::nf4);
  for (std::int64_t i = 0; i < 2; ++i) {
    for (const std::string_view matrix : kMatrices) {
      SCOPED_TRACE(block_name(i, matrix));
      const tensor::TensorView& plain = llama_.tensors.at(SmallLlama::stored_name(i, matrix));
      const ops::Nf4Weight expected = ops::quantize_nf4(plain);
      expect_same(found.matrix(block_name(i, matrix), plain.shape[0], plain.shape[1]), expected.matrix);
    }
    for (const std::string_view norm : kNorms) {
      const std::string name = SmallLlama::stored_name(i, norm);
      EXPECT_TRUE(std::ranges::equal(file.find(name)->bytes(), llama_.tensors.at(name).bytes())) << name;
    }
  }
}

TEST_F(BlockWriterTest, BlocksComeInTheOrderOfThePlan) {
  const ModelScheme scheme{{WeightFormat::int8, 0}};
  EXPECT_THAT(
      [&] { written(scheme, [&](BlockWriter& writer, std::int64_t i) { writer.write(1 - i, block(1 - i, scheme)); }); },
      testing::ThrowsMessage<InvalidInput>("[" + file_.string() +
                                           "] expected the rest of \"model.layers.0.input_layernorm.weight\", found "
                                           "\"model.layers.1.input_layernorm.weight\""));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

}  // namespace
}  // namespace e5v::quantize::test
