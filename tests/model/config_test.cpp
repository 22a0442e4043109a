#include "model/config.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "golden.h"
#include "temporary_folder.h"

namespace e5v::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

ModelConfig parse(const Json& json) { return parse_config(json, "dir/config.json"); }

void expect_error_of(const std::function<void()>& action, const std::string& key, const std::string& rest) {
  EXPECT_THAT(action, ThrowsMessage<ModelError>(
                          AllOf(StartsWith("[dir/config.json] \"" + key + "\": expected "), HasSubstr(rest))));
}

void expect_error(const Json& json, const std::string& key, const std::string& rest) {
  SCOPED_TRACE(json.dump().substr(0, 300));
  expect_error_of([&] { parse(json); }, key, rest);
}

/// A LLaVA-NeXT config in which one key differs; `pointer` is like "/text_config/hidden_size".
Json llava_with(const std::string& pointer, const Json& value) {
  Json json = {{"model_type", "llava_next"},
               {"text_config", Json::object()},
               {"vision_config", {{"image_size", 336}, {"patch_size", 14}}}};
  json[Json::json_pointer(pointer)] = value;
  return json;
}

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

TEST(Config, Llama3RopeScaling) {
  const Json scaling = {{"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 8192},
                        {"rope_type", "llama3"}};
  Json current = scaling;
  current["rope_theta"] = 500000.0;
  for (const Json& json : {Json{{"model_type", "llama"}, {"rope_theta", 5e5}, {"rope_scaling", scaling}},
                           Json{{"model_type", "llama"}, {"rope_parameters", current}}}) {
    const LlamaConfig text = parse(json).text;
    EXPECT_EQ(text.rope_theta, 500000);
    ASSERT_TRUE(text.rope_scaling);
    const auto& llama3 = std::get<Llama3RopeScaling>(*text.rope_scaling);
    EXPECT_EQ(llama3.factor, 8);
    EXPECT_EQ(llama3.low_frequency_factor, 1);
    EXPECT_EQ(llama3.high_frequency_factor, 4);
    EXPECT_EQ(llama3.original_max_positions, 8192);
  }
  Json broken = scaling;
  broken.erase("factor");
  expect_error({{"model_type", "llama"}, {"rope_scaling", broken}}, "rope_scaling.factor", "found nothing");
  broken = scaling;
  broken["high_freq_factor"] = 0.5;
  expect_error({{"model_type", "llama"}, {"rope_scaling", broken}}, "rope_scaling.high_freq_factor",
               "more than low_freq_factor 1, found 0.5");
  expect_error(llava_with("/text_config/rope_scaling", {{"type", "longrope"}, {"factor", 2}}),
               "text_config.rope_scaling.type", "(others are not supported), found \"longrope\"");
  expect_error(llava_with("/text_config/rope_parameters", {{"full_attention", {{"rope_theta", 5e5}}}}),
               "text_config.rope_parameters.full_attention", "rotary parameters of layer types are not supported");
  EXPECT_FALSE(parse({{"model_type", "llama"}, {"rope_scaling", nullptr}}).text.rope_scaling);
}

TEST(Config, TextOnly) {
  const ModelConfig config = parse({{"model_type", "llama"}, {"tie_word_embeddings", true}, {"head_dim", 64}});
  EXPECT_FALSE(config.vision);
  EXPECT_TRUE(config.text.tied_head);
  EXPECT_EQ(config.text.head_width, 64);
  EXPECT_EQ(parse({{"architectures", {"MistralForCausalLM"}}}).text.backbone, Backbone::mistral);
  EXPECT_EQ(parse({{"architectures", {"LlamaForCausalLM"}}}).text.backbone, Backbone::llama);
}

TEST(Config, OriginalLlava) {
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

TEST(Config, OriginalLlavaWithOtherParts) {
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

TEST(Config, UnknownArchitectures) {
  expect_error({{"model_type", "qwen2_vl"}}, "model_type", "llava_next, llama, mistral");
  expect_error({{"model_type", "qwen2_vl"}}, "model_type", "found \"qwen2_vl\"");
  expect_error({{"architectures", {"BertModel"}}}, "model_type", "found nothing");
  expect_error(Json::object(), "model_type", "found nothing");
  expect_error({{"model_type", 3}}, "model_type", "a string, found 3");
  expect_error(llava_with("/text_config/model_type", "qwen2"), "text_config.model_type",
               "llama or mistral, found \"qwen2\"");
  expect_error(llava_with("/vision_config/model_type", "siglip_vision_model"), "vision_config.model_type",
               "clip_vision_model, found \"siglip_vision_model\"");
  EXPECT_THAT([] { parse(Json::array({1})); },
              ThrowsMessage<ModelError>("[dir/config.json] expected an object, found a list of 1"));
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

TEST(Config, KeysOfEveryModelThatChangeWhatIsComputed) {
  for (const Json& value : {Json(false), Json(nullptr)}) {
    expect_error(llava_with("/text_config/is_causal", value), "text_config.is_causal", "in both directions");
    expect_error(llava_with("/is_causal", value), "is_causal", "in both directions");
  }
  expect_error(llava_with("/text_config/tie_last_hidden_states", false), "text_config.tie_last_hidden_states",
               "true (vectors are states after the last norm)");
  const Json layers = {{"3", {{"num_key_value_heads", 1}}}};
  for (const std::string place : {"", "text_config/", "vision_config/"}) {
    std::string key = place;
    std::replace(key.begin(), key.end(), '/', '.');
    expect_error(llava_with("/" + place + "per_layer_config", layers), key + "per_layer_config", "layers that differ");
  }
  Json harmless = llava_with("/text_config/is_causal", true);
  harmless["text_config"].update({{"per_layer_config", nullptr},
                                  {"hidden_act", "swish"},
                                  {"attention_dropout", 0.1},
                                  {"use_cache", false},
                                  {"pretraining_tp", 2},
                                  {"layer_types", {"full_attention"}},
                                  {"partial_rotary_factor", 0.5}});
  EXPECT_EQ(parse(harmless).text.rope_theta, 10000);
}

TEST(Config, ArchitecturesAreThoseOfTransformers) {
  for (const char* name : {"LlamaForCausalLM", "LlamaModel", "MistralModel", "LlavaNextModel",
                           "LlavaNextForConditionalGeneration", "LlamaForSequenceClassification"}) {
    EXPECT_NO_THROW(parse({{"model_type", "llama"}, {"architectures", {name}}})) << name;
  }
  EXPECT_TRUE(parse({{"architectures", {"LlavaNextModel"}}}).vision);
  for (const char* name : {"LlamaBiModel", "LlamaEncoderModel", "MistralForTextEmbedding", "Llama4ForCausalLM"}) {
    expect_error({{"model_type", "llama"}, {"architectures", {name}}}, "architectures",
                 "a class of transformers' Llama, Mistral or LLaVA-NeXT, found \"" + std::string(name) + "\"");
  }
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

TEST(Config, MessagesAreShortAndOnOneLine) {
  try {
    parse(llava_with("/text_config/model_type", std::string(100'000, 'x') + "\n"));
    ADD_FAILURE() << "no exception";
  } catch (const ModelError& error) {
    EXPECT_LT(std::string(error.what()).size(), 200u);
  }
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
}  // namespace e5v::model
