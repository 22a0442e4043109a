#include "model/adapter_config.h"

#include <gmock/gmock.h>

#include <cmath>

namespace e5v::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

/// r = 2, lora_alpha = 2, and other members.
AdapterConfig adapter_config(const std::string& members) {
  const std::string json = R"({"peft_type": "LORA", "r": 2, "lora_alpha": 2)" + (members.empty() ? "" : ", " + members);
  return {parse_ordered_json(json + "}", "adapter_config.json"), "adapter_config.json"};
}

/// The scales of q and k of two blocks whose names begin with `prefix`.
std::vector<float> scales_of(const std::string& members, const std::string& prefix = "model.") {
  const AdapterConfig config = adapter_config(members);
  std::vector<float> scales;
  for (const char* layer : {"layers.0.", "layers.1."}) {
    for (const char* matrix : {"self_attn.q_proj", "self_attn.k_proj"})
      scales.push_back(config.scale_of(prefix + layer + matrix));
  }
  return scales;
}

TEST(AdapterConfig, AbsentFieldsTakePeftsDefaults) {
  const AdapterConfig config(parse_ordered_json("{}", "c"), "c");
  EXPECT_EQ(config.rank(), 8);
  EXPECT_EQ(config.alpha(), 8);
  EXPECT_EQ(config.dropout(), 0);
  EXPECT_EQ(config.scale_of("model.layers.0.self_attn.q_proj"), 1);
  EXPECT_TRUE(config.targets("model.layers.0.self_attn.v_proj"));
  EXPECT_FALSE(config.targets("model.layers.0.self_attn.k_proj"));
}

TEST(AdapterConfig, ScalesAreAlphaByRankOrByItsRoot) {
  const auto scale = [](const std::string& members) { return scales_of(members)[0]; };
  EXPECT_EQ(scale(""), 1);
  EXPECT_EQ(scale(R"("alpha_pattern": {"q_proj": 3})"), 1.5f);
  EXPECT_FLOAT_EQ(scale(R"("use_rslora": true)"), static_cast<float>(2 / std::sqrt(2.0)));
  EXPECT_FLOAT_EQ(scale(R"("use_rslora": true, "rank_pattern": {"q_proj": 16})"), 0.5f);
  EXPECT_THAT([&] { scale(R"("alpha_pattern": {"q_proj": 1e300})"); },
              ThrowsMessage<ModelError>("[adapter_config.json] lora_alpha 1e+300 is too large"));
}

TEST(AdapterConfig, RanksArePositiveWholeNumbers) {
  const auto rank = [](const std::string& value) {
    return adapter_config(R"("rank_pattern": {"q_proj": )" + value + "}").rank_of("model.layers.0.self_attn.q_proj");
  };
  EXPECT_EQ(rank("4"), 4);
  EXPECT_EQ(rank("4.0"), 4);
  EXPECT_EQ(rank("1073741824"), 1 << 30);
  for (const char* value : {"2.5", "0", "-3", "1073741825"}) {
    EXPECT_THAT([&] { rank(value); }, ThrowsMessage<ModelError>(fmt::format(
                                          "[adapter_config.json] rank {} is not positive, or no whole number", value)));
  }
}

TEST(AdapterConfig, TypesOfFieldsAreChecked) {
  const auto message_of = [](const std::string& json) -> std::string {
    try {
      AdapterConfig(parse_ordered_json(json, "c"), "c");
    } catch (const ModelError& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(message_of("[1]"), "[c] expected an object, found array");
  EXPECT_EQ(message_of(R"({"r": "8"})"), R"([c] "r" has an unexpected type: string)");
  EXPECT_EQ(message_of(R"({"r": 8.5})"), R"([c] "r" is 8.5, expected a whole number of at most 64 bits)");
  EXPECT_EQ(message_of(R"({"lora_alpha": []})"), R"([c] "lora_alpha" has an unexpected type: array)");
  EXPECT_EQ(message_of(R"({"use_rslora": "yes"})"), R"([c] "use_rslora" has an unexpected type: string)");
  EXPECT_EQ(message_of(R"({"use_dora": true, "r": "8"})").substr(0, 29), "[c] use_dora is not supported");
}

TEST(AdapterPatterns, KeysAreWholeNamesEndsOfThemAndExpressions) {
  EXPECT_THAT(scales_of(R"("alpha_pattern": {})"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"k_proj": 8})"), ElementsAre(1, 4, 1, 4));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"self_attn.q_proj": 8})"), ElementsAre(4, 1, 4, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"model.layers.0.self_attn.q_proj": 8})"), ElementsAre(4, 1, 1, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"layers.*.q_proj": 8})"), ElementsAre(4, 1, 4, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"layers\\.[1-9]\\..*": 8})"), ElementsAre(1, 1, 4, 4));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"q_proj|k_proj": 8})"), ElementsAre(4, 4, 4, 4));
}

TEST(AdapterPatterns, TheFirstKeyInTheFileCounts) {
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"q_proj": 8, "model.layers.0.self_attn.q_proj": 16, ".*": 4})"),
              ElementsAre(4, 2, 4, 2));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"model.layers.0.self_attn.q_proj": 16, "q_proj": 8})"),
              ElementsAre(8, 1, 4, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": {".*": 4, "q_proj": 8})"), ElementsAre(2, 2, 2, 2));
}

TEST(AdapterPatterns, RanksHaveTheirOwn) {
  const std::string members = R"("alpha_pattern": {"k_proj": 8}, "rank_pattern": {"layers.1.*": 4})";
  EXPECT_THAT(scales_of(members), ElementsAre(1, 4, 0.5, 2));
  EXPECT_EQ(adapter_config(members).rank(), 2);
  EXPECT_EQ(adapter_config(members).rank_of("model.layers.0.self_attn.q_proj"), 2);
  EXPECT_EQ(adapter_config(members).rank_of("model.layers.1.self_attn.k_proj"), 4);
}

TEST(AdapterPatterns, NamesAreThoseOfTheFile) {
  const std::string patterns = R"("alpha_pattern": {"language_model.layers.0.self_attn.q_proj": 8,
                                                    "model.layers.1.self_attn.q_proj": 16})";
  EXPECT_THAT(scales_of(patterns, "model.language_model."), ElementsAre(4, 1, 1, 1));
  EXPECT_THAT(scales_of(patterns, "language_model.model."), ElementsAre(1, 1, 8, 1));
}

TEST(AdapterPatterns, KeysThatNoModuleHasArePassedOver) {
  EXPECT_THAT(scales_of(R"("alpha_pattern": {"up_proj": 4, "roj": 8, "q": 8, "layers.7.self_attn.q_proj": 8})"),
              ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(scales_of(R"("alpha_pattern": null, "rank_pattern": null)"), ElementsAre(1, 1, 1, 1));
}

TEST(AdapterPatterns, WhatIsBrokenIsSaid) {
  const auto expect_error = [](const std::string& members, const std::string& message) {
    EXPECT_THAT([&] { adapter_config(members); },
                ThrowsMessage<ModelError>(AllOf(StartsWith("[adapter_config.json] "), HasSubstr(message))))
        << members;
  };
  expect_error(R"("alpha_pattern": [])", R"("alpha_pattern" has an unexpected type: array)");
  expect_error(R"("alpha_pattern": {"q_proj": "8"})", R"("q_proj" has an unexpected type: string)");
  expect_error(R"("rank_pattern": {"q_proj": null})", R"("q_proj" has an unexpected type: null)");
  expect_error(R"("rank_pattern": {"q_proj(": 4})", R"(a key of "rank_pattern" is )");
  expect_error(R"("rank_pattern": {"q_proj(": 4})", "missing closing parenthesis");
  std::string many = R"("a": 1)";
  for (int i = 0; i < 5000; ++i) many += fmt::format(R"(, "{}": 1)", i);
  expect_error(R"("alpha_pattern": {)" + many + "}", R"("alpha_pattern" has 5001 keys, more than the limit of 4096)");
}

}  // namespace
}  // namespace e5v::model
