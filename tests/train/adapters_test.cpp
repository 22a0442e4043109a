#include "train/adapters.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "golden.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"

namespace e5v::train {
namespace {

using e5v::test::golden;
using testing::Each;
using testing::ElementsAre;
using testing::ThrowsMessage;

/// Two layers: q and o are 16 x 16, k and v 8 x 16, gate and up 24 x 16, down 16 x 24.
model::LlamaConfig small_config() {
  model::LlamaConfig config;
  config.layers = 2, config.width = 16, config.mlp_width = 24;
  config.heads = 4, config.kv_heads = 2, config.head_width = 4;
  return config;
}

std::vector<float> numbers_of(const tensor::Tensor& tensor) {
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

TEST(TrainableLora, BeginsAsPeftDoes) {
  model::LlamaConfig config = small_config();
  config.width = 400;
  const TrainableLora lora(config, {.rank = 8, .alpha = 16, .targets = {"k_proj"}}, 42);
  ASSERT_EQ(lora.adapter().parts.size(), 2u);
  for (const nn::Lora& part : lora.adapter().parts) {
    EXPECT_EQ(part.a_RK.shape(), (tensor::Shape{8, 400}));
    EXPECT_EQ(part.b_NR.shape(), (tensor::Shape{8, 8}));
    EXPECT_EQ(part.scale, 2);
    EXPECT_THAT(numbers_of(part.b_NR), Each(0.0f)) << "it changes nothing yet";
    // Uniform within 1 / sqrt(400): the mean is 0, the variance a third of the bound's square.
    const float bound = 0.05f;
    double sum = 0, squares = 0;
    for (const float value : part.a_RK.as<float>()) {
      ASSERT_LE(std::abs(value), bound);
      sum += value, squares += value * value;
    }
    EXPECT_NEAR(sum / 3200, 0, 0.002);
    EXPECT_NEAR(squares / 3200, bound * bound / 3, 0.05 * bound * bound / 3);
  }
}

TEST(TrainableLora, FollowsFromItsSeed) {
  const auto first_two = [](std::uint64_t seed) {
    const TrainableLora lora(small_config(), {.rank = 4}, seed);
    return std::pair(numbers_of(lora.adapter().parts[0].a_RK), numbers_of(lora.adapter().parts[3].a_RK));
  };
  EXPECT_EQ(first_two(7), first_two(7));
  EXPECT_NE(first_two(7).first, first_two(8).first);
  EXPECT_NE(first_two(7).first, first_two(7).second) << "q and o have the same shape, and numbers of their own";
}

TEST(TrainableLora, ParametersAreItsMatricesInOrder) {
  const TrainableLora lora(small_config(), {.rank = 2, .targets = {"down_proj", "v_proj"}}, 1);
  std::vector<std::string> names;
  for (const Parameter& parameter : lora.parameters()) {
    names.push_back(parameter.name.substr(parameter.name.find("layers.") + 7));
    EXPECT_EQ(parameter.gradient.size(), parameter.values.size());
    EXPECT_THAT(parameter.gradient, Each(0.0f));
    EXPECT_EQ(parameter.rows, 0) << "Muon does not train adapters";
  }
  EXPECT_THAT(names, ElementsAre("0.self_attn.v_proj.lora_A", "0.self_attn.v_proj.lora_B", "0.mlp.down_proj.lora_A",
                                 "0.mlp.down_proj.lora_B", "1.self_attn.v_proj.lora_A", "1.self_attn.v_proj.lora_B",
                                 "1.mlp.down_proj.lora_A", "1.mlp.down_proj.lora_B"));
  const std::vector<Parameter> parameters = lora.parameters();
  EXPECT_EQ(parameters[2].values.data(), lora.adapter().parts[1].a_RK.as<float>().data());
  EXPECT_EQ(parameters[2].values.size(), 2u * 24);
  EXPECT_EQ(parameters[3].values.data(), lora.adapter().parts[1].b_NR.as<float>().data());
  EXPECT_EQ(parameters[3].values.size(), 2u * 16);
  EXPECT_EQ(lora.adapter().parts[1].place, 1u) << "dropout tells adapters apart by it";
}

TEST(TrainableLora, ATapeAddsToTheGradientsOfItsParameters) {
  const TrainableLora lora(small_config(), {.rank = 2, .targets = {"q_proj"}}, 1);
  tensor::Arena arena;
  nn::Tape tape(arena);
  lora.watch(tape);
  const std::vector<Parameter> parameters = lora.parameters();
  for (std::size_t i = 0; i < lora.adapter().parts.size(); ++i) {
    const nn::Lora& part = lora.adapter().parts[i];
    EXPECT_EQ(tape.gradient(matrix_of(part.a_RK)).value().row<float>(0), parameters[2 * i].gradient.data());
    EXPECT_EQ(tape.gradient(matrix_of(part.b_NR)).value().row<float>(0), parameters[2 * i + 1].gradient.data());
  }
}

TEST(TrainableLora, TheRankIsGivenOrThatOfTheSmallestMatrix) {
  const auto rank = [](const model::LlamaConfig& config, const LoraOptions& options) {
    return TrainableLora(config, options, 1).adapter().rank;
  };
  EXPECT_EQ(rank(small_config(), {}), 8);
  EXPECT_EQ(rank(small_config(), {.targets = {"q_proj", "down_proj"}}), 16);
  EXPECT_EQ(rank(small_config(), {.rank = 3}), 3);
  model::LlamaConfig wide = small_config();
  wide.width = wide.mlp_width = 128, wide.head_width = 64;
  EXPECT_EQ(rank(wide, {}), LoraOptions::kDefaultRank);
}

TEST(TrainableLora, RanksAboveAMatrixsSidesAreRefused) {
  const auto make = [](std::int64_t rank) {
    return [=] { TrainableLora(small_config(), {.rank = rank, .targets = {"q_proj", "k_proj"}}, 1); };
  };
  EXPECT_NO_THROW(make(8)());
  EXPECT_THAT(make(9), ThrowsMessage<InvalidInput>(
                           "[lora] option lora_rank is 9, expected a number from 1 to 8: k_proj is 8 x 16, and no "
                           "update of it has a higher rank"));
  EXPECT_THAT(make(-1), ThrowsMessage<InvalidInput>(testing::HasSubstr("option lora_rank is -1, expected")));
}

TEST(TrainableLora, TargetsAreMatricesOfTheModel) {
  const auto make = [](const std::vector<std::string>& targets) {
    return [=] { TrainableLora(small_config(), {.targets = targets}, 1); };
  };
  constexpr const char* kNames = "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj";
  EXPECT_THAT(make({"q_proj", "w_proj"}),
              ThrowsMessage<InvalidInput>(std::string("[lora] no matrix is called \"w_proj\"; there are ") + kNames));
  EXPECT_THAT(make({}), ThrowsMessage<InvalidInput>(std::string("[lora] no targets, expected some of ") + kNames));
}

/// The names and shapes that PEFT gave, and what its config says of the model.
void expect_names_of_peft(const std::filesystem::path& adapter, const char* model) {
  const Json expected = read_json(golden("adapter/names.json")).at(model);
  Json found = Json::object();
  const tensor::SafetensorsFile file(adapter / "adapter_model.safetensors");
  for (const auto& [name, view] : file.tensors()) found[name] = {view.shape[0], view.shape[1]};
  EXPECT_EQ(found, expected.at("tensors"));
  const Json config = read_json(adapter / "adapter_config.json");
  for (const char* key : {"task_type", "auto_mapping", "target_modules"}) {
    EXPECT_EQ(config.value(key, Json()), expected.at(key)) << key;
  }
}

TEST(TrainableLora, IsWrittenUnderTheNamesOfPeft) {
  TrainableLora lora(model::read_config(golden("ckpt/tiny-small-f32")).text, {.rank = 4, .alpha = 8}, 1);
  const e5v::test::TemporaryFolder folder;
  lora.adapter().write(folder.path());
  expect_names_of_peft(folder.path(), "causal_lm");
  lora.adapter().inside_llava = true;
  lora.adapter().write(folder.path());
  expect_names_of_peft(folder.path(), "llava_next");
}

}  // namespace
}  // namespace e5v::train
