#include "nn/precision.h"

#include <gmock/gmock.h>

#include "ops/isa.h"

namespace e5v::nn {
namespace {

constexpr auto kPlain = tensor::WeightFormat::plain;

TEST(Precision, FollowsTheWeights) {
  EXPECT_EQ(default_precision(tensor::DType::f32, kPlain), Precision::f32);
  EXPECT_EQ(default_precision(tensor::DType::f16, kPlain), Precision::bf16);
  EXPECT_EQ(default_precision(tensor::DType::bf16, kPlain), Precision::bf16);
  EXPECT_EQ(arithmetic_for(Precision::f32, kPlain), ops::Arithmetic::f32);
  EXPECT_EQ(default_precision(tensor::DType::bf16, tensor::WeightFormat::int8), Precision::int8);
  const bool bytes = ops::has_native_int8();
  EXPECT_EQ(default_precision(tensor::DType::bf16, tensor::WeightFormat::int4),
            bytes ? Precision::int8 : Precision::bf16);
  EXPECT_EQ(arithmetic_for(Precision::int8, tensor::WeightFormat::int4),
            bytes ? ops::Arithmetic::int8 : arithmetic_for(Precision::bf16, kPlain));
  EXPECT_EQ(default_precision(tensor::DType::f32, tensor::WeightFormat::nf4), Precision::bf16);
  EXPECT_EQ(arithmetic_for(Precision::int8, tensor::WeightFormat::nf4),
            arithmetic_for(Precision::bf16, tensor::WeightFormat::plain));
  EXPECT_EQ(arithmetic_for(Precision::int8, tensor::WeightFormat::int8), ops::Arithmetic::int8);
  EXPECT_EQ(arithmetic_for(Precision::int8, kPlain), arithmetic_for(Precision::bf16, kPlain));
  EXPECT_EQ(arithmetic_for(Precision::f32, tensor::WeightFormat::int8), ops::Arithmetic::f32);
  EXPECT_EQ(name_of(Precision::bf16), "bf16");
  EXPECT_EQ(name_of(Precision::int8), "int8");
}

/// On a GPU weights are expanded, so that only plain ones are rounded to 8-bit floats.
TEST(Precision, FollowsThePlace) {
  constexpr auto kDevice = tensor::Place::device;
  for (const auto format : {kPlain, tensor::WeightFormat::int8, tensor::WeightFormat::nf4}) {
    EXPECT_EQ(arithmetic_for(Precision::f32, format, kDevice), ops::Arithmetic::f32);
    EXPECT_EQ(arithmetic_for(Precision::int8, format, kDevice), ops::Arithmetic::bf16);
    EXPECT_EQ(arithmetic_for(Precision::fp8, format, kDevice),
              format == kPlain ? ops::Arithmetic::fp8 : ops::Arithmetic::bf16);
    EXPECT_NE(default_precision(tensor::DType::bf16, format, kDevice), Precision::int8);
  }
  EXPECT_EQ(default_precision(tensor::DType::bf16, tensor::WeightFormat::int8, tensor::Place::host, false),
            Precision::bf16)
      << "such weights are not to meet rounded inputs";
}

TEST(Precision, AttentionMixesInBf16WhereThereAreInstructions) {
  for (const Precision precision : {Precision::bf16, Precision::int8, Precision::fp8}) {
    EXPECT_EQ(bf16_attention(precision), ops::has_native_bf16());
    EXPECT_TRUE(bf16_attention(precision, tensor::Place::device));
    EXPECT_EQ(decoded_type(precision), tensor::DType::bf16);
  }
  EXPECT_FALSE(bf16_attention(Precision::f32));
  EXPECT_FALSE(bf16_attention(Precision::f32, tensor::Place::device));
  EXPECT_EQ(decoded_type(Precision::f32), tensor::DType::f32);
}

}  // namespace
}  // namespace e5v::nn
