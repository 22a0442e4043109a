#include "quantize/folder.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "model/quantization.h"
#include "temporary_folder.h"

namespace e5v::quantize::test {
namespace {

namespace fs = std::filesystem;
using e5v::test::golden;
using tensor::DType;
using tensor::WeightFormat;

class WriteConfig : public testing::Test {
 protected:
  /// The whole config.json of a scheme.
  Json written(const ModelScheme& scheme, DType stored = DType::f32) const {
    write_config(golden("ckpt/tiny-small-f32"), folder_.path(), scheme, stored);
    return read_json(folder_.path() / "config.json");
  }
  /// The group that a matrix belongs to, as the checkpoint's reader understands it; "-" for none.
  static std::string group_of(const Json& config, const std::string& module) {
    const auto quantization = model::Quantization::from(model::Fields(config, "config.json"));
    const model::QuantizedGroup* group = quantization.group_of({&module, 1}, "Linear");
    return group == nullptr ? "-" : fmt::format("{} bits", group->weights.bits);
  }

  e5v::test::TemporaryFolder folder_;
};

TEST_F(WriteConfig, AddsToWhatTheConfigSays) {
  Json config = written({{WeightFormat::int8, 0}});
  EXPECT_EQ(config.erase("quantization_config"), 1u);
  EXPECT_EQ(config, read_json(golden("ckpt/tiny-small-f32/config.json")));
}

TEST_F(WriteConfig, Int8HasScalesOfRowsAndRoundsWhatItMultiplies) {
  const Json config = written({{WeightFormat::int8, 0}}).at("quantization_config");
  EXPECT_EQ(config.at("quant_method"), "compressed-tensors");
  EXPECT_EQ(config.at("format"), "int-quantized");
  EXPECT_EQ(config.at("quantization_status"), "compressed");
  ASSERT_EQ(config.at("config_groups").size(), 1u);
  const Json& group = config.at("config_groups").at("group_0");
  EXPECT_EQ(group.at("targets"), Json::array({"Linear"}));
  EXPECT_EQ(group.at("weights"),
            Json({{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "channel"}, {"dynamic", false}}));
  EXPECT_EQ(group.at("input_activations"),
            Json({{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "token"}, {"dynamic", true}}));
}

TEST_F(WriteConfig, Int4HasScalesOfGroups) {
  const Json config = written({{WeightFormat::int4, 32}}).at("quantization_config");
  EXPECT_EQ(config.at("format"), "pack-quantized");
  const Json& group = config.at("config_groups").at("group_0");
  EXPECT_EQ(group.at("weights"), Json({{"num_bits", 4},
                                       {"type", "int"},
                                       {"symmetric", true},
                                       {"strategy", "group"},
                                       {"dynamic", false},
                                       {"group_size", 32}}));
  EXPECT_TRUE(group.at("input_activations").is_null());
}

TEST_F(WriteConfig, OnlyTheLanguageModelIsQuantised) {
  const Json config = written({{WeightFormat::int4, 32}});
  EXPECT_EQ(group_of(config, "language_model.model.layers.3.mlp.up_proj"), "4 bits");
  for (const char* module : {"lm_head", "language_model.lm_head", "vision_tower.vision_model.encoder.layers.1.mlp.fc1",
                             "model.vision_tower.vision_model.encoder.layers.1.self_attn.q_proj",
                             "multi_modal_projector.linear_1", "model.multi_modal_projector.linear_2"}) {
    EXPECT_EQ(group_of(config, module), "-") << module;
  }
}

TEST_F(WriteConfig, SaysWhichMatricesAreWide) {
  for (const Wide wide : {Wide::attention, Wide::attention_and_first}) {
    const ModelScheme scheme{{WeightFormat::int4, 32}, wide};
    const Json config = written(scheme), groups = config.at("quantization_config").at("config_groups");
    EXPECT_EQ(config.at("quantization_config").at("format"), "mixed-precision");
    EXPECT_EQ(groups.at("group_0").at("format"), "pack-quantized");
    EXPECT_EQ(groups.at("group_1").at("format"), "int-quantized");
    for (const int block : {0, 1, 9, 10, 31}) {
      for (const std::string_view matrix : kMatrices) {
        const std::string module = fmt::format("language_model.model.layers.{}.{}", block, matrix);
        const bool int8 = scheme.matrix(block, matrix).format == WeightFormat::int8;
        EXPECT_EQ(group_of(config, module), int8 ? "8 bits" : "4 bits") << module;
      }
    }
  }
}

TEST_F(WriteConfig, Nf4IsThatOfBitsandbytes) {
  for (const auto& [type, name] : {std::pair(DType::f32, "float32"), std::pair(DType::bf16, "bfloat16")}) {
    const Json whole = written({{WeightFormat::nf4, 0}}, type), config = whole.at("quantization_config");
    EXPECT_EQ(config.at("quant_method"), "bitsandbytes");
    EXPECT_EQ(config.at("load_in_4bit"), true);
    EXPECT_EQ(config.at("bnb_4bit_quant_type"), "nf4");
    EXPECT_EQ(config.at("bnb_4bit_use_double_quant"), true);
    EXPECT_EQ(config.at("bnb_4bit_compute_dtype"), name);
    EXPECT_THAT(config.at("llm_int8_skip_modules").get<std::vector<std::string>>(),
                testing::IsSupersetOf({"lm_head", "vision_tower", "multi_modal_projector"}));
    EXPECT_EQ(model::Quantization::from(model::Fields(whole, "config.json")).method(),
              model::Quantization::Method::bitsandbytes);
  }
}

TEST_F(WriteConfig, ABrokenConfigIsSaid) {
  const fs::path model = folder_.path() / "model", output = folder_.path() / "output";
  fs::create_directory(model), fs::create_directory(output);
  const fs::path file = folder_.write("model/config.json", "{");
  EXPECT_THAT([&] { write_config(model, output, {}, DType::f32); },
              testing::ThrowsMessage<InvalidInput>(testing::StartsWith("[" + file.string() + "]")));
  EXPECT_FALSE(fs::exists(output / "config.json"));
}

}  // namespace
}  // namespace e5v::quantize::test
