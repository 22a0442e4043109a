#include "model/unused_tensors.h"

#include <gmock/gmock.h>

#include "model/quantised_scheme.h"

namespace e5v::model::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// transformers passes over them with a warning, and so has vectors that nobody meant.
TEST(UnusedTensors, OfModulesThatAreComputedAreRefused) {
  for (const char* name : {"model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
                           "model.layers.1.self_attn.k_scale", "model.layers.1.self_attn.v_scale",
                           "model.layers.0.mlp.down_proj.input_scale", "model.layers.0.mlp.down_proj.R4.weight",
                           "model.layers.0.mlp.up_proj.lora_A.weight", "model.layers.0.mlp.up_proj.base_layer.weight",
                           "other.lora_A.weight", "model.norm.bias"}) {
    EXPECT_THAT(refusal("w8a8-channel",
                        [&](Scheme& s) {
                          s.set(name, {tensor::DType::f32, {1}});
                        }),
                AllOf(HasSubstr(name), HasSubstr("does not read it")));
  }
}

TEST(UnusedTensors, OutsideTheModelAreNamed) {
  Scheme scheme("w8a8-channel");
  for (const char* name : {"model.layers.0.self_attn.rotary_emb.inv_freq", "lm_head.weight", "lm_head.weight_scale",
                           "model.layers.2.mlp.up_proj.weight"}) {
    scheme.set(name, {tensor::DType::f32, {1}});
  }
  EXPECT_TRUE(unused_tensors(scheme.open(), tiny_config()).empty());
  for (const char* name : {"reward_head.weight", "talker.a", "talker.b", "talker.c"})
    scheme.set(name, {tensor::DType::f32, {1}});
  const std::vector<std::string> names = unused_tensors(scheme.open(), tiny_config());
  EXPECT_THAT(names, ElementsAre("reward_head.weight", "talker.a", "talker.b", "talker.c"));
  EXPECT_EQ(names_text(names), "\"reward_head.weight\", \"talker.a\", \"talker.b\" and 1 more");
}

TEST(UnusedTensors, NoneInOurGoldens) {
  for (const char* name : {"tiny-small-f32", "tiny-small-bf16-2shard", "tiny-mistral"}) {
    const auto folder = e5v::test::golden(std::string("ckpt/") + name);
    EXPECT_TRUE(unused_tensors(Checkpoint(folder), read_config(folder)).empty()) << name;
  }
  for (const char* name : {"tiny-clip", "tiny-clip-336"}) {
    const auto folder = e5v::test::golden(std::string("ckpt/") + name);
    EXPECT_TRUE(unused_tensors(Checkpoint(folder, clip_names()), read_clip_config(folder)).empty()) << name;
  }
}

TEST(UnusedTensors, OfClipAreRefusedAndNamedAlike) {
  const auto folder = e5v::test::golden("ckpt/tiny-clip");
  const tensor::SafetensorsFile file(folder / "model.safetensors");
  tensor::TensorMap tensors = file.tensors();
  const tensor::Tensor one(tensor::DType::f32, {1});
  tensors.emplace("head.weight", one.view());
  EXPECT_THAT(unused_tensors(Checkpoint(tensors, "DIR", std::nullopt, clip_names()), read_clip_config(folder)),
              ElementsAre("head.weight"));
  tensors.emplace("text_model.encoder.layers.0.mlp.fc1.extra", one.view());
  EXPECT_THAT([&] { unused_tensors(Checkpoint(tensors, "DIR", std::nullopt, clip_names()), read_clip_config(folder)); },
              ThrowsMessage<ModelError>(HasSubstr("fc1.extra")));
}

TEST(UnusedTensors, OfLayersThatAreNotComputedArePassedOver) {
  const tensor::Tensor one(tensor::DType::f32, {1});
  const ReadTensors reads{{"head.weight"}, {{"layers.", 2}}, {"layers.", "head."}};
  const auto unused = [&](const std::string& name) {
    return unused_tensors(Checkpoint(tensor::TensorMap{{"head.weight", one.view()}, {name, one.view()}}, "DIR",
                                     std::nullopt, clip_names()),
                          reads);
  };
  EXPECT_TRUE(unused("layers.2.weight").empty());
  EXPECT_TRUE(unused("layers.10.a.b").empty());
  for (const char* name : {"layers.1.weight", "layers.2weight", "layers.x.weight", "layers.2", "head.bias"})
    EXPECT_THAT([&] { unused(name); }, ThrowsMessage<ModelError>(HasSubstr("does not read it"))) << name;
  EXPECT_THAT(unused("tail.weight"), ElementsAre("tail.weight"));
}

TEST(UnusedTensors, NamesAreCountedAfterTheThird) {
  EXPECT_EQ(names_text({}), "");
  EXPECT_EQ(names_text({"a"}), "\"a\"");
  EXPECT_EQ(names_text({"a", "b", "c"}), "\"a\", \"b\", \"c\"");
  EXPECT_EQ(names_text({"a", "b", "c", "d", "e"}), "\"a\", \"b\", \"c\" and 2 more");
}

}  // namespace
}  // namespace e5v::model::test
