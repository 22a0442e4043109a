#include "families/memory_parts.h"

#include <gtest/gtest.h>

#include "ops/isa.h"

namespace e5v::families {
namespace {

using nn::Precision;
using tensor::DType;
using tensor::WeightFormat;

constexpr Precision kPrecisions[] = {Precision::f32, Precision::bf16, Precision::int8};

TEST(MemoryParts, InputsAreOf16BitsWhereTheCpuMultipliesThem) {
  EXPECT_EQ(input_bytes(Precision::f32, WeightFormat::plain), 4);
  EXPECT_EQ(input_bytes(Precision::bf16, WeightFormat::plain), ops::has_native_bf16() ? 2 : 4);
  EXPECT_EQ(input_bytes(Precision::int8, WeightFormat::int8), 4) << "the product rounds them itself";
}

TEST(MemoryParts, DecodedWeightsAreOfThePrecision) {
  EXPECT_EQ(decoded_bytes(Precision::f32), 4);
  EXPECT_EQ(decoded_bytes(Precision::bf16), 2);
  EXPECT_EQ(decoded_bytes(Precision::int8), 2);
}

TEST(MemoryParts, OnlyF32WeightsAreCopiedAndOnlyForShorterTypes) {
  for (const DType stored : {DType::f32, DType::f16, DType::bf16})
    EXPECT_EQ(copied_bytes(Precision::f32, WeightFormat::plain, stored), 0);
  EXPECT_EQ(copied_bytes(Precision::bf16, WeightFormat::plain, DType::f32), ops::has_native_bf16() ? 0 : 2);
  EXPECT_EQ(copied_bytes(Precision::bf16, WeightFormat::plain, DType::f16), 0);
  for (const Precision precision : kPrecisions) EXPECT_EQ(copied_bytes(precision, WeightFormat::int8, DType::f32), 0);
}

TEST(MemoryParts, OfABlockTheLargerHalfCounts) {
  EXPECT_EQ(block_bytes(10, 3, 5, 4, 1, 2), 10 * (3 * 4 + 5 * 2));
  EXPECT_EQ(block_bytes(10, 3, 5, 8, 1, 2), 10 * (8 * 4 + 1 * 2));
}

TEST(MemoryPartsOnDevice, WeightsAreCopiedIntoTheTypeThatIsMultiplied) {
  const auto bytes = [](Precision precision, DType dtype) {
    return copied_bytes_on_device(precision, {.dtype = dtype});
  };
  EXPECT_EQ(bytes(Precision::f32, DType::f32), 0);
  EXPECT_EQ(bytes(Precision::f32, DType::bf16), 4);
  EXPECT_EQ(bytes(Precision::bf16, DType::f32), 2);
  EXPECT_EQ(bytes(Precision::bf16, DType::bf16), 0);
  EXPECT_EQ(bytes(Precision::fp8, DType::f16), 2 + 1);
  EXPECT_EQ(bytes(Precision::fp8, DType::bf16), 1);
  EXPECT_EQ(copied_bytes_on_device(Precision::bf16, {.dtype = DType::f32, .format = WeightFormat::int8}), 0);
  EXPECT_EQ(copied_bytes_on_device(Precision::bf16, {.dtype = DType::f32, .decoded = 1}), 0);
}

TEST(MemoryPartsOnDevice, ActivationsAreOf16BitsButInF32) {
  EXPECT_EQ(activation_bytes_on_device(Precision::f32), 4);
  EXPECT_EQ(activation_bytes_on_device(Precision::bf16), 2);
  EXPECT_EQ(activation_bytes_on_device(Precision::fp8), 2);
}

TEST(MemoryPartsOnDevice, ATowerHoldsItsStreamAndTheLargerHalfOfABlock) {
  EXPECT_EQ(tower_bytes_on_device(10, 8, 12, 2), 10 * (8 * 4 + 8 * 2 + 4 * 8 * 2));
  EXPECT_EQ(tower_bytes_on_device(10, 8, 20, 2), 10 * (8 * 4 + 8 * 2 + 2 * 20 * 2));
}

}  // namespace
}  // namespace e5v::families
