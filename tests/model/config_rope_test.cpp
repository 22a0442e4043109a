#include <gmock/gmock.h>

#include <cmath>

#include "model/config_files.h"
#include "model/config_parts.h"

namespace e5v::model::test {
namespace {

/// The rotary parameters of a Llama of 8192 positions with these keys.
LlamaConfig rotary(const Json& json) {
  LlamaConfig config;
  config.max_positions = 8192;
  parse_rope(Fields(json, "dir/config.json"), config);
  return config;
}

void expect_rope_error(const Json& json, const std::string& key, const std::string& rest) {
  SCOPED_TRACE(json.dump());
  expect_error_of([&] { rotary(json); }, key, rest);
}

TEST(RopeConfig, Llama3) {
  const Json scaling = {{"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 8192},
                        {"rope_type", "llama3"}};
  Json current = scaling;
  current["rope_theta"] = 500000.0;
  for (const Json& json : {Json{{"model_type", "llama"}, {"rope_theta", 5e5}, {"rope_scaling", scaling}},
                           Json{{"model_type", "llama"}, {"rope_parameters", current}}}) {
    const LlamaConfig text = parse(json).text;
    EXPECT_EQ(text.rope_theta, 500000);
    ASSERT_TRUE(text.rope_scaling);
    const auto& llama3 = std::get<Llama3RopeScaling>(*text.rope_scaling);
    EXPECT_EQ(llama3.factor, 8);
    EXPECT_EQ(llama3.low_frequency_factor, 1);
    EXPECT_EQ(llama3.high_frequency_factor, 4);
    EXPECT_EQ(llama3.original_max_positions, 8192);
  }
  Json broken = scaling;
  broken.erase("factor");
  expect_error({{"model_type", "llama"}, {"rope_scaling", broken}}, "rope_scaling.factor", "found nothing");
  broken = scaling;
  broken["high_freq_factor"] = 0.5;
  expect_error({{"model_type", "llama"}, {"rope_scaling", broken}}, "rope_scaling.high_freq_factor",
               "more than low_freq_factor 1, found 0.5");
  expect_error(llava_with("/text_config/rope_scaling", {{"type", "longrope"}, {"factor", 2}}),
               "text_config.rope_scaling.type", "(others are not supported), found \"longrope\"");
  expect_error(llava_with("/text_config/rope_parameters", {{"full_attention", {{"rope_theta", 5e5}}}}),
               "text_config.rope_parameters.full_attention", "rotary parameters of layer types are not supported");
  EXPECT_FALSE(parse({{"model_type", "llama"}, {"rope_scaling", nullptr}}).text.rope_scaling);
}

TEST(RopeConfig, ThetaIsThatOfTheParametersOrOfTheFile) {
  EXPECT_EQ(rotary(Json::object()).rope_theta, 10000);
  EXPECT_EQ(rotary({{"rope_theta", 3e5}}).rope_theta, 3e5);
  EXPECT_EQ(rotary({{"rope_theta", 3e5}, {"rope_parameters", {{"rope_theta", 4e5}}}}).rope_theta, 4e5);
  EXPECT_EQ(rotary({{"rope_theta", 3e5}, {"rope_parameters", {{"rope_type", "default"}}}}).rope_theta, 3e5);
  // "rope_scaling" of older files comes first, unless it is empty.
  const Json newer = {{"rope_theta", 4e5}};
  EXPECT_EQ(rotary({{"rope_scaling", {{"rope_theta", 5e5}}}, {"rope_parameters", newer}}).rope_theta, 5e5);
  for (const Json& empty : {Json(), Json::object(), Json(false)})
    EXPECT_EQ(rotary({{"rope_scaling", empty}, {"rope_parameters", newer}}).rope_theta, 4e5) << empty;
  expect_rope_error({{"rope_theta", nullptr}}, "rope_theta", "a number in [1, 1000000000000], found null");
  expect_rope_error({{"rope_parameters", {{"rope_theta", "x"}}}}, "rope_parameters.rope_theta", "found \"x\"");
}

TEST(RopeConfig, LinearAndDynamicNeedTheirFactor) {
  const LlamaConfig linear = rotary({{"rope_scaling", {{"type", "linear"}, {"factor", 2.5}}}});
  EXPECT_EQ(std::get<LinearRopeScaling>(linear.rope_scaling.value()).factor, 2.5);
  // It changes only longer texts than the model takes.
  EXPECT_FALSE(rotary({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}}).rope_scaling);
  for (const char* type : {"linear", "dynamic", "llama3", "yarn"}) {
    const Json without = {{"rope_type", type}};
    expect_rope_error({{"rope_scaling", without}}, "rope_scaling.factor", "found nothing");
  }
  expect_rope_error({{"rope_scaling", {{"rope_type", "linear"}, {"factor", 0}}}}, "rope_scaling.factor", "found 0");
}

/// Source of the formulas: transformers' _compute_yarn_parameters.
TEST(RopeConfig, YarnTakesZeroForAnAbsentKey) {
  const auto yarn = [](Json rope) {
    rope["rope_type"] = "yarn";
    return std::get<YarnRopeScaling>(rotary({{"rope_scaling", rope}}).rope_scaling.value());
  };
  const YarnRopeScaling plain = yarn({{"factor", 4}, {"beta_fast", 0}, {"mscale", 0}});
  EXPECT_EQ(plain.factor, 4);
  EXPECT_EQ(plain.beta_fast, 32);
  EXPECT_EQ(plain.beta_slow, 1);
  EXPECT_EQ(plain.original_max_positions, 8192);
  EXPECT_TRUE(plain.truncate);
  EXPECT_DOUBLE_EQ(plain.attention_factor, 0.1 * std::log(4.0) + 1);
  EXPECT_EQ(yarn({{"factor", 1}}).attention_factor, 1);
  EXPECT_EQ(yarn({{"factor", 0.5}}).attention_factor, 1);
  EXPECT_EQ(yarn({{"factor", 4}, {"attention_factor", 0.75}}).attention_factor, 0.75);
  EXPECT_FALSE(yarn({{"factor", 4}, {"truncate", false}}).truncate);
  EXPECT_DOUBLE_EQ(yarn({{"factor", 4}, {"mscale", 2}, {"mscale_all_dim", 0.5}}).attention_factor,
                   (0.2 * std::log(4.0) + 1) / (0.05 * std::log(4.0) + 1));
  EXPECT_DOUBLE_EQ(yarn({{"factor", 4}, {"mscale", 2}}).attention_factor, 0.1 * std::log(4.0) + 1);  // one of two
  // A factor that is null is the ratio of the lengths.
  EXPECT_EQ(yarn({{"factor", nullptr}, {"original_max_position_embeddings", 2048}}).factor, 4);
}

TEST(RopeConfig, OriginalLengthStandsAroundOrInTheParameters) {
  const auto original = [](Json rope, Json file) {
    rope.update({{"rope_type", "yarn"}, {"factor", 2}});
    file["rope_parameters"] = rope;
    return std::get<YarnRopeScaling>(rotary(file).rope_scaling.value()).original_max_positions;
  };
  constexpr const char* kKey = "original_max_position_embeddings";
  EXPECT_EQ(original(Json::object(), Json::object()), 8192);
  EXPECT_EQ(original({{kKey, 1000}}, Json::object()), 1000);
  EXPECT_EQ(original({{kKey, 1000}}, {{kKey, 500}}), 500);
  expect_error_of([&] { original({{kKey, 0}}, Json::object()); }, std::string("rope_parameters.") + kKey, "found 0");
}

TEST(RopeConfig, PartsOfTheHeadAreNotRotated) {
  const Json linear = {{"rope_type", "linear"}, {"factor", 2}};
  expect_rope_error({{"partial_rotary_factor", 0.5}, {"rope_parameters", linear}}, "partial_rotary_factor",
                    "1 (rotating a part of the head is not supported), found 0.5");
  Json inside = linear;
  inside["partial_rotary_factor"] = 0.25;
  expect_rope_error({{"rope_parameters", inside}}, "rope_parameters.partial_rotary_factor", "found 0.25");
  inside["partial_rotary_factor"] = 1;  // comes before that of the file
  EXPECT_NO_THROW(rotary({{"partial_rotary_factor", 0.5}, {"rope_parameters", inside}}));
}

}  // namespace
}  // namespace e5v::model::test
