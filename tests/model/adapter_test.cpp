// rank_pattern and alpha_pattern; what PEFT itself wrote is read in tests/train/adapter_golden_test.cpp.
#include "model/adapter.h"

#include <gmock/gmock.h>

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

LlamaConfig small_model() {
  LlamaConfig config;
  config.layers = 2, config.width = 8, config.heads = 2, config.kv_heads = 1, config.head_width = 4;
  config.mlp_width = 16;
  return config;
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
  const test::TemporaryFolder folder;
  folder.write("adapter_config.json", R"({"peft_type": "LORA", "r": 2, "lora_alpha": 2, )" + files.patterns + "}");
  std::vector<tensor::TensorSpec> specs;
  std::size_t index = 0;
  for (const std::string& module : modules(files.model)) {
    const std::int64_t rank = files.ranks[index], outputs = index++ % 2 == 0 ? 8 : 4;
    specs.push_back({"base_model.model." + module + ".lora_A.weight", tensor::DType::f32, {rank, 8}});
    specs.push_back({"base_model.model." + module + ".lora_B.weight", tensor::DType::f32, {outputs, rank}});
  }
  tensor::SafetensorsWriter writer(folder.path() / "adapter_model.safetensors", specs);
  for (const tensor::TensorSpec& spec : specs) {
    writer.write(spec.name, tensor::Tensor(spec.dtype, spec.shape).view().bytes());
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
              ThrowsMessage<ModelError>(HasSubstr("expected [4, 8]: the adapter is of another model")));
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

}  // namespace
}  // namespace e5v::model
