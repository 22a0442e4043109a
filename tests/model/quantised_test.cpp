// Quantised checkpoints as a whole, compared with the reference.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "model/quantised_scheme.h"

namespace e5v::model::test {
namespace {

using e5v::test::golden;
using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;
using testing::HasSubstr;

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    left += double{a[i]} * a[i];
    right += double{b[i]} * b[i];
  }
  return dot / std::sqrt(left * right);
}

std::vector<std::string> scheme_names() {
  std::vector<std::string> names;
  const Json facts = read_json(golden("quantised/schemes.json"));
  for (const auto& [name, config] : facts.at("schemes").items()) names.push_back(name);
  return names;
}

class QuantisedScheme : public testing::TestWithParam<std::string> {};

/// Where inputs are rounded, the last bit of a sum may move one of them by a step.
TEST_P(QuantisedScheme, HasTheReferencesVectorInF32) {
  const Scheme scheme(GetParam());
  const double tolerance = scheme.open().rounds_inputs() ? 5e-5 : 1e-6;
  EXPECT_GT(cosine(scheme.vector(nn::Precision::f32), scheme.right()), 1 - tolerance);
  EXPECT_TRUE(unused_tensors(scheme.open(), tiny_config()).empty());
}

/// Inputs are left as they are there, or rounded by a finer rule, but for scales that are given.
TEST_P(QuantisedScheme, IsNearTheReferenceInTheArithmeticThatSuitsIt) {
  const Scheme scheme(GetParam());
  const Checkpoint checkpoint = scheme.open();
  const nn::Precision precision =
      nn::default_precision(DType::bf16, checkpoint.stored_format(), tensor::Place::host, checkpoint.rounds_inputs());
  EXPECT_GT(cosine(scheme.vector(precision), scheme.right()), 0.998) << name_of(precision);
}

INSTANTIATE_TEST_SUITE_P(All, QuantisedScheme, testing::ValuesIn(scheme_names()), [](const auto& tested) {
  std::string name = tested.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Quantised, InputsMeetWeightsOnlySchemesUnrounded) {
  EXPECT_FALSE(Scheme("w8a16-channel").open().rounds_inputs());
  EXPECT_TRUE(Scheme("w8a8-channel").open().rounds_inputs());
  using nn::Precision;
  EXPECT_EQ(nn::default_precision(DType::bf16, WeightFormat::int8, tensor::Place::host, false), Precision::bf16);
  EXPECT_EQ(nn::default_precision(DType::bf16, WeightFormat::int8, tensor::Place::host, true), Precision::int8);
}

/// transformers leaves inputs alone where the config says that weights are to be turned back at loading.
TEST(Quantised, DequantizingLeavesInputsUnrounded) {
  Scheme scheme("fp8-channel-dynamic");
  const std::vector<float> rounded = scheme.vector(nn::Precision::f32);
  scheme.config["run_compressed"] = false;
  const std::vector<float> older = scheme.vector(nn::Precision::f32);
  scheme.config.erase("run_compressed");
  scheme.config["dequantize"] = true;
  EXPECT_EQ(scheme.vector(nn::Precision::f32), older);
  EXPECT_LT(cosine(rounded, older), 0.9995);
  EXPECT_NE(scheme.open().fingerprint(), Scheme("fp8-channel-dynamic").open().fingerprint());
}

TEST(Quantised, MatricesThatReadTheSameMustRoundItAlike) {
  EXPECT_THAT(refusal("fp8-tensor-static",
                      [](Scheme& s) {
                        s.set("model.layers.1.self_attn.k_proj.input_scale",
                              Tensor::from<float>(std::vector{0.5f}, {1}));
                      }),
              HasSubstr("different input_scale"));
}

}  // namespace
}  // namespace e5v::model::test
