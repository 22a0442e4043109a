// The rounding of weights and inputs in a group of compressed-tensors.
#include <gmock/gmock.h>

#include "model/quantization.h"

namespace e5v::model::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using RoundingSpan = RoundingArgs::Span;

RoundingArgs weights_of(const Json& args) { return parse_weight_rounding(Fields(args, "config.json", "weights.")); }
RoundingArgs inputs_of(const Json& args) { return parse_input_rounding(Fields(args, "config.json", "inputs.")); }

/// Args with one key more or another.
Json with(Json args, const char* key, const Json& value) {
  args[key] = value;
  return args;
}

TEST(WeightRounding, AbsentKeysTakeTheDefaultsOfTheLibrary) {
  const RoundingArgs args = weights_of(Json::object());
  EXPECT_EQ(args.span, RoundingSpan::tensor);
  EXPECT_EQ(args.bits, 8);
  EXPECT_TRUE(args.symmetric);
  EXPECT_FALSE(args.floating);
  EXPECT_FALSE(args.dynamic);
}

TEST(WeightRounding, StrategyFollowsFromTheSizeOfGroups) {
  EXPECT_EQ(weights_of({{"group_size", -1}}).span, RoundingSpan::channel);
  EXPECT_EQ(weights_of({{"group_size", 32}}).span, RoundingSpan::group);
  EXPECT_EQ(weights_of({{"group_size", 32}}).group, 32);
  EXPECT_EQ(weights_of({{"strategy", "CHANNEL"}}).span, RoundingSpan::channel);
  EXPECT_EQ(weights_of({{"strategy", "tensor"}}).span, RoundingSpan::tensor);
  EXPECT_THAT(
      [] {
        weights_of({{"strategy", "group"}});
      },
      ThrowsMessage<ModelError>("[config.json] \"weights.group_size\": expected a positive number, found nothing"));
  EXPECT_THAT(
      [] {
        weights_of({{"strategy", "token"}});
      },
      ThrowsMessage<ModelError>("[config.json] \"weights.strategy\": expected tensor, channel, group or block "
                                "for weights, found \"token\""));
}

TEST(WeightRounding, BlocksAreAPairOrAText) {
  const auto block = [](const Json& value) {
    const RoundingArgs args = weights_of({{"strategy", "block"}, {"block_structure", value}});
    EXPECT_EQ(args.span, RoundingSpan::block);
    return args.block;
  };
  EXPECT_THAT(block({128, 64}), testing::ElementsAre(128, 64));
  EXPECT_THAT(block("128x64"), testing::ElementsAre(128, 64));
  for (const Json& bad : {Json("128"), Json("128x"), Json("x64"), Json("128x64x2"), Json("0x4"), Json({128, 0}),
                          Json({1 << 21, 4}), Json({1, 2, 3}), Json({1.5, 2}), Json()}) {
    EXPECT_THAT([&] { block(bad); },
                ThrowsMessage<ModelError>(HasSubstr("block_structure\": expected [rows, columns] of a block")))
        << bad;
  }
}

TEST(WeightRounding, IntegersHaveTwoToEightBitsAndFloatsEight) {
  for (int bits = 2; bits <= 8; ++bits) EXPECT_EQ(weights_of({{"num_bits", bits}}).bits, bits);
  EXPECT_TRUE(weights_of({{"type", "float"}}).floating);
  for (const int bits : {1, 9, 16}) {
    EXPECT_THAT(
        [=] {
          weights_of({{"num_bits", bits}});
        },
        ThrowsMessage<ModelError>(HasSubstr(fmt::format("num_bits\": expected 2 to 8 for type int, found {}", bits))));
  }
  EXPECT_THAT(
      [] {
        weights_of({{"type", "float"}, {"num_bits", 4}});
      },
      ThrowsMessage<ModelError>(HasSubstr("num_bits\": expected 8 for type float (nvfp4, mxfp4")));
  EXPECT_THAT(
      [] {
        weights_of({{"type", "float"}, {"symmetric", false}});
      },
      ThrowsMessage<ModelError>(HasSubstr("symmetric\": expected true for type float, found false")));
  EXPECT_FALSE(weights_of({{"symmetric", false}}).symmetric);
}

TEST(WeightRounding, EveryKeyThatChangesArithmeticIsRefusedByName) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"num_bits", 0},
                                                                            {"num_bits", 65},
                                                                            {"type", "complex"},
                                                                            {"strategy", "tensor_group"},
                                                                            {"group_size", -2},
                                                                            {"dynamic", true},
                                                                            {"actorder", "dynamic"},
                                                                            {"actorder", "group"},
                                                                            {"actorder", true},
                                                                            {"scale_dtype", "torch.uint8"},
                                                                            {"something_new", 2}}) {
    EXPECT_THAT(
        [&] {
          weights_of({{key, value}});
        },
        ThrowsMessage<ModelError>(HasSubstr(std::string(key) + "\": expected")))
        << key << value;
  }
  EXPECT_THAT(
      [] {
        weights_of({{"symmetric", false}, {"zp_dtype", "torch.int4"}});
      },
      ThrowsMessage<ModelError>(HasSubstr("zp_dtype\": expected torch.int8, found \"torch.int4\"")));
}

/// The order of columns is that of the file, and the observer belongs to calibration.
TEST(WeightRounding, KeysWithoutEffectAreAccepted) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"dynamic", false},
                                                                            {"dynamic", nullptr},
                                                                            {"actorder", "weight"},
                                                                            {"actorder", "static"},
                                                                            {"actorder", false},
                                                                            {"actorder", nullptr},
                                                                            {"scale_dtype", "torch.bfloat16"},
                                                                            {"zp_dtype", "torch.int4"},
                                                                            {"observer", "mse"},
                                                                            {"observer_kwargs", {{"maxshrink", 0.2}}},
                                                                            {"something_new", nullptr},
                                                                            {"something_else", Json::object()}}) {
    EXPECT_NO_THROW(weights_of({{key, value}})) << key << value;
  }
}

TEST(InputRounding, IsPerTokenOrGroupWhenDynamicAndPerTensorOtherwise) {
  const Json dynamic = {{"dynamic", true}};
  EXPECT_EQ(inputs_of(with(dynamic, "strategy", "token")).span, RoundingSpan::token);
  EXPECT_TRUE(inputs_of(with(dynamic, "strategy", "token")).dynamic);
  EXPECT_EQ(inputs_of(with(dynamic, "group_size", 16)).group, 16);
  EXPECT_EQ(inputs_of(Json::object()).span, RoundingSpan::tensor);
  EXPECT_FALSE(inputs_of(Json::object()).dynamic);
  EXPECT_THAT([&] { inputs_of(dynamic); },
              ThrowsMessage<ModelError>("[config.json] \"inputs.strategy\": expected token or group for dynamic inputs "
                                        "(one scale for a whole batch would make vectors depend on it), found tensor"));
  EXPECT_THAT(
      [] {
        inputs_of({{"strategy", "token"}});
      },
      ThrowsMessage<ModelError>("[config.json] \"inputs.strategy\": expected tensor for inputs that are not "
                                "dynamic, found \"token\""));
}

TEST(InputRounding, EveryKeyThatChangesArithmeticIsRefusedByName) {
  const Json token = {{"dynamic", true}, {"strategy", "token"}};
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"num_bits", 16},
                                                                            {"strategy", "attn_head"},
                                                                            {"strategy", "channel"},
                                                                            {"dynamic", "local"},
                                                                            {"scale_dtype", "torch.float8_e4m3fn"},
                                                                            {"actorder", "weight"},
                                                                            {"something_new", true}}) {
    EXPECT_THAT([&] { inputs_of(with(token, key, value)); },
                ThrowsMessage<ModelError>(HasSubstr(std::string(key) + "\": expected")))
        << key << value;
  }
  EXPECT_NO_THROW(inputs_of(with(token, "actorder", false)));
  EXPECT_NO_THROW(inputs_of(with(token, "scale_dtype", nullptr)));
}

}  // namespace
}  // namespace e5v::model::test
