// The files of the original LLaVA-NeXT code.
#include <gmock/gmock.h>

#include "model/config_files.h"
#include "model/config_parts.h"

namespace e5v::model::test {
namespace {

Json original() {
  return {{"architectures", {"LlavaLlamaForCausalLM"}},
          {"model_type", "llava_llama"},
          {"hidden_size", 4096},
          {"intermediate_size", 14336},
          {"num_key_value_heads", 8},
          {"vocab_size", 128256},
          {"rope_theta", 500000.0},
          {"rms_norm_eps", 1e-5},
          {"max_position_embeddings", 8192},
          {"image_aspect_ratio", "anyres"},
          {"image_grid_pinpoints", {{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}}},
          {"image_crop_resolution", nullptr},
          {"mm_hidden_size", 1024},
          {"mm_patch_merge_type", "spatial_unpad"},
          {"mm_projector_type", "mlp2x_gelu"},
          {"mm_use_im_start_end", false},
          {"mm_vision_select_feature", "patch"},
          {"mm_vision_select_layer", -2},
          {"mm_vision_tower", "openai/clip-vit-large-patch14-336"}};
}

Json original_with(const char* key, const Json& value) {
  Json json = original();
  json[key] = value;
  return json;
}

TEST(OriginalLlava, TakesTheSizesOfItsTower) {
  const ModelConfig config = parse(original());
  EXPECT_EQ(config.text.backbone, Backbone::llama);
  EXPECT_EQ(config.text.mlp_width, 14336);
  EXPECT_EQ(config.text.rope_theta, 500000);
  EXPECT_EQ(config.vision->width, 1024);
  EXPECT_EQ(config.vision->layers, 24);
  EXPECT_EQ(config.vision->image_size, 336);
  EXPECT_EQ(config.vision->activation, Activation::quick_gelu);
  EXPECT_EQ(config.vision_layers_used(), 23);
  EXPECT_EQ(config.image_token, 128256);
  EXPECT_EQ(config.grid_pinpoints.size(), 5u);
  EXPECT_EQ(parse(original_with("model_type", "llava_mistral")).text.backbone, Backbone::mistral);
  EXPECT_EQ(parse(original_with("model_type", "llava")).text.backbone, Backbone::llama);
  expect_error(original_with("mm_vision_select_feature", "cls_patch"), "mm_vision_select_feature",
               "found \"cls_patch\"");
  Json small = original_with("mm_vision_tower", "/data/clip-vit-large-patch14");
  small["image_grid_pinpoints"] = {{224, 448}};
  EXPECT_EQ(parse(small).vision->image_size, 224);
}

TEST(OriginalLlava, OtherPartsAreRefusedByTheirKeys) {
  expect_error(original_with("mm_vision_tower", "google/siglip-so400m"), "mm_vision_tower",
               "openai/clip-vit-large-patch14-336 or openai/clip-vit-large-patch14, found \"google/siglip-so400m\"");
  expect_error(original_with("mm_vision_tower", "myclip-vit-large-patch14"), "mm_vision_tower", "found");
  expect_error(original_with("mm_hidden_size", 1152), "mm_hidden_size", "found 1152");
  expect_error(original_with("mm_projector_type", "linear"), "mm_projector_type", "mlp2x_gelu, found \"linear\"");
  expect_error(original_with("image_aspect_ratio", "pad"), "image_aspect_ratio", "anyres, found \"pad\"");
  expect_error(original_with("mm_patch_merge_type", "flat"), "mm_patch_merge_type", "spatial_unpad, found \"flat\"");
  expect_error(original_with("mm_use_im_start_end", true), "mm_use_im_start_end", "false, found true");
  expect_error(original_with("mm_resampler_type", "qformer"), "mm_resampler_type", "null, found \"qformer\"");
  expect_error(original_with("mm_vision_select_feature", "cls"), "mm_vision_select_feature", "found \"cls\"");
  expect_error(original_with("image_grid_pinpoints", "(1x1),...,(6x6)"), "image_grid_pinpoints",
               "a list of [height, width]");
  for (const char* key : {"mm_vision_tower", "mm_projector_type", "mm_vision_select_layer", "image_grid_pinpoints",
                          "image_aspect_ratio", "mm_patch_merge_type"}) {
    Json json = original();
    json.erase(key);
    expect_error(json, key, "found nothing");
  }
  Json unknown = original_with("model_type", "llava");
  unknown["architectures"] = {"LlavaQwenForCausalLM"};
  expect_error(unknown, "model_type", "llava_llama or llava_mistral");
}

/// Its keys are known by the name of the tower or by its types, and a converted checkpoint has neither.
TEST(OriginalLlava, IsToldByItsKeys) {
  const auto is_original = [](const Json& json) { return is_original_llava(Fields(json, "config.json")); };
  EXPECT_TRUE(is_original(original()));
  EXPECT_TRUE(is_original({{"mm_vision_tower", "x"}}));
  EXPECT_TRUE(is_original({{"model_type", "llava_mistral"}}));
  EXPECT_FALSE(is_original({{"mm_vision_tower", nullptr}}));
  EXPECT_FALSE(is_original({{"model_type", "llava_next"}}));
  EXPECT_FALSE(is_original({{"model_type", 3}}));
  EXPECT_FALSE(is_original(Json::object()));
}

/// The architecture decides where the type is another.
TEST(OriginalLlava, BackboneOfTheArchitecture) {
  Json json = original_with("model_type", nullptr);
  json["architectures"] = {"LlavaMistralForCausalLM"};
  EXPECT_EQ(parse(json).text.backbone, Backbone::mistral);
  EXPECT_EQ(parse(json).image_token, 128256);
  json["architectures"] = {"LlavaMistralForCausalLM", "LlavaLlamaForCausalLM"};
  expect_error(json, "model_type", "llava_llama or llava_mistral, or the architectures of those");
}

}  // namespace
}  // namespace e5v::model::test
