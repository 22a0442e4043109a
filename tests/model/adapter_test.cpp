#include "model/adapter.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "golden.h"
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

TEST(AdapterFiles, MatricesHaveTheRanksAndScalesOfTheConfig) {
  const auto folder = [](const std::string& patterns, std::int64_t rank) {
    AdapterFolder files(R"("target_modules": ["q_proj", "k_proj"], "layers_to_transform": [0])" + patterns);
    files.add("model.layers.0.self_attn.q_proj", 8, 8);
    files.add("base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight", {rank, 8});
    files.add("base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight", {4, rank});
    return files.read();
  };
  const Adapter adapter = folder(R"(, "alpha_pattern": {"k_proj": 12}, "rank_pattern": {"k_proj": 3})", 3);
  EXPECT_EQ(adapter.rank, 2);
  EXPECT_EQ(adapter.parts[0].a_RK.shape(), (tensor::Shape{2, 8}));
  EXPECT_EQ(adapter.parts[0].scale, 1);
  EXPECT_EQ(adapter.parts[1].a_RK.shape(), (tensor::Shape{3, 8}));
  EXPECT_EQ(adapter.parts[1].b_NR.shape(), (tensor::Shape{4, 3}));
  EXPECT_EQ(adapter.parts[1].scale, 4);
  EXPECT_THAT([&] { folder("", 3); },
              ThrowsMessage<ModelError>(HasSubstr("expected [2, 8]: the adapter belongs to another model")));
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

TEST(AdapterFiles, ConfigsAreLimitedInSizeAndDepth) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_THAT([&] { AdapterFolder(R"("alpha_pattern": )" + deep).add("lm_head", 32, 8).read(); },
              ThrowsMessage<ModelError>(HasSubstr("is nested too deeply")));
  EXPECT_THAT([&] { AdapterFolder(R"("x": ")" + std::string(1 << 20, ' ') + "\"").add("lm_head", 32, 8).read(); },
              ThrowsMessage<ModelError>(HasSubstr("is larger than the limit")));
}

/// An adapter that PEFT trained on the tiny model, and the folder of that model.
const char* const kTrained = "train/adapter_20step";
ModelConfig tiny_model() { return read_config(e5v::test::golden("ckpt/tiny-small-f32")); }

/// A copy of it with a changed config.
std::filesystem::path with_config(const e5v::test::TemporaryFolder& folder, const char* key, const Json& value) {
  const auto options = std::filesystem::copy_options::overwrite_existing | std::filesystem::copy_options::recursive;
  std::filesystem::copy(e5v::test::golden(kTrained), folder.path(), options);
  Json json = read_json(e5v::test::golden("train/adapter_20step/adapter_config.json"));
  json[key] = value;
  std::filesystem::remove(folder.path() / "adapter_config.json");
  folder.write("adapter_config.json", json.dump());
  return folder.path();
}

TEST(AdapterOfPeft, IsWrittenAsPeftReadsIt) {
  const ModelConfig config = tiny_model();
  const Adapter adapter = Adapter::read(e5v::test::golden(kTrained), config);
  EXPECT_FALSE(adapter.inside_llava);
  const e5v::test::TemporaryFolder folder;
  adapter.write(folder.path());
  const tensor::SafetensorsFile theirs(e5v::test::golden("train/adapter_20step/adapter_model.safetensors"));
  const tensor::SafetensorsFile ours(folder.path() / "adapter_model.safetensors");
  ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
  for (const auto& [name, view] : theirs.tensors()) {
    ASSERT_NE(ours.find(name), nullptr) << name;
    EXPECT_TRUE(std::ranges::equal(ours.find(name)->bytes(), view.bytes())) << name;
  }
  const Json json = read_json(folder.path() / "adapter_config.json");
  const Json reference = read_json(e5v::test::golden("train/adapter_20step/adapter_config.json"));
  for (const char* key : {"r", "lora_alpha", "peft_type", "task_type", "bias"})
    EXPECT_EQ(json.at(key), reference.at(key));
}

TEST(AdapterOfPeft, OfAnotherKindOrModelIsRefused) {
  const e5v::test::TemporaryFolder folder;
  const ModelConfig config = tiny_model();
  const auto read = [&](const char* key, const Json& value) {
    return [=, &folder] { Adapter::read(with_config(folder, key, value), config); };
  };
  EXPECT_THAT(read("peft_type", "IA3"), ThrowsMessage<ModelError>(HasSubstr("peft_type is \"IA3\", only LORA")));
  EXPECT_THAT(read("use_dora", true), ThrowsMessage<ModelError>(HasSubstr("use_dora is not supported")));
  EXPECT_THAT(read("bias", "all"), ThrowsMessage<ModelError>(HasSubstr("trained biases")));
  EXPECT_THAT(read("modules_to_save", {"lm_head"}), ThrowsMessage<ModelError>(HasSubstr("modules_to_save")));
  EXPECT_THAT(read("r", 4),
              ThrowsMessage<ModelError>(HasSubstr("expected [4, 128]: the adapter belongs to another model")));
  EXPECT_THAT([&] { Adapter::read(folder.path() / "none", config); },
              ThrowsMessage<ModelError>(HasSubstr("is no adapter")));
  ModelConfig narrower = config;
  narrower.text.mlp_width = 96;
  EXPECT_THAT([&] { Adapter::read(e5v::test::golden(kTrained), narrower); },
              ThrowsMessage<ModelError>(HasSubstr("another model")));
  narrower = config;
  narrower.text.layers = 2;
  EXPECT_THAT([&] { Adapter::read(e5v::test::golden(kTrained), narrower); },
              ThrowsMessage<ModelError>(HasSubstr("which has 2 layers")));
}

TEST(AdapterOfPeft, ScalesFollowTheConfig) {
  const e5v::test::TemporaryFolder folder;
  const ModelConfig config = tiny_model();
  EXPECT_EQ(Adapter::read(e5v::test::golden(kTrained), config).parts[0].scale, 2.0f);
  EXPECT_FLOAT_EQ(Adapter::read(with_config(folder, "use_rslora", true), config).parts[0].scale, 16 / std::sqrt(8.0f));
  const Adapter own = Adapter::read(with_config(folder, "alpha_pattern", {{"self_attn.k_proj", 4}}), config);
  EXPECT_EQ(own.parts[0].scale, 2.0f);
  EXPECT_EQ(own.parts[1].scale, 0.5f);
}

TEST(AdapterOfPeft, NamesInsideLlavaNextAreUnderstood) {
  const e5v::test::TemporaryFolder folder;
  const ModelConfig config = tiny_model();
  const tensor::SafetensorsFile file(e5v::test::golden("train/adapter_20step/adapter_model.safetensors"));
  for (const char* prefix : {"base_model.model.language_model.model.", "base_model.model.model.language_model."}) {
    std::vector<tensor::TensorSpec> specs;
    for (const auto& [name, view] : file.tensors()) {
      specs.push_back({prefix + name.substr(std::string("base_model.model.model.").size()), view.dtype, view.shape});
    }
    with_config(folder, "r", 8);
    tensor::SafetensorsWriter writer(folder.path() / "adapter_model.safetensors", specs);
    std::size_t next = 0;
    for (const auto& [name, view] : file.tensors()) writer.write(specs[next++].name, view.bytes());
    writer.finish();
    const Adapter adapter = Adapter::read(folder.path(), config);
    EXPECT_EQ(adapter.parts.size(), 28u) << prefix;
    EXPECT_TRUE(adapter.inside_llava);
    const e5v::test::TemporaryFolder written;
    adapter.write(written.path());
    EXPECT_TRUE(tensor::SafetensorsFile(written.path() / "adapter_model.safetensors")
                    .find("base_model.model.model.language_model.layers.3.mlp.up_proj.lora_A.weight"));
    const Adapter again = Adapter::read(written.path(), config);
    EXPECT_TRUE(again.inside_llava);
    EXPECT_EQ(again.parts.size(), 28u);
  }
}

}  // namespace
}  // namespace e5v::model
