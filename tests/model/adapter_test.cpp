// What the files of adapters say; what PEFT itself wrote is read in tests/train/adapter_golden_test.cpp.
#include "model/adapter.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/checkpoint.h"
#include "temporary_folder.h"
#include "tensor/safetensors_writer.h"

namespace e5v::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

ModelConfig small_model() {
  ModelConfig model;
  LlamaConfig& config = model.text;
  config.layers = 2, config.width = 8, config.heads = 2, config.kv_heads = 1, config.head_width = 4;
  config.mlp_width = 16, config.vocabulary = 32;
  ClipConfig& vision = model.vision.emplace();
  vision.layers = 3, vision.width = 4, vision.heads = 2, vision.mlp_width = 8, vision.image_size = 28;
  vision.patch_size = 14;
  return model;
}

/// The modules of the tests' adapters: q and k of both blocks.
std::vector<std::string> modules(const std::string& model) {
  std::vector<std::string> names;
  for (const char* layer : {"layers.0.", "layers.1."}) {
    for (const char* matrix : {"self_attn.q_proj", "self_attn.k_proj"}) names.push_back(model + layer + matrix);
  }
  return names;
}

struct AdapterFiles {
  std::string patterns;                            ///< members of the config beside r = 2 and lora_alpha = 2
  std::vector<std::int64_t> ranks = {2, 2, 2, 2};  ///< of modules()
  std::string model = "model.";                    ///< what the names of modules begin with
};

Adapter read(const AdapterFiles& files) {
  const e5v::test::TemporaryFolder folder;
  folder.write("adapter_config.json",
               R"({"peft_type": "LORA", "target_modules": ["q_proj", "k_proj"], "r": 2, "lora_alpha": 2, )" +
                   files.patterns + "}");
  std::vector<tensor::TensorSpec> specs;
  std::size_t index = 0;
  for (const std::string& module : modules(files.model)) {
    const std::int64_t rank = files.ranks[index], outputs = index++ % 2 == 0 ? 8 : 4;
    specs.push_back({"base_model.model." + module + ".lora_A.weight", tensor::DType::f32, {rank, 8}});
    specs.push_back({"base_model.model." + module + ".lora_B.weight", tensor::DType::f32, {outputs, rank}});
  }
  tensor::SafetensorsWriter writer(folder.path() / "adapter_model.safetensors", specs);
  for (const tensor::TensorSpec& spec : specs) {
    const tensor::Tensor tensor(spec.dtype, spec.shape);
    std::ranges::fill(tensor.as<float>(), 1.0f);
    writer.write(spec.name, tensor.view().bytes());
  }
  writer.finish();
  return Adapter::read(folder.path(), small_model());
}

/// alpha / r of q and k of both blocks.
std::vector<float> scales(const AdapterFiles& files) {
  std::vector<float> found;
  for (const nn::Lora& part : read(files).parts) found.push_back(part.scale);
  return found;
}

TEST(AdapterPatterns, KeysAreWholeNamesEndsOfThemAndExpressions) {
  EXPECT_THAT(scales({R"("alpha_pattern": {})"}), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": {"k_proj": 8})"}), ElementsAre(1, 4, 1, 4));
  EXPECT_THAT(scales({R"("alpha_pattern": {"self_attn.q_proj": 8})"}), ElementsAre(4, 1, 4, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": {"model.layers.0.self_attn.q_proj": 8})"}), ElementsAre(4, 1, 1, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": {"layers.*.q_proj": 8})"}), ElementsAre(4, 1, 4, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": {"layers\\.[1-9]\\..*": 8})"}), ElementsAre(1, 1, 4, 4));
  EXPECT_THAT(scales({R"("alpha_pattern": {"q_proj|k_proj": 8})"}), ElementsAre(4, 4, 4, 4));
}

TEST(AdapterPatterns, TheFirstKeyInTheFileCounts) {
  EXPECT_THAT(scales({R"("alpha_pattern": {"q_proj": 8, "model.layers.0.self_attn.q_proj": 16, ".*": 4})"}),
              ElementsAre(4, 2, 4, 2));
  EXPECT_THAT(scales({R"("alpha_pattern": {"model.layers.0.self_attn.q_proj": 16, "q_proj": 8})"}),
              ElementsAre(8, 1, 4, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": {".*": 4, "q_proj": 8})"}), ElementsAre(2, 2, 2, 2));
}

TEST(AdapterPatterns, RanksHaveTheirOwn) {
  const AdapterFiles files{R"("alpha_pattern": {"k_proj": 8}, "rank_pattern": {"layers.1.*": 4})", {2, 2, 4, 4}};
  EXPECT_THAT(scales(files), ElementsAre(1, 4, 0.5, 2));
  const Adapter adapter = read(files);
  EXPECT_EQ(adapter.rank, 2);
  EXPECT_EQ(adapter.parts[0].a_RK.shape(), (tensor::Shape{2, 8}));
  EXPECT_EQ(adapter.parts[3].b_NR.shape(), (tensor::Shape{4, 4}));
  EXPECT_THAT([&] { read({R"("rank_pattern": {"k_proj": 4})"}); },
              ThrowsMessage<ModelError>(HasSubstr("expected [4, 8]: the adapter belongs to another model")));
}

TEST(AdapterPatterns, NamesAreThoseOfTheFile) {
  const std::string patterns = R"("alpha_pattern": {"language_model.layers.0.self_attn.q_proj": 8,
                                                    "model.layers.1.self_attn.q_proj": 16})";
  EXPECT_THAT(scales({patterns, {2, 2, 2, 2}, "model.language_model."}), ElementsAre(4, 1, 1, 1));
  EXPECT_THAT(scales({patterns, {2, 2, 2, 2}, "language_model.model."}), ElementsAre(1, 1, 8, 1));
}

TEST(AdapterPatterns, KeysThatNoModuleHasArePassedOver) {
  EXPECT_THAT(scales({R"("alpha_pattern": {"up_proj": 4, "roj": 8, "q": 8, "layers.7.self_attn.q_proj": 8})"}),
              ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(scales({R"("alpha_pattern": null, "rank_pattern": null)"}), ElementsAre(1, 1, 1, 1));
}

TEST(AdapterPatterns, WhatIsBrokenIsSaid) {
  const auto expect_error = [](const std::string& patterns, const std::string& message) {
    EXPECT_THAT(
        [&] { read({patterns}); },
        ThrowsMessage<ModelError>(AllOf(StartsWith("["), HasSubstr("adapter_config.json] "), HasSubstr(message))))
        << patterns;
  };
  expect_error(R"("alpha_pattern": [])", R"("alpha_pattern" has an unexpected type: array)");
  expect_error(R"("alpha_pattern": {"q_proj": "8"})", R"("q_proj" has an unexpected type: string)");
  expect_error(R"("rank_pattern": {"q_proj": null})", R"("q_proj" has an unexpected type: null)");
  expect_error(R"("rank_pattern": {"q_proj(": 4})", R"(a key of "rank_pattern" is )");
  expect_error(R"("rank_pattern": {"q_proj(": 4})", "missing closing parenthesis");
  expect_error(R"("rank_pattern": {"q_proj": 0})", "rank 0 is not positive");
  std::string many = R"("a": 1)";
  for (int i = 0; i < 5000; ++i) many += fmt::format(R"(, "{}": 1)", i);
  expect_error(R"("alpha_pattern": {)" + many + "}", R"("alpha_pattern" has 5001 keys, more than the limit of 4096)");
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  expect_error(R"("alpha_pattern": )" + deep, "is nested too deeply");
  expect_error(R"("padding": ")" + std::string(1 << 20, ' ') + "\"", "is larger than the limit");
}

/// An adapter of any matrices: tensors of ones under their names, and the config's members beside r = 2, lora_alpha
/// = 2.
class AdapterFolder {
 public:
  explicit AdapterFolder(const std::string& members) {
    folder_.write("adapter_config.json", R"({"peft_type": "LORA", "r": 2, "lora_alpha": 2, )" + members + "}");
  }

  AdapterFolder& add(const std::string& name, const tensor::Shape& shape, float value = 1) {
    specs_.push_back({name, tensor::DType::f32, shape});
    values_.push_back(value);
    return *this;
  }
  /// lora_A and lora_B of a module.
  AdapterFolder& add(const std::string& module, std::int64_t outputs, std::int64_t inputs) {
    add("base_model.model." + module + ".lora_A.weight", {2, inputs});
    return add("base_model.model." + module + ".lora_B.weight", {outputs, 2});
  }

  Adapter read(const ModelConfig& config = small_model()) const {
    tensor::SafetensorsWriter writer(path() / "adapter_model.safetensors", specs_);
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      tensor::Tensor tensor(specs_[i].dtype, specs_[i].shape);
      std::ranges::fill(tensor.as<float>(), values_[i]);
      writer.write(specs_[i].name, tensor.view().bytes());
    }
    writer.finish();
    return Adapter::read(path(), config);
  }
  std::vector<std::string> targets(const ModelConfig& config = small_model()) const {
    std::vector<std::string> names;
    for (const nn::Lora& part : read(config).parts) names.push_back(part.target);
    return names;
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  e5v::test::TemporaryFolder folder_;
  std::vector<tensor::TensorSpec> specs_;
  std::vector<float> values_;
};

/// Of q and k of both blocks, with a member more.
Adapter with_member(const std::string& member) { return read({member}); }

TEST(AdapterFields, WhatPeftComputesOtherwiseIsRefusedByItsName) {
  const auto expect_refusal = [](const std::string& member, const std::string& message) {
    EXPECT_THAT([&] { with_member(member); },
                ThrowsMessage<ModelError>(AllOf(HasSubstr("adapter_config.json] "), HasSubstr(message))))
        << member;
  };
  for (const char* value : {"pissa", "pissa_niter_4", "olora", "OLoRA", "corda", "loftq", "lora_ga"}) {
    expect_refusal(fmt::format(R"("init_lora_weights": "{}")", value),
                   fmt::format(R"("init_lora_weights" is "{}": such an adapter belongs to base weights)", value));
  }
  expect_refusal(R"("init_lora_weights": "of_tomorrow")",
                 R"("init_lora_weights" is "of_tomorrow", which is not known)");
  expect_refusal(R"("alora_invocation_tokens": [1, 2])", "alora_invocation_tokens is not supported (activated LoRA");
  for (const char* name : {"use_dora", "lora_bias", "use_qalora"}) {
    expect_refusal(fmt::format(R"("{}": true)", name), fmt::format("{} is not supported", name));
  }
  for (const char* name : {"modules_to_save", "trainable_token_indices", "target_parameters", "layer_replication"}) {
    expect_refusal(fmt::format(R"("{}": ["x"])", name), fmt::format("{} is not supported", name));
  }
  for (const char* name : {"use_bdlora", "monteclora_config", "arrow_config", "kasa_config", "megatron_config"}) {
    expect_refusal(fmt::format(R"("{}": {{"x": 1}})", name), fmt::format("{} is not supported", name));
  }
  expect_refusal(R"("bias": "lora_only")", "trained biases");
  for (const char* value : {"true", "1", R"("x")", "[0]", R"({"a": null})"}) {
    expect_refusal(fmt::format(R"("of_tomorrow": {})", value), R"("of_tomorrow" is an unknown field)");
  }
}

TEST(AdapterFields, WhatDoesNotMatterDoesNot) {
  for (const char* member :
       {R"("init_lora_weights": true)", R"("init_lora_weights": false)", R"("init_lora_weights": null)",
        R"("init_lora_weights": "gaussian")", R"("init_lora_weights": "eva", "eva_config": {"rho": 1.0})",
        R"("init_lora_weights": "orthogonal")", R"("init_lora_weights": "mica")", R"("fan_in_fan_out": true)",
        R"("inference_mode": false, "task_type": "CAUSAL_LM", "peft_version": "0.21.2", "revision": "main")",
        R"("auto_mapping": {"base_model_class": "X"}, "base_model_name_or_path": "x", "lora_dropout": 0.5)",
        R"("loftq_config": {"loftq_bits": 4}, "corda_config": {"a": 1}, "lora_ga_config": {"a": 1})",
        R"("velora_config": {"num_groups": 4}, "qalora_group_size": 32, "runtime_config": {"a": 1})",
        R"("megatron_core": "x", "ensure_weight_tying": true, "modules_to_save": [], "alora_invocation_tokens": null)",
        R"("of_tomorrow": null, "a": false, "b": [], "c": {}, "d": "", "use_dora": false, "kasa_config": null)"}) {
    EXPECT_THAT(scales({member}), ElementsAre(1, 1, 1, 1)) << member;
  }
}

TEST(AdapterFields, ScalesAreFinite) {
  EXPECT_THAT([] { with_member(R"("alpha_pattern": {"q_proj": 1e300})"); },
              ThrowsMessage<ModelError>(HasSubstr("lora_alpha 1e+300 is too large")));
  EXPECT_THAT([] { with_member(R"("rank_pattern": {"q_proj": 2.5})"); },
              ThrowsMessage<ModelError>(HasSubstr("rank 2.5 is not positive, or no whole number")));
}

TEST(AdapterFiles, TowerProjectorAndHeadAreRead) {
  AdapterFolder folder(R"("target_modules": ["fc2", "linear_1", "lm_head"])");
  for (const char* layer : {"0", "1", "2"})
    folder.add(fmt::format("model.vision_tower.encoder.layers.{}.mlp.fc2", layer), 4, 8);
  folder.add("model.multi_modal_projector.linear_1", 8, 4).add("lm_head", 32, 8);
  EXPECT_THAT(folder.targets(),
              ElementsAre("vision_tower.encoder.layers.0.mlp.fc2", "vision_tower.encoder.layers.1.mlp.fc2",
                          "vision_tower.encoder.layers.2.mlp.fc2", "projector.linear_1", "lm_head"));
  ModelConfig blind = small_model();
  blind.vision.reset();
  EXPECT_THAT([&] { folder.read(blind); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr("vision tower"), HasSubstr("a language model alone"))));
}

TEST(AdapterFiles, NamesOfAllGenerationsAreOneModel) {
  const auto targets = [](const std::string& module) {
    return AdapterFolder(R"("target_modules": ".*layers.1.self_attn.q_proj")").add(module, 8, 8).targets();
  };
  for (const char* prefix : {"model.", "model.language_model.", "language_model.model.", "language_model."}) {
    EXPECT_THAT(targets(fmt::format("{}layers.1.self_attn.q_proj", prefix)),
                ElementsAre("language_model.layers.1.self_attn.q_proj"));
  }
  EXPECT_THAT(targets("layers.1.self_attn.q_proj"), ElementsAre("language_model.layers.1.self_attn.q_proj"));
  AdapterFolder tower(R"("target_modules": ["fc1"], "layers_to_transform": 1)");
  EXPECT_THAT(tower.add("vision_tower.vision_model.encoder.layers.1.mlp.fc1", 8, 4).targets(),
              ElementsAre("vision_tower.encoder.layers.1.mlp.fc1"));
}

TEST(AdapterFiles, OneMatrixUnderTwoNamesIsRefused) {
  AdapterFolder folder(R"("target_modules": ["q_proj"], "layers_to_transform": [0])");
  folder.add("model.layers.0.self_attn.q_proj", 8, 8).add("model.language_model.layers.0.self_attn.q_proj", 8, 8);
  EXPECT_THAT([&] { folder.read(); }, ThrowsMessage<ModelError>(HasSubstr("name the same matrix")));
  AdapterFolder wrapped(R"("target_modules": ["q_proj"], "layers_to_transform": [0])");
  wrapped.add("model.layers.0.self_attn.q_proj", 8, 8).add("model.layers.0.self_attn.q_proj.lora_A.weight", {2, 8});
  EXPECT_THAT([&] { wrapped.read(); }, ThrowsMessage<ModelError>(HasSubstr("name the same matrix")));
}

TEST(AdapterFiles, ConfigAndTensorsNameTheSameMatrices) {
  const std::string q0 = "model.language_model.layers.0.self_attn.q_proj";
  EXPECT_THAT([&] { AdapterFolder(R"("target_modules": ["k_proj"])").add(q0, 8, 8).read(); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr("holds matrices of \"" + q0 + "\""), HasSubstr("leave out"))));
  EXPECT_THAT(
      [&] { AdapterFolder(R"("target_modules": ["q_proj"])").add(q0, 8, 8).read(); },
      ThrowsMessage<ModelError>(AllOf(HasSubstr("no matrices of \"model.language_model.layers.1.self_attn.q_proj\""),
                                      HasSubstr("the file is incomplete"))));
  // The tower has a q_proj, too, but nothing of it is in the file; and its last layer is not computed.
  AdapterFolder folder(R"("target_modules": ["q_proj"])");
  folder.add(q0, 8, 8).add("model.language_model.layers.1.self_attn.q_proj", 8, 8);
  EXPECT_EQ(folder.read().parts.size(), 2u);
  folder.add("model.vision_tower.encoder.layers.0.self_attn.q_proj", 4, 4);
  EXPECT_THAT([&] { folder.read(); },
              ThrowsMessage<ModelError>(HasSubstr("vision_tower.encoder.layers.1.self_attn.q_proj")));
  EXPECT_EQ(folder.add("model.vision_tower.encoder.layers.1.self_attn.q_proj", 4, 4).read().parts.size(), 4u);
}

TEST(AdapterFiles, OtherTensorsAreRefusedByTheirNames) {
  const std::string q0 = "model.language_model.layers.0.self_attn.q_proj";
  const auto expect_refusal = [&](const std::string& name, const std::string& message) {
    AdapterFolder folder(R"("target_modules": ["q_proj"], "layers_to_transform": [0])");
    folder.add(q0, 8, 8).add("base_model.model." + name, tensor::Shape{8});
    EXPECT_THAT([&] { folder.read(); },
                ThrowsMessage<ModelError>(AllOf(
                    HasSubstr("adapter_model.safetensors] \"base_model.model." + name + "\""), HasSubstr(message))));
  };
  expect_refusal("model.language_model.embed_tokens.lora_embedding_A", "LoRA of the token embeddings");
  expect_refusal("model.language_model.embed_tokens.base_layer.weight", "weights of the base");
  expect_refusal("model.language_model.embed_tokens.weight", "weights of the base");
  expect_refusal("model.language_model.norm.modules_to_save.weight", "saved whole");
  expect_refusal(q0 + ".base_layer.weight", "weights of the base");
  expect_refusal(q0 + ".lora_magnitude_vector", "DoRA is not supported");
  expect_refusal(q0 + ".lora_B.bias", "biases are not supported");
  expect_refusal(q0 + ".lora_A.default.weight", "only PEFT's lora_A.weight and lora_B.weight");
}

TEST(AdapterFiles, MatricesOfNoLayerAreRefusedByTheirNames) {
  const auto expect_refusal = [](const std::string& module, const std::string& message) {
    AdapterFolder folder(fmt::format(R"("target_modules": ["{}"])", module));
    folder.add(module, 8, 8);
    EXPECT_THAT([&] { folder.read(); },
                ThrowsMessage<ModelError>(AllOf(HasSubstr(fmt::format("\"{}\"", module)), HasSubstr(message))));
  };
  expect_refusal("model.vision_tower.embeddings.patch_embedding", "in the vision tower's 3 layers, LoRA is read for");
  expect_refusal("model.multi_modal_projector.linear_3", "the adapter belongs to another model");
  AdapterFolder nameless(R"("target_modules": ["base_model.model"])");
  nameless.add("base_model.model.lora_A.weight", {2, 8}).add("base_model.model.lora_B.weight", {8, 2});
  EXPECT_THAT([&] { nameless.read(); }, ThrowsMessage<ModelError>(HasSubstr("\"base_model.model\"")));
  expect_refusal("model.layers.2.mlp.up_proj", "no matrix of the language model, which has 2 layers");
}

TEST(AdapterFiles, NumbersMustBeFiniteAndOfAKnownType) {
  AdapterFolder folder(R"("target_modules": ["q_proj"], "layers_to_transform": [0])");
  folder.add("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", {2, 8}, std::nanf(""));
  folder.add("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", tensor::Shape{8, 2});
  EXPECT_THAT(
      [&] { folder.read(); },
      ThrowsMessage<ModelError>(AllOf(HasSubstr("adapter_model.safetensors] "),
                                      HasSubstr("layers.0.self_attn.q_proj.lora_A.weight\" holds NaN or infinity"))));
  const e5v::test::TemporaryFolder wide;
  wide.write("adapter_config.json", R"({"r": 1, "target_modules": "lm_head"})");
  tensor::SafetensorsWriter writer(wide.path() / "adapter_model.safetensors",
                                   {{"base_model.model.lm_head.lora_A.weight", tensor::DType::f64, {1, 8}},
                                    {"base_model.model.lm_head.lora_B.weight", tensor::DType::f64, {32, 1}}});
  writer.write("base_model.model.lm_head.lora_A.weight", tensor::Tensor(tensor::DType::f64, {1, 8}).view().bytes());
  writer.write("base_model.model.lm_head.lora_B.weight", tensor::Tensor(tensor::DType::f64, {32, 1}).view().bytes());
  writer.finish();
  EXPECT_THAT(
      [&] { Adapter::read(wide.path(), small_model()); },
      ThrowsMessage<ModelError>(HasSubstr("adapter_model.safetensors] \"lm_head.lora_A.weight\" is stored as f64")));
}

TEST(AdapterFiles, OtherFilesAreNamed) {
  const e5v::test::TemporaryFolder folder;
  const auto expect_error = [&](const std::string& message) {
    Hasher hasher;
    EXPECT_THAT([&] { Adapter::read(folder.path(), small_model()); }, ThrowsMessage<ModelError>(HasSubstr(message)));
    EXPECT_THAT([&] { Adapter::add_content(folder.path(), hasher); }, ThrowsMessage<ModelError>(HasSubstr(message)));
  };
  expect_error("is no adapter: it has no adapter_config.json");
  folder.write("adapter_config.json", R"({"peft_type": "LORA"})");
  expect_error("is no adapter: it has no adapter_model.safetensors");
  folder.write("adapter_model.bin", "pickled");
  expect_error("adapter_model.bin] is a pickled adapter, expected adapter_model.safetensors");
  folder.write("adapter_model.safetensors", "no safetensors");
  EXPECT_THAT([&] { Adapter::read(folder.path(), small_model()); },
              ThrowsMessage<ModelError>(HasSubstr("adapter_model.safetensors] ")));
  folder.write("non_lora_trainables.bin", "pickled");
  expect_error("non_lora_trainables.bin] holds weights that were trained together with the adapter");
}

}  // namespace
}  // namespace e5v::model
