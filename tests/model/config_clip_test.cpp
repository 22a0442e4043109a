#include "model/config_clip.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "golden.h"

namespace e5v::model {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

ClipModelConfig parse_clip(const Json& json) { return parse_clip_config(json, "config.json"); }

TEST(ClipConfigFile, AbsentKeysTakeTransformersDefaults) {  // ViT-B/32
  const ClipModelConfig config = parse_clip({{"model_type", "clip"}});
  EXPECT_EQ(config.text.vocabulary, 49408);
  EXPECT_EQ(config.text.width, 512);
  EXPECT_EQ(config.text.heads, 8);
  EXPECT_EQ(config.text.layers, 12);
  EXPECT_EQ(config.text.mlp_width, 2048);
  EXPECT_EQ(config.text.max_positions, 77);
  EXPECT_EQ(config.text.end_token, 49407);
  EXPECT_EQ(config.vision.width, 768);
  EXPECT_EQ(config.vision.patch_size, 32);
  EXPECT_EQ(config.vision.positions(), 50);
  EXPECT_EQ(config.projection, 512);
}

TEST(ClipConfigFile, ReadsBothGoldens) {
  const ClipModelConfig small = read_clip_config(e5v::test::golden("ckpt/tiny-clip"));
  EXPECT_EQ(small.text.end_token, std::nullopt);  // eos_token_id 2
  EXPECT_EQ(small.vision.positions(), 197);
  EXPECT_EQ(small.projection, 40);
  const ClipModelConfig large = read_clip_config(e5v::test::golden("ckpt/tiny-clip-336"));
  EXPECT_EQ(large.text.end_token, 718);
  EXPECT_EQ(large.text.activation, Activation::gelu);
  EXPECT_EQ(large.vision.positions(), 577);
}

TEST(ClipConfigFile, IsToldFromOthers) {
  EXPECT_EQ(parse_clip({{"architectures", {"CLIPModel"}}}).projection, 512);
  EXPECT_THAT(
      [] {
        parse_clip({{"model_type", "llama"}});
      },
      ThrowsMessage<ModelError>("[config.json] \"model_type\": expected clip, found \"llama\""));
  EXPECT_THAT(
      [] {
        parse_config({{"model_type", "clip"}}, "config.json");
      },
      ThrowsMessage<ModelError>(HasSubstr("expected one of llava_next, llama, mistral")));
}

TEST(ClipConfigFile, MistakesAreNamed) {
  const auto refused = [](const Json& text, const Json& vision, const std::string& part) {
    const Json json{{"model_type", "clip"}, {"text_config", text}, {"vision_config", vision}};
    EXPECT_THAT([&] { parse_clip(json); }, ThrowsMessage<ModelError>(HasSubstr(part)));
  };
  const Json fine = Json::object();
  refused({{"num_attention_heads", 7}}, fine,
          "\"text_config.num_attention_heads\": expected a divisor of hidden_size 512");
  refused({{"hidden_act", "relu"}}, fine, "\"text_config.hidden_act\": expected one of quick_gelu, gelu");
  refused({{"model_type", "bert"}}, fine, "\"text_config.model_type\": expected clip_text_model, found \"bert\"");
  refused({{"vocab_size", 100}}, fine,
          "\"text_config.eos_token_id\": expected a token of the vocabulary of 100, found 49407");
  refused(fine, {{"patch_size", 15}}, "\"vision_config.image_size\": expected a multiple of patch_size 15");
  refused(fine, {{"num_channels", 1}}, "\"vision_config.num_channels\"");
  EXPECT_THAT(
      [] {
        parse_clip({{"model_type", "clip"}, {"quantization_config", {{"bits", 4}}}});
      },
      ThrowsMessage<ModelError>(HasSubstr("quantised CLIPs are not supported")));
}

}  // namespace
}  // namespace e5v::model
