#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "golden.h"
#include "model/checkpoint.h"
#include "model/sequence.h"
#include "model/unused_tensors.h"
#include "ops/isa.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {
namespace {

using e5v::test::golden;
using tensor::DType;
using tensor::Tensor;
using tensor::TensorMap;
using tensor::WeightFormat;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// The model of tools/make_quantised_goldens.py.
ModelConfig tiny_config() {
  ModelConfig config;
  config.text = {.vocabulary = 40,
                 .width = 16,
                 .layers = 2,
                 .heads = 2,
                 .kv_heads = 2,
                 .head_width = 8,
                 .mlp_width = 24,
                 .max_positions = 64,
                 .rms_eps = 1e-5f,
                 .rope_theta = 10000,
                 .rope_scaling = std::nullopt,
                 .sliding_window = std::nullopt,
                 .tied_head = true};
  return config;
}

/// A quantised checkpoint of the goldens, to be changed and opened.
struct Scheme {
  tensor::SafetensorsFile file{golden("quantised/schemes.safetensors")};
  Json facts = read_json(golden("quantised/schemes.json"));
  std::string name;
  Json config;
  TensorMap tensors;
  std::vector<Tensor> own;

  explicit Scheme(std::string of) : name(std::move(of)), config(facts.at("schemes").at(name)) {
    for (const std::string& prefix : {std::string("shared/"), name + "/"}) {
      for (const auto& [key, view] : file.tensors()) {
        if (key.starts_with(prefix) && !key.ends_with("/right")) tensors.emplace(key.substr(prefix.size()), view);
      }
    }
  }

  Json& group() { return config.at("config_groups").at("group_0"); }
  void set(const std::string& key, Tensor tensor) {
    tensors.insert_or_assign(key, own.emplace_back(std::move(tensor)).view());
  }
  Quantization quantization() const {
    const Json whole{{"quantization_config", config}};
    return Quantization::from(Fields(whole, "config.json"));
  }
  Checkpoint open() const { return {tensors, "DIR", quantization()}; }
  std::span<const float> right() const { return file.find(name + "/right")->as<float>(); }

  std::vector<float> vector(nn::Precision precision) const {
    Checkpoint checkpoint = open();
    checkpoint.decode_as(decoded_type(precision));
    const LlamaConfig text = tiny_config().text;
    const Llama llama(LlamaWeights::from(checkpoint, text), text, precision);
    const auto ids = facts.at("ids").get<std::vector<std::int32_t>>();
    const auto length = static_cast<std::int64_t>(ids.size());
    const Tensor x(DType::f32, {length, text.width}), y(DType::f32, {1, text.width});
    tensor::Arena arena;
    llama.embed(ids, matrix_of(x), arena);
    llama.forward(matrix_of(x), one_sequence(length), matrix_of(y), arena);
    const auto values = y.as<float>();
    return {values.begin(), values.end()};
  }
};

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

INSTANTIATE_TEST_SUITE_P(All, QuantisedScheme, testing::ValuesIn(scheme_names()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Quantised, IntegersAreUsedAsTheyAreStoredWhereTheyCanBe) {
  const auto format = [](const char* name) { return Scheme(name).open().stored_format(); };
  for (const char* name : {"w8a8-channel", "w8a16-channel", "w4afp8", "w8a8-tensor-static-asymmetric"})
    EXPECT_EQ(format(name), WeightFormat::int8) << name;
  for (const char* name : {"w4a16-group", "w4a16-tensor"}) EXPECT_EQ(format(name), WeightFormat::int4) << name;
  for (const char* name : {"fp8-channel-dynamic", "w8a8-asymmetric", "w4a16-group-asymmetric", "w3a16-group"})
    EXPECT_EQ(format(name), WeightFormat::plain) << name;
  EXPECT_TRUE(Scheme("fp8-block").open().quantised());
  EXPECT_EQ(Scheme("fp8-block").open().decoded().numbers, 2 * (4 * 16 * 16 + 3 * 16 * 24));
  EXPECT_EQ(Scheme("w8a16-channel").open().decoded().bytes, 2 * (4 * 16 * 16 + 3 * 16 * 24));
  EXPECT_EQ(Scheme("w8a8-channel").open().decoded().numbers, 0);
}

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

TEST(Quantised, InputsAreLeftForTrainingWhereTheirRoundingIsOptional) {
  const auto scale_of = [](const char* name) {
    const Scheme scheme(name);
    Checkpoint checkpoint = scheme.open();
    checkpoint.leave_inputs();
    return checkpoint.matrix("language_model.layers.0.mlp.up_proj.weight", 24, 16).inputs.scale;
  };
  EXPECT_EQ(scale_of("w8a8-channel"), tensor::InputRounding::Scale::none);
  EXPECT_EQ(scale_of("fp8-block"), tensor::InputRounding::Scale::none);
  EXPECT_EQ(scale_of("fp8-tensor-static"), tensor::InputRounding::Scale::given);
}

template <class Change>
std::string refusal(const char* name, const Change& change) {
  Scheme scheme(name);
  change(scheme);
  try {
    const Checkpoint checkpoint = scheme.open();
    const LlamaWeights weights = LlamaWeights::from(checkpoint, tiny_config().text);
    const Llama llama(weights, tiny_config().text, nn::Precision::f32);
    unused_tensors(checkpoint, tiny_config());
  } catch (const ModelError& error) {
    return error.what();
  }
  return "nothing";
}

constexpr const char* kUp = "model.layers.0.mlp.up_proj.";
constexpr const char* kKey = "model.layers.1.self_attn.k_proj.";

TEST(Quantised, TensorsThatContradictTheConfigAreRefusedByName) {
  EXPECT_THAT(refusal("w8a8-channel",
                      [](Scheme& s) {
                        s.set(kUp + std::string("weight"), {DType::f32, {24, 16}});
                      }),
              AllOf(HasSubstr("up_proj.weight\" is stored as f32"), HasSubstr("config_groups.group_0")));
  EXPECT_THAT(refusal("w8a8-channel", [](Scheme& s) { s.config["ignore"].push_back("re:.*layers.0.mlp"); }),
              AllOf(HasSubstr("mlp.gate_proj.weight\" is quantised"), HasSubstr("config_groups")));
  EXPECT_THAT(refusal("w8a8-channel", [](Scheme& s) { s.config = nullptr; }), HasSubstr("is quantised, but"));
  EXPECT_THAT(refusal("fp8-weights", [](Scheme& s) { s.group()["weights"]["type"] = "int"; }),
              HasSubstr("tensor \"weight\": expected i8 [16, 16]"));
  EXPECT_THAT(refusal("w4a16-group", [](Scheme& s) { s.group()["weights"]["num_bits"] = 8; }),
              AllOf(HasSubstr("tensor \"weight_packed\": expected i32 [16, 4]"), HasSubstr("(8 bits)")));
  EXPECT_THAT(refusal("w4a16-group", [](Scheme& s) { s.group()["weights"]["group_size"] = 16; }),
              HasSubstr("tensor \"weight_scale\": expected f32, f16 or bf16 [16, 1]"));
  EXPECT_THAT(refusal("w8a8-channel", [](Scheme& s) { s.tensors.erase(kUp + std::string("weight_scale")); }),
              HasSubstr("tensor \"weight_scale\" is missing"));
  EXPECT_THAT(
      refusal("w4a16-group-asymmetric", [](Scheme& s) { s.tensors.erase(kUp + std::string("weight_zero_point")); }),
      HasSubstr("tensor \"weight_zero_point\" is missing"));
  EXPECT_THAT(refusal("w4a16-group",
                      [](Scheme& s) {
                        s.set(kUp + std::string("weight"), {DType::f32, {24, 16}});
                      }),
              HasSubstr("found both"));
}

TEST(Quantised, ZeroPointsOfSymmetricSchemesMustBeZero) {
  const auto with = [](std::int8_t zero) {
    return refusal("w8a8-channel", [=](Scheme& s) {
      Tensor zeros(DType::i8, {24, 1});
      std::ranges::fill(zeros.as<std::int8_t>(), zero);
      s.set(kUp + std::string("weight_zero_point"), std::move(zeros));
    });
  };
  EXPECT_EQ(with(0), "nothing");
  EXPECT_THAT(with(5), AllOf(HasSubstr("weight_zero_point\" is not zero"), HasSubstr("symmetric")));
}

TEST(Quantised, ReorderedColumnsAreRefused) {
  EXPECT_THAT(refusal("w4a16-group",
                      [](Scheme& s) {
                        s.set(kUp + std::string("weight_g_idx"), {DType::i32, {16}});
                      }),
              HasSubstr("weight_g_idx"));
  EXPECT_THAT(refusal("w4a16-group", [](Scheme& s) { s.group()["weights"]["actorder"] = "group"; }),
              HasSubstr("weights.actorder\": expected"));
  EXPECT_EQ(refusal("w4a16-group", [](Scheme& s) { s.group()["weights"]["actorder"] = "weight"; }), "nothing");
}

TEST(Quantised, MatricesThatReadTheSameMustRoundItAlike) {
  EXPECT_THAT(
      refusal("fp8-tensor-static",
              [](Scheme& s) { s.set(kKey + std::string("input_scale"), Tensor::from<float>(std::vector{0.5f}, {1})); }),
      HasSubstr("different input_scale"));
}

TEST(Quantised, ScalesOfInputsMustBePositive) {
  EXPECT_THAT(
      refusal("fp8-tensor-static",
              [](Scheme& s) { s.set(kKey + std::string("input_scale"), Tensor::from<float>(std::vector{0.0f}, {1})); }),
      HasSubstr("input_scale\": expected a positive number, found 0"));
}

/// What older versions wrote, or other tools leave out, is not what arithmetic depends on.
TEST(Quantised, WhatChangesNothingIsAccepted) {
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

TEST(Quantised, EveryKeyThatChangesArithmeticIsRefusedByName) {
  const std::string weights = "/config_groups/group_0/weights/", inputs = "/config_groups/group_0/input_activations/";
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
      {weights + "num_bits", 1},
      {weights + "type", "complex"},
      {weights + "strategy", "tensor_group"},
      {weights + "dynamic", true},
      {weights + "actorder", "dynamic"},
      {weights + "scale_dtype", "torch.uint8"},
      {weights + "something_new", 2},
      {inputs + "num_bits", 16},
      {inputs + "strategy", "attn_head"},
      {inputs + "strategy", "tensor"},
      {inputs + "dynamic", false},
      {inputs + "dynamic", "local"},
      {inputs + "scale_dtype", "torch.float8_e4m3fn"},
      {inputs + "actorder", "weight"},
  };
  for (const auto& [path, value] : cases) {
    Scheme scheme("w8a8-channel");
    scheme.config[Json::json_pointer(path)] = value;
    std::string key = path.substr(path.rfind('/') + 1);
    if (path == "/sparsity_config") key = "sparsity_config.format";
    if (path == inputs + "dynamic" && value == Json(false)) key = "strategy";  // of rows, which is only dynamic
    EXPECT_THAT([&] { scheme.quantization(); }, ThrowsMessage<ModelError>(HasSubstr(key + "\": expected")))
        << path << value;
  }
}

TEST(Quantised, EmbeddingsThatTheConfigCallsQuantisedAreNotTakenAsTheyAre) {
  for (const char* target : {"Embedding", "re:.*embed_tokens", "model.embed_tokens"}) {
    EXPECT_THAT(refusal("w8a8-channel", [&](Scheme& s) { s.group()["targets"].push_back(target); }),
                HasSubstr("embed_tokens.weight\" is stored as"))
        << target;
  }
}

TEST(Quantised, TheConfigBelongsToTheTop) {
  const auto open = [](const Json& config) { return [config] { Quantization::from(Fields(config, "config.json")); }; };
  EXPECT_THAT(open({{"text_config", {{"quantization_config", {{"quant_method", "compressed-tensors"}}}}}}),
              ThrowsMessage<ModelError>(HasSubstr("\"text_config.quantization_config\": expected nothing here")));
  EXPECT_THAT(open({{"compression_config", {{"format", "int-quantized"}}}}),
              ThrowsMessage<ModelError>(HasSubstr("\"compression_config\": expected nothing")));
}

TEST(Quantised, KeysOfBitsandbytes) {
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
TEST(Quantised, TargetsAreFoundByTheMostSpecificName) {
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

/// transformers passes over them with a warning, and so has vectors that nobody meant.
TEST(UnusedTensors, OfModulesThatAreComputedAreRefused) {
  for (const char* name : {"model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
                           "model.layers.1.self_attn.k_scale", "model.layers.1.self_attn.v_scale",
                           "model.layers.0.mlp.down_proj.input_scale", "model.layers.0.mlp.down_proj.R4.weight",
                           "model.layers.0.mlp.up_proj.lora_A.weight", "model.layers.0.mlp.up_proj.base_layer.weight",
                           "other.lora_A.weight", "model.norm.bias"}) {
    EXPECT_THAT(refusal("w8a8-channel",
                        [&](Scheme& s) {
                          s.set(name, {DType::f32, {1}});
                        }),
                AllOf(HasSubstr(name), HasSubstr("does not read it")));
  }
}

TEST(UnusedTensors, OutsideTheModelAreNamed) {
  Scheme scheme("w8a8-channel");
  for (const char* name : {"model.layers.0.self_attn.rotary_emb.inv_freq", "lm_head.weight", "lm_head.weight_scale",
                           "model.layers.2.mlp.up_proj.weight"}) {
    scheme.set(name, {DType::f32, {1}});
  }
  EXPECT_TRUE(unused_tensors(scheme.open(), tiny_config()).empty());
  for (const char* name : {"reward_head.weight", "talker.a", "talker.b", "talker.c"})
    scheme.set(name, {DType::f32, {1}});
  const std::vector<std::string> names = unused_tensors(scheme.open(), tiny_config());
  EXPECT_THAT(names, testing::ElementsAre("reward_head.weight", "talker.a", "talker.b", "talker.c"));
  EXPECT_EQ(names_text(names), "\"reward_head.weight\", \"talker.a\", \"talker.b\" and 1 more");
}

TEST(UnusedTensors, NoneInOurGoldens) {
  for (const char* name : {"tiny-small-f32", "tiny-small-bf16-2shard", "tiny-mistral"}) {
    const auto folder = golden(std::string("ckpt/") + name);
    EXPECT_TRUE(unused_tensors(Checkpoint(folder), read_config(folder)).empty()) << name;
  }
  for (const char* name : {"tiny-clip", "tiny-clip-336"}) {
    const auto folder = golden(std::string("ckpt/") + name);
    EXPECT_TRUE(unused_tensors(Checkpoint(folder, clip_names()), read_clip_config(folder)).empty()) << name;
  }
}

TEST(UnusedTensors, OfClipAreRefusedAndNamedAlike) {
  const auto folder = golden("ckpt/tiny-clip");
  const tensor::SafetensorsFile file(folder / "model.safetensors");
  TensorMap tensors = file.tensors();
  const Tensor one(DType::f32, {1});
  tensors.emplace("head.weight", one.view());
  EXPECT_THAT(unused_tensors(Checkpoint(tensors, "DIR", std::nullopt, clip_names()), read_clip_config(folder)),
              testing::ElementsAre("head.weight"));
  tensors.emplace("text_model.encoder.layers.0.mlp.fc1.extra", one.view());
  EXPECT_THAT([&] { unused_tensors(Checkpoint(tensors, "DIR", std::nullopt, clip_names()), read_clip_config(folder)); },
              ThrowsMessage<ModelError>(HasSubstr("fc1.extra")));
}

}  // namespace
}  // namespace e5v::model::test
