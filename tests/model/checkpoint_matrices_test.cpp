// The matrices of a checkpoint, and what its config says of them.
#include <gmock/gmock.h>

#include <algorithm>

#include "model/quantised_scheme.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kUp = "language_model.layers.0.mlp.up_proj";

TEST(CheckpointMatrices, IntegersAreUsedAsTheyAreStoredWhereTheyCanBe) {
  const auto format = [](const char* name) { return Scheme(name).open().stored_format(); };
  for (const char* name : {"w8a8-channel", "w8a16-channel", "w4afp8", "w8a8-tensor-static-asymmetric"})
    EXPECT_EQ(format(name), WeightFormat::int8) << name;
  for (const char* name : {"w4a16-group", "w4a16-tensor"}) EXPECT_EQ(format(name), WeightFormat::int4) << name;
  for (const char* name : {"fp8-channel-dynamic", "w8a8-asymmetric", "w4a16-group-asymmetric", "w3a16-group"})
    EXPECT_EQ(format(name), WeightFormat::plain) << name;
  EXPECT_TRUE(Scheme("fp8-block").open().quantised());
  EXPECT_EQ(Scheme("fp8-block").open().decoded().numbers, 2 * (4 * 16 * 16 + 3 * 16 * 24));
  EXPECT_EQ(Scheme("w8a16-channel").open().decoded().bytes, 2 * (4 * 16 * 16 + 3 * 16 * 24));
  EXPECT_EQ(Scheme("w8a8-channel").open().decoded().numbers, 0);
}

TEST(CheckpointMatrices, InputsAreLeftForTrainingWhereTheirRoundingIsOptional) {
  const auto scale_of = [](const char* name) {
    const Scheme scheme(name);
    Checkpoint checkpoint = scheme.open();
    checkpoint.leave_inputs();
    return checkpoint.matrix("language_model.layers.0.mlp.up_proj.weight", 24, 16).inputs.scale;
  };
  EXPECT_EQ(scale_of("w8a8-channel"), tensor::InputRounding::Scale::none);
  EXPECT_EQ(scale_of("fp8-block"), tensor::InputRounding::Scale::none);
  EXPECT_EQ(scale_of("fp8-tensor-static"), tensor::InputRounding::Scale::given);
}

TEST(CheckpointMatrices, EmbeddingsThatTheConfigCallsQuantisedAreNotTakenAsTheyAre) {
  for (const char* target : {"Embedding", "re:.*embed_tokens", "model.embed_tokens"}) {
    EXPECT_THAT(refusal("w8a8-channel", [&](Scheme& s) { s.group()["targets"].push_back(target); }),
                HasSubstr("embed_tokens.weight\" is stored as"))
        << target;
  }
}

TEST(CheckpointMatrices, ConfigAndTensorsMustAgreeOnWhatIsQuantised) {
  EXPECT_THAT(refusal("w8a8-channel",
                      [](Scheme& s) {
                        s.set("model.layers.0.mlp.up_proj.weight", {DType::f32, {24, 16}});
                      }),
              AllOf(HasSubstr("up_proj.weight\" is stored as f32"), HasSubstr("config_groups.group_0")));
  EXPECT_THAT(refusal("w8a8-channel", [](Scheme& s) { s.config["ignore"].push_back("re:.*layers.0.mlp"); }),
              AllOf(HasSubstr("mlp.gate_proj.weight\" is quantised"), HasSubstr("config_groups")));
  EXPECT_THAT(refusal("w8a8-channel", [](Scheme& s) { s.config = nullptr; }), HasSubstr("is quantised, but"));
}

TEST(CheckpointMatrices, TensorsOfBitsandbytesNeedItsMethod) {
  const Tensor codes(DType::u8, {192, 1}), scales(DType::f32, {6}), map(DType::f32, {16});
  std::ranges::fill(scales.as<float>(), 1.0f);
  const std::string name = "model.layers.0.mlp.up_proj.weight";
  const std::string state = R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [24, 16]})";
  const Tensor text =
      Tensor::from<std::uint8_t>(std::span(reinterpret_cast<const std::uint8_t*>(state.data()), state.size()),
                                 {static_cast<std::int64_t>(state.size())});
  const tensor::TensorMap tensors{{name, codes.view()},
                                  {name + ".absmax", scales.view()},
                                  {name + ".quant_map", map.view()},
                                  {name + ".quant_state.bitsandbytes__nf4", text.view()}};
  const Checkpoint implied(tensors, "DIR");
  const tensor::StoredMatrix matrix = implied.matrix(kUp + std::string(".weight"), 24, 16);
  EXPECT_EQ(matrix.format, WeightFormat::nf4);
  EXPECT_EQ(matrix.values.data, codes.data());
  EXPECT_EQ(implied.stored_format(), WeightFormat::nf4);
  EXPECT_TRUE(implied.quantised());
  EXPECT_FALSE(implied.rounds_inputs());
  const Checkpoint other(tensors, "DIR", Scheme("w8a8-channel").quantization());
  EXPECT_THAT([&] { other.matrix(kUp + std::string(".weight"), 24, 16); },
              ThrowsMessage<ModelError>(HasSubstr("is stored as by bitsandbytes, but the \"quantization_config\" of "
                                                  "config.json has another method")));
  EXPECT_THAT([&] { implied.matrix(kUp + std::string(".weight"), 24, 8); },
              ThrowsMessage<ModelError>(
                  HasSubstr("up_proj.weight.quant_state.bitsandbytes__nf4] \"shape\": expected [24, 8]")));
}

TEST(CheckpointMatrices, PlainOnesAreTheFilesOwnBytes) {
  const Tensor weight(DType::bf16, {24, 16});
  const Checkpoint checkpoint(tensor::TensorMap{{"model.layers.0.mlp.up_proj.weight", weight.view()}}, "DIR");
  const tensor::StoredMatrix matrix = checkpoint.matrix(kUp + std::string(".weight"), 24, 16);
  EXPECT_EQ(matrix.format, WeightFormat::plain);
  EXPECT_EQ(matrix.values.data, weight.data());
  EXPECT_FALSE(checkpoint.quantised());
  EXPECT_THAT([&] { checkpoint.matrix(kUp + std::string(".weight"), 16, 24); },
              ThrowsMessage<ModelError>(HasSubstr("expected shape [16, 24] from config.json, found [24, 16]")));
}

/// A decoded matrix is made once, in the type that was set before.
TEST(CheckpointMatrices, DecodedOnesAreMadeOnceAndKept) {
  const Scheme scheme("fp8-channel-dynamic");
  Checkpoint checkpoint = scheme.open();
  checkpoint.decode_as(DType::bf16);
  const std::string name = kUp + std::string(".weight");
  const tensor::StoredMatrix first = checkpoint.matrix(name, 24, 16), second = checkpoint.matrix(name, 24, 16);
  EXPECT_EQ(first.values.dtype, DType::bf16);
  EXPECT_EQ(first.values.data, second.values.data);
  EXPECT_EQ(scheme.open().matrix(name, 24, 16).values.dtype, DType::f32);
  // Another shape than the kept one's is not served from it.
  for (const auto& [rows, columns] : {std::pair(16, 24), std::pair(12, 16), std::pair(24, 8)}) {
    EXPECT_THAT([&] { checkpoint.matrix(name, rows, columns); },
                ThrowsMessage<ModelError>(
                    HasSubstr(fmt::format("tensor \"weight\": expected f8_e4m3 [{}, {}]", rows, columns))));
  }
}

TEST(CheckpointMatrices, PartsAreReadWhereTheSchemeNeedsThem) {
  const auto reads = [](const char* name, const char* part) { return Scheme(name).open().reads_part(kUp, part); };
  for (const char* part : {"weight", "weight_packed", "weight_scale", "weight_zero_point", "weight_shape"})
    EXPECT_TRUE(reads("w4a16-group", part)) << part;
  EXPECT_FALSE(reads("w4a16-group", "bias"));
  EXPECT_FALSE(reads("w4a16-group", "input_scale"));
  EXPECT_FALSE(reads("w8a8-channel", "input_scale"));  // scales are those of each row
  EXPECT_TRUE(reads("fp8-tensor-static", "input_scale"));
  Scheme decoded("w8a8-channel");
  decoded.config["dequantize"] = true;
  EXPECT_TRUE(decoded.open().reads_part(kUp, "input_scale"));  // of inputs that are no longer rounded
  EXPECT_FALSE(decoded.open().reads_part("language_model.norm", "weight"));
}

}  // namespace
}  // namespace e5v::model::test
