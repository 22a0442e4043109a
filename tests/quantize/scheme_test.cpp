#include "quantize/scheme.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::quantize {
namespace {

using tensor::WeightFormat;
using testing::HasSubstr;
using testing::ThrowsMessage;

model::LlamaConfig config_of(std::int64_t width, std::int64_t mlp_width) {
  model::LlamaConfig config;
  config.width = width, config.mlp_width = mlp_width, config.heads = 4, config.head_width = width / 4;
  return config;
}

TEST(Scheme, TheLargestGroupThatDividesAllWidthsIsChosen) {
  const auto group = [](std::int64_t width, std::int64_t mlp_width) {
    return choose_scheme({WeightFormat::int4, 0}, Wide::nothing, config_of(width, mlp_width)).narrow.group;
  };
  EXPECT_EQ(group(4096, 14336), 64);
  EXPECT_EQ(group(96, 128), 32);
  EXPECT_EQ(group(96, 24), 8);
  EXPECT_EQ(choose_scheme({WeightFormat::int4, 16}, Wide::nothing, config_of(4096, 14336)).narrow.group, 16);
}

TEST(Scheme, WidthsThatNoGroupDividesAreRefused) {
  EXPECT_THAT(
      [] {
        choose_scheme({WeightFormat::int4, 0}, Wide::nothing, config_of(96, 20));
      },
      ThrowsMessage<InvalidInput>(HasSubstr("expected a multiple of 8 that divides 96, 20 and 96")));
  EXPECT_THAT(
      [] {
        choose_scheme({WeightFormat::int4, 12}, Wide::nothing, config_of(96, 96));
      },
      ThrowsMessage<InvalidInput>(HasSubstr("groups of 12 columns")));
  EXPECT_THAT(
      [] {
        choose_scheme({WeightFormat::nf4, 0}, Wide::nothing, config_of(96, 20));
      },
      ThrowsMessage<InvalidInput>(HasSubstr("nf4 of widths 96, 20 and 96, expected multiples of 8")));
}

TEST(Scheme, WideMatricesHave8Bits) {
  const auto format = [](Wide wide, std::int64_t block, std::string_view matrix) {
    return choose_scheme({WeightFormat::int4, 0}, wide, config_of(64, 64)).matrix(block, matrix).format;
  };
  for (const Wide wide : {Wide::nothing, Wide::attention, Wide::attention_and_first}) {
    EXPECT_EQ(format(wide, 3, "self_attn.q_proj"), wide == Wide::nothing ? WeightFormat::int4 : WeightFormat::int8);
    EXPECT_EQ(format(wide, 0, "mlp.up_proj"),
              wide == Wide::attention_and_first ? WeightFormat::int8 : WeightFormat::int4);
    EXPECT_EQ(format(wide, 1, "mlp.up_proj"), WeightFormat::int4);
  }
  EXPECT_FALSE(choose_scheme({WeightFormat::int8, 0}, Wide::attention, config_of(64, 64)).mixed()) << "all have 8 bits";
}

TEST(Scheme, NamesAreCanonical) {
  EXPECT_EQ(block_name(7, kMatrices[0]), "language_model.layers.7.self_attn.q_proj.weight");
}

}  // namespace
}  // namespace e5v::quantize
