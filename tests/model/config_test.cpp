#include "model/config.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "golden.h"
#include "model/config_files.h"
#include "temporary_folder.h"

namespace e5v::model::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Config, ReadsGoldens) {
  for (const char* name : {"ckpt/tiny-small-f32", "ckpt/tiny-small-bf16-2shard"}) {
    const ModelConfig config = read_config(e5v::test::golden(name));
    EXPECT_EQ(config.text.backbone, Backbone::llama);
    EXPECT_EQ(config.text.vocabulary, 2368);
    EXPECT_EQ(config.text.width, 128);
    EXPECT_EQ(config.text.layers, 4);
    EXPECT_EQ(config.text.heads, 8);
    EXPECT_EQ(config.text.kv_heads, 2);
    EXPECT_EQ(config.text.head_width, 16);
    EXPECT_EQ(config.text.mlp_width, 352);
    EXPECT_EQ(config.text.max_positions, 8192);
    EXPECT_EQ(config.text.rms_eps, 1e-5f);
    EXPECT_EQ(config.text.rope_theta, 500000);
    EXPECT_FALSE(config.text.rope_scaling || config.text.sliding_window || config.text.tied_head);
    ASSERT_TRUE(config.vision);
    EXPECT_EQ(config.vision->width, 64);
    EXPECT_EQ(config.vision->layers, 3);
    EXPECT_EQ(config.vision->heads, 4);
    EXPECT_EQ(config.vision->mlp_width, 256);
    EXPECT_EQ(config.vision->positions(), 577);
    EXPECT_EQ(config.vision->norm_eps, 1e-5f);
    EXPECT_EQ(config.vision->activation, Activation::quick_gelu);
    EXPECT_EQ(config.vision_layers_used(), 2);
    EXPECT_EQ(config.projector_activation, Activation::gelu);
    EXPECT_TRUE(config.projector_bias);
    EXPECT_EQ(config.image_token, 2304);
    EXPECT_THAT(config.grid_pinpoints, ElementsAre(image::Size{336, 672}, image::Size{672, 336}, image::Size{672, 672},
                                                   image::Size{1008, 336}, image::Size{336, 1008}));
  }
}

TEST(Config, LlavaNextDefaults) {
  const ModelConfig config = parse({{"model_type", "llava_next"}});
  EXPECT_EQ(config.text.width, 4096);
  EXPECT_EQ(config.text.mlp_width, 11008);
  EXPECT_EQ(config.text.layers, 32);
  EXPECT_EQ(config.text.kv_heads, 32);
  EXPECT_EQ(config.text.head_width, 128);
  EXPECT_EQ(config.text.max_positions, 2048);
  EXPECT_EQ(config.text.rms_eps, 1e-6f);
  EXPECT_EQ(config.text.rope_theta, 10000);
  EXPECT_EQ(config.vision->width, 1024);
  EXPECT_EQ(config.vision->layers, 24);
  EXPECT_EQ(config.vision->heads, 16);
  EXPECT_EQ(config.vision->mlp_width, 4096);
  EXPECT_EQ(config.vision->image_size, 336);
  EXPECT_EQ(config.vision->patch_size, 14);
  EXPECT_EQ(config.feature_layer, -2);
  EXPECT_EQ(config.image_token, 32000);
  EXPECT_EQ(config.grid_pinpoints.size(), 5u);
}

TEST(Config, PresentObjectsTakeTheirClassesDefaults) {
  const ModelConfig config = parse({{"model_type", "llava_next"},
                                    {"image_grid_pinpoints", {{224, 448}}},
                                    {"text_config", {{"model_type", "mistral"}}},
                                    {"vision_config", Json::object()}});
  EXPECT_EQ(config.text.backbone, Backbone::mistral);
  EXPECT_EQ(config.text.mlp_width, 14336);
  EXPECT_EQ(config.text.kv_heads, 8);
  EXPECT_EQ(config.text.max_positions, 131072);
  EXPECT_EQ(config.text.sliding_window, 4096);
  EXPECT_EQ(config.vision->width, 768);
  EXPECT_EQ(config.vision->layers, 12);
  EXPECT_EQ(config.vision->heads, 12);
  EXPECT_EQ(config.vision->mlp_width, 3072);
  EXPECT_EQ(config.vision->image_size, 224);
  EXPECT_EQ(config.vision->patch_size, 32);
  EXPECT_EQ(config.vision->norm_eps, 1e-5f);
}

TEST(Config, Llava16Mistral) {
  const ModelConfig config = parse({{"architectures", {"LlavaNextForConditionalGeneration"}},
                                    {"text_config",
                                     {{"model_type", "mistral"},
                                      {"max_position_embeddings", 32768},
                                      {"rms_norm_eps", 1e-5},
                                      {"rope_theta", 1e6},
                                      {"sliding_window", nullptr},
                                      {"vocab_size", 32064},
                                      {"head_dim", 128}}}});
  EXPECT_FALSE(config.text.sliding_window);
  EXPECT_EQ(config.text.rope_theta, 1e6);
  EXPECT_EQ(config.text.vocabulary, 32064);
}

TEST(Config, NullKeyValueHeadsAreAsManyAsHeads) {
  for (const char* type : {"llama", "mistral"}) {
    EXPECT_EQ(parse({{"model_type", type}, {"num_key_value_heads", nullptr}}).text.kv_heads, 32);
  }
}

TEST(Config, KeysOfTransformers5) {
  const ModelConfig config = parse(
      {{"model_type", "llava_next"},
       {"image_token_id", 77},
       {"dtype", "bfloat16"},
       {"multimodal_projector_bias", false},
       {"vision_feature_layer", Json::array({-1})},
       {"projector_hidden_act", "gelu_pytorch_tanh"},
       {"text_config",
        {{"rope_parameters", {{"rope_theta", 250000.0}, {"rope_type", "default"}}}, {"tie_word_embeddings", true}}}});
  EXPECT_EQ(config.image_token, 77);
  EXPECT_FALSE(config.projector_bias);
  EXPECT_EQ(config.feature_layer, -1);
  EXPECT_EQ(config.vision_layers_used(), 24);
  EXPECT_EQ(config.projector_activation, Activation::gelu_tanh);
  EXPECT_EQ(config.text.rope_theta, 250000);
  EXPECT_TRUE(config.text.tied_head);
}

TEST(Config, TextOnly) {
  const ModelConfig config = parse({{"model_type", "llama"}, {"tie_word_embeddings", true}, {"head_dim", 64}});
  EXPECT_FALSE(config.vision);
  EXPECT_TRUE(config.text.tied_head);
  EXPECT_EQ(config.text.head_width, 64);
  EXPECT_EQ(parse({{"architectures", {"MistralForCausalLM"}}}).text.backbone, Backbone::mistral);
  EXPECT_EQ(parse({{"architectures", {"LlamaForCausalLM"}}}).text.backbone, Backbone::llama);
}

TEST(Config, UnsupportedFeatures) {
  expect_error(llava_with("/text_config/attention_bias", true), "text_config.attention_bias", "not supported");
  expect_error(llava_with("/text_config/mlp_bias", true), "text_config.mlp_bias", "not supported");
  expect_error(llava_with("/text_config/hidden_act", "gelu"), "text_config.hidden_act", "silu, found \"gelu\"");
  expect_error(llava_with("/vision_config/hidden_act", "relu"), "vision_config.hidden_act", "quick_gelu");
  expect_error(llava_with("/vision_config/num_channels", 1), "vision_config.num_channels", "found 1");
  expect_error(llava_with("/vision_feature_layer", {-2, -5}), "vision_feature_layer",
               "one layer (several are not supported)");
  expect_error(llava_with("/vision_feature_select_strategy", "cls"), "vision_feature_select_strategy",
               "default (the class token");
  expect_error(llava_with("/projector_hidden_act", "silu"), "projector_hidden_act", "found \"silu\"");
  expect_error(llava_with("/quantization_config", {{"quant_method", "gptq"}}), "quantization_config.quant_method",
               "\"compressed-tensors\" or \"bitsandbytes\", found \"gptq\"");
  expect_error(llava_with("/quantization_config", {{"quant_method", "compressed-tensors"}, {"format", "marlin-24"}}),
               "quantization_config.format", "found \"marlin-24\"");
}

TEST(Config, InsaneSizes) {
  const std::vector<std::string> text{
      "vocab_size",          "hidden_size",       "num_hidden_layers",       "num_attention_heads",
      "num_key_value_heads", "intermediate_size", "max_position_embeddings", "head_dim"};
  const std::vector<std::string> vision{"hidden_size",       "num_hidden_layers", "num_attention_heads",
                                        "intermediate_size", "image_size",        "patch_size"};
  const Json bad[] = {0, -1, 1LL << 40, std::uint64_t{1} << 63, 1.5, 1e300, "8", true, Json::array(), Json::object()};
  for (const Json& value : bad) {
    for (const std::string& key : text)
      expect_error(llava_with("/text_config/" + key, value), "text_config." + key, "an integer in [1, ");
    for (const std::string& key : vision)
      expect_error(llava_with("/vision_config/" + key, value), "vision_config." + key, "an integer in [1, ");
  }
  for (const Json& value : {Json(0), Json(-1.0), Json("x"), Json(1e20)}) {
    expect_error(llava_with("/text_config/rope_theta", value), "text_config.rope_theta", "a number in");
    expect_error(llava_with("/text_config/rms_norm_eps", value), "text_config.rms_norm_eps", "a number in");
    expect_error(llava_with("/vision_config/layer_norm_eps", value), "vision_config.layer_norm_eps", "a number in");
  }
  expect_error(llava_with("/image_token_index", -200), "image_token_index", "an integer in [0, ");
  expect_error(llava_with("/text_config", 7), "text_config", "an object, found 7");
  expect_error(llava_with("/tie_word_embeddings", 1), "tie_word_embeddings", "true or false, found 1");
}

TEST(Config, SizesThatContradictEachOther) {
  expect_error(llava_with("/text_config/num_attention_heads", 7), "text_config.num_attention_heads",
               "a divisor of hidden_size 4096, found 7");
  expect_error(llava_with("/text_config/hidden_size", 100), "text_config.num_attention_heads",
               "a divisor of hidden_size 100, found 32");
  expect_error(llava_with("/text_config/num_key_value_heads", 5), "text_config.num_key_value_heads",
               "a divisor of num_attention_heads 32, found 5");
  expect_error(llava_with("/text_config/head_dim", 33), "text_config.head_dim", "an even number, found 33");
  expect_error(llava_with("/vision_config/num_attention_heads", 5), "vision_config.num_attention_heads",
               "a divisor of hidden_size 768, found 5");
  expect_error(llava_with("/vision_config/patch_size", 15), "vision_config.image_size",
               "a multiple of patch_size 15, found 336");
  expect_error(llava_with("/vision_config/patch_size", 1), "vision_config.patch_size", "at most 256 patches");
  expect_error(llava_with("/vision_feature_layer", -14), "vision_feature_layer", "an integer in [-13, 12], found -14");
  expect_error({{"model_type", "llava_next"}, {"vision_config", {{"image_size", 224}}}}, "image_grid_pinpoints",
               "multiples of the tile of 224 pixels, found [336, 672]");
}

TEST(Config, Grids) {
  const auto expect_bad = [](const Json& grid, const std::string& found) {
    expect_error(llava_with("/image_grid_pinpoints", grid), "image_grid_pinpoints", found);
  };
  EXPECT_TRUE(parse(llava_with("/image_grid_pinpoints", Json::array())).grid_pinpoints.empty());  // one tile an image
  expect_bad("[[336, 672]]", "found \"[[336, 672]]\"");
  expect_bad({1, 2}, "pairs [height, width] only");
  expect_bad({{336, 672, 1}}, "pairs [height, width] only");
  expect_bad({{336, -672}}, "an integer in [1, 21504], found -672");
  expect_bad({{336.5, 672}}, "found 336.5");
  expect_bad({{336, 0}}, "found 0");
  expect_bad({{336, 336 * 65}}, "found 21840");
  expect_bad({{336, std::uint64_t{1} << 63}}, "found 9223372036854775808");
  expect_bad({{336, 600}}, "multiples of the tile of 336 pixels, found [336, 600]");
  expect_bad(std::vector<std::vector<int>>(1025, {336, 672}), "found a list of 1025");
  EXPECT_THAT(parse(llava_with("/image_grid_pinpoints", {{672, 1344}})).grid_pinpoints,
              ElementsAre(image::Size{672, 1344}));
}

TEST(Config, FeatureLayerCountsFromBothEnds) {
  EXPECT_EQ(parse(llava_with("/vision_feature_layer", 0)).vision_layers_used(), 0);
  EXPECT_EQ(parse(llava_with("/vision_feature_layer", 12)).vision_layers_used(), 12);
  EXPECT_EQ(parse(llava_with("/vision_feature_layer", -13)).vision_layers_used(), 0);
  EXPECT_EQ(parse(llava_with("/vision_feature_layer", Json::array({-2}))).vision_layers_used(), 11);
}

TEST(Config, SurvivesDeepNesting) {
  // Deeper than a recursive print or copy would survive.
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  const std::vector<std::pair<std::string, std::string>> cases{{"text_config", deep},
                                                               {"vision_config", deep},
                                                               {"vision_feature_layer", deep},
                                                               {"image_token_index", deep},
                                                               {"projector_hidden_act", deep},
                                                               {"image_grid_pinpoints", deep},
                                                               {"image_grid_pinpoints", "[[336, " + deep + "]]"}};
  for (const auto& [key, value] : cases) {
    // Not by parse_json(), which refuses it.
    const Json json = Json::parse("{\"model_type\": \"llava_next\", \"" + key + "\": " + value + "}");
    expect_error_of([&] { parse(json); }, key, "found a list of");
  }
}

TEST(Config, FilesThatCannotBeRead) {
  const e5v::test::TemporaryFolder folder;
  EXPECT_THAT([&] { read_config(folder.path()); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr("config.json"), HasSubstr("no such file"))));
  folder.write("config.json", "{\"model_type\": ");
  EXPECT_THAT(
      [&] { read_config(folder.path()); },
      ThrowsMessage<ModelError>(AllOf(HasSubstr((folder.path() / "config.json").string()), HasSubstr("is not JSON"))));
  folder.write("config.json", "");
  EXPECT_THAT([&] { read_config(folder.path()); }, ThrowsMessage<ModelError>(HasSubstr("is not JSON")));
}

}  // namespace
}  // namespace e5v::model::test
