#include "ops/nf4.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <limits>
#include <random>

#include "base/json.h"
#include "golden.h"
#include "ops/nf4_golden.h"
#include "ops/nf4_maps.h"
#include "ops/quantize.h"

namespace e5v::ops::test {
namespace {

using e5v::test::golden;
using tensor::DType;
using tensor::SafetensorsFile;
using tensor::Tensor;
using tensor::TensorView;

std::uint32_t crc_of(const TensorView& view) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(view.data), static_cast<uInt>(view.bytes().size())));
}

TEST(QuantizeNf4, HasTheReferencesTables) {
  const SafetensorsFile file(golden("nf4/nf4.safetensors"));
  EXPECT_TRUE(same_bytes(part_of(file, "nf4_code").bytes(), std::as_bytes(std::span(kNf4Map))));
  EXPECT_TRUE(same_bytes(part_of(file, "nf4_thresholds").bytes(), std::as_bytes(std::span(kNf4Thresholds))));
  EXPECT_TRUE(same_bytes(part_of(file, "dynamic_map").bytes(), std::as_bytes(std::span(kDynamicMap))));
}

/// A block of zeros is among the rows.
TEST(QuantizeNf4, CodesAreTheReferencesBitByBit) {
  const SafetensorsFile file(golden("nf4/nf4.safetensors"));
  const TensorView& rows = part_of(file, "A_rows");
  const ops::Nf4Weight weight = quantize_nf4(rows);
  const auto expected = part_of(file, "packed").bytes().first(weight.codes.view().bytes().size());
  EXPECT_TRUE(same_bytes(weight.codes.view().bytes(), expected));
  const Tensor half(DType::f16, rows.shape);
  std::ranges::transform(rows.as<float>(), half.as<tensor::Half>().begin(), [](float x) { return tensor::Half(x); });
  EXPECT_TRUE(
      same_bytes(quantize_nf4(half.view()).codes.view().bytes(), part_of(file, "A_f16_input.packed_rows").bytes()));
}

TEST(QuantizeNf4, MatricesOfAModelAreTheReferencesBitByBit) {
  const SafetensorsFile checkpoint(golden("ckpt/tiny-small-f32/model.safetensors"));
  const Json layers = read_json(golden("nf4/nf4.json")).at("layers");
  int matrices = 0;
  for (const auto& [stored, view] : checkpoint.tensors()) {
    if (!stored.starts_with("language_model.model.layers.") || view.shape.rank() != 2) continue;
    const std::string name = stored.substr(15, stored.size() - 15 - std::string_view(".weight").size());
    const Json& expected = layers.at(name);
    const ops::Nf4Weight weight = quantize_nf4(view);
    EXPECT_EQ(crc_of(weight.codes.view()), expected.at("packed_crc32").get<std::uint32_t>()) << name;
    EXPECT_EQ(crc_of(weight.scales.view()), expected.at("qabsmax_crc32").get<std::uint32_t>()) << name;
    EXPECT_EQ(weight.matrix.nf4_tables.offset, expected.at("offset").get<float>()) << name;
    ++matrices;
  }
  EXPECT_EQ(matrices, 28);
}

TEST(QuantizeNf4, TheWayBackIsTheReferencesBitByBit) {
  const SafetensorsFile file(golden("nf4/nf4.safetensors"));
  const tensor::Nf4Tables tables{part_of(file, "nf4_code"), part_of(file, "dynamic_map"),
                                 part_of(file, "state2_absmax"), part_of(file, "offset").as<float>()[0]};
  const auto matrix = tensor::StoredMatrix::nf4(part_of(file, "packed"), part_of(file, "qabsmax"), tables, 256, 512);
  const Tensor wide(DType::f32, {256, 512});
  ops::expand_rows(matrix, 0, matrix_of(wide));
  EXPECT_EQ(crc_of(wide.view()), read_json(golden("nf4/nf4.json")).at("dequant_nested_f32_crc32").get<std::uint32_t>());
}

TEST(QuantizeNf4, ErrsByHalfAStepAtMost) {
  Tensor w(DType::f32, {40, 104});
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0, 0.02f);
  for (float& value : w.as<float>()) value = normal(generator);
  const ops::Nf4Weight weight = quantize_nf4(w.view());
  const Tensor found(DType::f32, {40, 104});
  ops::expand_rows(weight.matrix, 0, matrix_of(found));
  for (std::size_t i = 0; i < 4160; ++i) {
    float largest = 0;
    for (std::size_t k = i / 64 * 64; k < i / 64 * 64 + 64; ++k)
      largest = std::max(largest, std::abs(w.as<float>()[k]));
    EXPECT_NEAR(found.as<float>()[i], w.as<float>()[i], 0.17f * largest) << i;  // the widest step is 0.304
  }
}

TEST(QuantizeNf4, ConstantMatricesSurvive) {
  for (const float value : {0.0f, 0.5f}) {
    Tensor w(DType::bf16, {2, 64});
    std::ranges::fill(w.as<tensor::BFloat16>(), tensor::BFloat16(value));
    const Tensor found(DType::f32, {2, 64});
    ops::expand_rows(quantize_nf4(w.view()).matrix, 0, matrix_of(found));
    for (const float x : found.as<float>()) EXPECT_EQ(x, value);
  }
}

TEST(QuantizeNf4, RefusesOtherShapesAndTypes) {
  EXPECT_THAT(
      [] {
        quantize_nf4(Tensor(DType::f32, {2, 12}).view());
      },
      testing::ThrowsMessage<InvalidInput>("[quantize_nf4] w is [2, 12], expected columns in multiples of 8"));
  EXPECT_THAT(
      [] {
        quantize_nf4(Tensor(DType::f32, {0, 8}).view());
      },
      testing::ThrowsMessage<InvalidInput>("[quantize_nf4] w is [0, 8], expected columns in multiples of 8"));
  EXPECT_THROW(quantize_nf4(Tensor(DType::f32, {64}).view()), InvalidInput);
  EXPECT_THROW(quantize_nf4(Tensor(DType::i8, {2, 64}).view()), InvalidInput);
}

}  // namespace
}  // namespace e5v::ops::test
