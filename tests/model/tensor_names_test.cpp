#include "model/tensor_names.h"

#include <gmock/gmock.h>

namespace e5v::model {
namespace {

TEST(TensorNames, TheFirstPrefixThatFitsIsReplaced) {
  const TensorNames names{{{"a.b.", "x."}, {"a.", "y."}}, nullptr, {}};
  EXPECT_EQ(names.canonical("a.b.c"), "x.c");
  EXPECT_EQ(names.canonical("a.c"), "y.c");
  EXPECT_EQ(names.canonical("c.a."), "c.a.");
  EXPECT_FALSE(names.is_never_used("a.b.c"));
}

TEST(TensorNames, EachKindOfModelLeavesOutItsOwn) {
  for (const char* name : {"lm_head.weight", "vision_tower.post_layernorm.bias", "x.rotary_emb.inv_freq"})
    EXPECT_TRUE(llava_next_names().is_never_used(name)) << name;
  EXPECT_FALSE(llava_next_names().is_never_used("logit_scale"));
  EXPECT_TRUE(clip_names().is_never_used("logit_scale"));
  EXPECT_TRUE(clip_names().is_never_used("text_model.embeddings.position_ids"));
  EXPECT_FALSE(clip_names().is_never_used("lm_head.weight"));
  EXPECT_EQ(clip_names().canonical("model.layers.0"), "model.layers.0");
}

TEST(TensorNames, TellWhoWroteAFile) {
  const auto writer = [](const TensorNames& names, std::vector<std::string> stored) {
    return names.generation_of(stored);
  };
  EXPECT_EQ(writer(llava_next_names(), {"x", "model.language_model.norm.weight"}), "transformers >= 4.52");
  EXPECT_EQ(writer(llava_next_names(), {"language_model.model.norm.weight"}), "transformers <= 4.51");
  EXPECT_EQ(writer(llava_next_names(), {"model.mm_projector.0.weight"}), "original LLaVA-NeXT");
  EXPECT_EQ(writer(llava_next_names(), {"model.norm.weight"}), "language models");
  EXPECT_EQ(writer(clip_names(), {"visual_projection.weight"}), "transformers' CLIPModel");
}

}  // namespace
}  // namespace e5v::model
