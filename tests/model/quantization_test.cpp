#include "model/quantization.h"

#include <gmock/gmock.h>

#include "model/quantised_scheme.h"

namespace e5v::model::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// The quantisation of a whole config.json.
Quantization quantization_of(const Json& config) { return Quantization::from(Fields(config, "config.json")); }

TEST(Quantization, IsNoneWithoutAConfig) {
  for (const Json& config : {Json::object(), Json{{"quantization_config", nullptr}}}) {
    const Quantization none = quantization_of(config);
    EXPECT_EQ(none.method(), Quantization::Method::none);
    EXPECT_EQ(none.text(), "");
    EXPECT_EQ(none.group_of(std::vector<std::string>{"lm_head"}, "Linear"), nullptr);
  }
}

/// What older versions wrote, or other tools leave out, is not what arithmetic depends on.
TEST(Quantization, WhatChangesNothingIsAccepted) {
  for (const char* key : {"version", "format", "ignore"}) {
    EXPECT_EQ(refusal("w8a8-channel", [&](Scheme& s) { s.config.erase(key); }), "nothing") << key;
  }
  EXPECT_EQ(refusal("w8a8-channel",
                    [](Scheme& s) {
                      s.config["sparsity_config"] = {{"format", "dense"}};
                      s.config["something_new"] = nullptr;
                      s.group()["weights"]["observer"] = "mse";
                      s.group()["weights"]["observer_kwargs"] = {{"maxshrink", 0.2}};
                    }),
            "nothing");
}

TEST(Quantization, EveryKeyThatChangesArithmeticIsRefusedByName) {
  const std::vector<std::pair<std::string, Json>> cases{
      {"/transform_config", {{"config_groups", {{"R4", Json::object()}}}}},
      {"/kv_cache_scheme", {{"num_bits", 8}}},
      {"/moe_sparsity_config", {{"experts", 2}}},
      {"/sparsity_config", {{"format", "sparse-24-bitmask"}}},
      {"/format", "marlin-24"},
      {"/format", "nvfp4-pack-quantized"},
      {"/quant_method", "gptq"},
      {"/something_new", 1},
      {"/quantization_status", "frozen"},
      {"/quantization_status", nullptr},
      {"/config_groups/group_0/format", "mxfp4-pack-quantized"},
      {"/config_groups/group_0/output_activations", {{"num_bits", 8}}},
      {"/config_groups/group_0/weights", nullptr},
      {"/config_groups/group_0/something_new", true},
  };
  for (const auto& [path, value] : cases) {
    Scheme scheme("w8a8-channel");
    scheme.config[Json::json_pointer(path)] = value;
    std::string key = path.substr(path.rfind('/') + 1);
    if (path == "/sparsity_config") key = "sparsity_config.format";
    EXPECT_THAT([&] { scheme.quantization(); }, ThrowsMessage<ModelError>(HasSubstr(key + "\": expected")))
        << path << value;
  }
}

TEST(Quantization, TheConfigBelongsToTheTop) {
  const auto open = [](const Json& config) { return [config] { Quantization::from(Fields(config, "config.json")); }; };
  EXPECT_THAT(open({{"text_config", {{"quantization_config", {{"quant_method", "compressed-tensors"}}}}}}),
              ThrowsMessage<ModelError>(HasSubstr("\"text_config.quantization_config\": expected nothing here")));
  EXPECT_THAT(open({{"compression_config", {{"format", "int-quantized"}}}}),
              ThrowsMessage<ModelError>(HasSubstr("\"compression_config\": expected nothing")));
}

TEST(Quantization, KeysOfBitsandbytes) {
  const Json good{{"quant_method", "bitsandbytes"},
                  {"load_in_4bit", true},
                  {"_load_in_4bit", true},
                  {"load_in_8bit", false},
                  {"bnb_4bit_quant_type", "nf4"},
                  {"bnb_4bit_quant_storage", "uint8"},
                  {"bnb_4bit_compute_dtype", "bfloat16"},
                  {"llm_int8_threshold", 6.0},
                  {"llm_int8_skip_modules", {"lm_head"}}};
  const auto open = [](const Json& config) {
    const Json whole{{"quantization_config", config}};
    return Quantization::from(Fields(whole, "config.json")).method();
  };
  EXPECT_EQ(open(good), Quantization::Method::bitsandbytes);
  const std::vector<std::pair<const char*, Json>> wrong{{"load_in_8bit", true},
                                                        {"load_in_4bit", false},
                                                        {"bnb_4bit_quant_type", "fp4"},
                                                        {"bnb_4bit_quant_storage", "bfloat16"},
                                                        {"bnb_4bit_something", 1}};
  for (const auto& [key, value] : wrong) {
    Json config = good;
    config[key] = value;
    EXPECT_THAT([&] { open(config); }, ThrowsMessage<ModelError>(HasSubstr(std::string(key) + "\": expected"))) << key;
  }
}

/// Names that are spelled out come before patterns, these before the class; and names of older files count, too.
TEST(Quantization, TargetsAreFoundByTheMostSpecificName) {
  Scheme scheme("w8a8-channel");
  const Json group = scheme.group();
  Json& groups = scheme.config["config_groups"];
  const auto add = [&](const char* name, const char* target) {
    groups[name] = group;
    groups[name]["targets"] = {target};
  };
  add("by_pattern", "re:.*self_attn.*");
  add("by_name", "model.language_model.layers.0.self_attn.q_proj");
  const Quantization quantization = scheme.quantization();
  const auto group_of = [&](const std::vector<std::string>& names) {
    const QuantizedGroup* found = quantization.group_of(names, "Linear");
    return found == nullptr ? "none" : found->name;
  };
  EXPECT_EQ(
      group_of({"language_model.model.layers.0.self_attn.q_proj", "model.language_model.layers.0.self_attn.q_proj"}),
      "by_name");
  EXPECT_EQ(group_of({"model.layers.1.self_attn.q_proj"}), "by_pattern");
  EXPECT_EQ(group_of({"model.layers.1.mlp.up_proj"}), "group_0");
  EXPECT_EQ(group_of({"language_model.lm_head", "lm_head"}), "none");
}

TEST(Quantization, IgnoredModulesStayPlain) {
  Scheme scheme("w8a8-channel");
  scheme.config["ignore"] = {"a.q_proj", "re:.*mlp", "Embedding"};
  scheme.group()["targets"] = {"Linear", "Embedding"};
  const Quantization quantization = scheme.quantization();
  const auto group_of = [&](const std::string& name, const char* module_class) {
    return quantization.group_of(std::vector{name}, module_class);
  };
  EXPECT_EQ(group_of("a.q_proj", "Linear"), nullptr);
  EXPECT_EQ(group_of("a.mlp.up_proj", "Linear"), nullptr);
  EXPECT_EQ(group_of("embed_tokens", "Embedding"), nullptr);
  ASSERT_NE(group_of("b.q_proj", "Linear"), nullptr);
  EXPECT_EQ(group_of("b.q_proj", "Linear")->name, "group_0");
  EXPECT_EQ(group_of("b.q_proj", "Conv2d"), nullptr);
}

/// Patterns match from the beginning of a name, and those that do not compile are named.
TEST(Quantization, PatternsAreThoseOfPython) {
  Scheme scheme("w8a8-channel");
  scheme.group()["targets"] = {"re:layers.1"};
  const Quantization quantization = scheme.quantization();
  EXPECT_NE(quantization.group_of(std::vector<std::string>{"layers.1.mlp"}, "Linear"), nullptr);
  EXPECT_NE(quantization.group_of(std::vector<std::string>{"x", "layers.1.mlp"}, "Linear"), nullptr);
  EXPECT_EQ(quantization.group_of(std::vector<std::string>{"model.layers.1.mlp"}, "Linear"), nullptr);
  scheme.group()["targets"] = {"re:("};
  EXPECT_THAT([&] { scheme.quantization(); },
              ThrowsMessage<ModelError>(HasSubstr("[config.json] a target of \"group_0\"")));
  scheme.group()["targets"] = {7};
  EXPECT_THAT([&] { scheme.quantization(); },
              ThrowsMessage<ModelError>(HasSubstr("targets\": expected a list of names")));
}

/// The text goes into fingerprints, so it names what changes vectors and nothing else.
TEST(Quantization, TextDiffersWhereVectorsDo) {
  const std::string text = Scheme("w8a8-channel").quantization().text();
  const auto changed = [](const std::string& pointer, const Json& value) {
    Scheme scheme("w8a8-channel");
    scheme.config[Json::json_pointer(pointer)] = value;
    return scheme.quantization().text();
  };
  EXPECT_EQ(changed("/version", "9.9"), text);
  EXPECT_NE(changed("/ignore", {"lm_head", "x"}), text);
  EXPECT_NE(changed("/config_groups/group_0/weights/num_bits", 4), text);
  EXPECT_NE(changed("/dequantize", true), text);
  EXPECT_EQ(changed("/run_compressed", false), changed("/dequantize", true));
}

TEST(Quantization, DecodingAtLoadingLeavesNoRoundedInputs) {
  Scheme scheme("w8a8-channel");
  const auto group = [&] { return *scheme.quantization().group_of(std::vector<std::string>{"x"}, "Linear"); };
  EXPECT_TRUE(group().inputs);
  EXPECT_FALSE(scheme.quantization().dequantizes());
  scheme.config["dequantize"] = true;
  EXPECT_FALSE(group().inputs);
  EXPECT_TRUE(scheme.quantization().dequantizes());
}

}  // namespace
}  // namespace e5v::model::test
