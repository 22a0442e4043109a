#include "train/trainee.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "changed_checkpoint.h"
#include "temporary_folder.h"
#include "train/quantised_checkpoint.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

using e5v::test::golden;
using e5v::test::TemporaryFolder;
using test::small_checkpoint;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

/// The tiny checkpoint of which some parts are trained.
Trainee trainee(const std::vector<std::string>& parts, TraineeOptions options = {},
                const std::filesystem::path& folder = small_checkpoint()) {
  options.parts = TrainedParts::from(parts);
  const bool sees = options.images || options.parts.projector || options.parts.vision;
  return Trainee(folder, sees ? test::small_preparer().preprocess() : image::Preprocess{}, options);
}

std::map<std::string, std::int64_t> rows_by_name(const Trainee& model) {
  std::map<std::string, std::int64_t> rows;
  for (const Parameter& parameter : model.parameters()) rows.emplace(parameter.name, parameter.rows);
  return rows;
}

/// The vector of a text.
std::vector<float> vector_of(const Trainee& model) {
  const std::vector<TokenSequence> sequences{TokenSequence::from({2048, 32, 77, 5}, 0)};
  tensor::Arena arena;
  const tensor::Matrix y_PD = arena.matrix(tensor::DType::f32, 1, model.width());
  model.forward(pack_sequences(sequences), y_PD, arena);
  return {y_PD.row<float>(0), y_PD.row<float>(0) + model.width()};
}

TEST(TrainedParts, AreChosenByTheirNames) {
  const TrainedParts all = TrainedParts::from({"all"});
  EXPECT_TRUE(all.language_model && all.projector && all.vision && !all.lora);
  const TrainedParts two = TrainedParts::from({"lora", "projector"});
  EXPECT_TRUE(two.lora && two.projector && two.weights() && !two.language_model && !two.vision);
  EXPECT_FALSE(TrainedParts::from({"lora"}).weights());
}

TEST(TrainedParts, OtherNamesAndCombinationsAreRefused) {
  const auto from = [](const std::vector<std::string>& names) { return [=] { TrainedParts::from(names); }; };
  EXPECT_THAT(from({"lora", "llm"}),
              ThrowsMessage<InvalidInput>("[train] lora and llm exclude each other, because adapters "
                                          "replace the training of the weights"));
  EXPECT_THAT(from({"all", "lora"}), ThrowsMessage<InvalidInput>(HasSubstr("exclude each other")));
  EXPECT_THAT(from({}),
              ThrowsMessage<InvalidInput>("[train] nothing to train; there are lora, llm, projector, vision, all"));
  EXPECT_THAT(from({"head"}), ThrowsMessage<InvalidInput>("[train] \"head\" is no part of a model; there are lora, "
                                                          "llm, projector, vision, all"));
}

TEST(Trainee, TrainedWeightsAreCopiesInF32) {
  const auto folder = golden("ckpt/tiny-small-bf16-2shard");
  const Trainee model = trainee({"llm"}, {}, folder);
  EXPECT_EQ(model.weights().size(), 2u + 4 * 9);  // table, last norm, and nine tensors a block
  EXPECT_EQ(model.lora(), nullptr);
  const model::Checkpoint stored(folder);
  for (const Trainee::Weight& weight : model.weights()) {
    const tensor::Tensor expected = to_f32(stored.tensor(weight.name, weight.values.shape()));
    EXPECT_TRUE(std::ranges::equal(weight.values.as<float>(), expected.as<float>())) << weight.name;
    EXPECT_EQ(std::ranges::count(weight.gradient.as<float>(), 0.0f), weight.gradient.elements()) << weight.name;
  }
}

TEST(Trainee, OnlyWhatVectorsDependOnIsTrained) {
  const auto names = [](const std::vector<std::string>& parts) {
    std::vector<std::string> result;
    for (const auto& [name, rows] : rows_by_name(trainee(parts))) result.push_back(name);
    return result;
  };
  EXPECT_THAT(names({"projector"}),
              testing::ElementsAre("image_newline", "projector.linear_1.bias", "projector.linear_1.weight",
                                   "projector.linear_2.bias", "projector.linear_2.weight"));
  const std::vector<std::string> vision = names({"vision"});
  EXPECT_THAT(vision, Contains(HasSubstr("encoder.layers.1.mlp.fc2.weight")));
  EXPECT_THAT(vision, Not(Contains(HasSubstr("encoder.layers.2."))));  // features are those of the layer before it
  EXPECT_THAT(vision, Not(Contains(HasSubstr("post_layernorm"))));
  EXPECT_THAT(names({"llm"}), Not(Contains("lm_head.weight")));
}

TEST(Trainee, TheHeadIsTrainedWhereTokensArePredicted) {
  TraineeOptions options;
  options.head = true;
  EXPECT_TRUE(rows_by_name(trainee({"llm"}, options)).contains("lm_head.weight"));
  EXPECT_FALSE(rows_by_name(trainee({"projector"}, options)).contains("lm_head.weight"));
}

TEST(Trainee, MatricesInsideTheNetworkHaveRows) {
  TraineeOptions options;
  options.head = true;
  const std::map<std::string, std::int64_t> rows = rows_by_name(trainee({"all"}, options));
  EXPECT_EQ(rows.at("language_model.layers.0.self_attn.k_proj.weight"), 32);
  EXPECT_EQ(rows.at("projector.linear_1.weight"), 128);
  for (const char* name : {"lm_head.weight", "language_model.embed_tokens.weight", "language_model.norm.weight",
                           "vision_tower.embeddings.patch_embedding.weight", "image_newline"}) {
    EXPECT_EQ(rows.at(name), 0) << name;
  }
}

TEST(Trainee, ChangedWeightsReachTheModel) {
  TraineeOptions options;
  options.precision = nn::Precision::bf16;  // its 16-bit weights are copies of those that are trained
  Trainee model = trainee({"llm"}, options);
  const std::vector<float> before = vector_of(model);
  for (const Trainee::Weight& weight : model.weights()) {
    if (weight.name.ends_with("down_proj.weight")) std::ranges::fill(weight.values.as<float>(), 0.0f);
  }
  model.parameters_changed();
  EXPECT_NE(vector_of(model), before);
}

TEST(Trainee, PredictionsAreProductsWithTheHead) {
  TraineeOptions options;
  options.head = true;
  const Trainee model = trainee({"lora"}, options);
  const tensor::TensorView head = model.checkpoint().tensor("lm_head.weight", {2368, 128});
  std::vector<float> x_PD(2 * 128);
  for (std::size_t i = 0; i < x_PD.size(); ++i) x_PD[i] = std::sin(static_cast<float>(i));
  tensor::Arena arena;
  const tensor::Matrix logits_PV = arena.matrix(tensor::DType::f32, 2, model.vocabulary());
  model.predict({reinterpret_cast<const std::byte*>(x_PD.data()), tensor::DType::f32, 2, 128, 128}, logits_PV, arena);
  for (const std::size_t token : {0u, 1000u, 2367u}) {
    double expected = 0;
    for (std::size_t d = 0; d < 128; ++d)
      expected += static_cast<double>(x_PD[128 + d]) * static_cast<double>(head.as<float>()[128 * token + d]);
    EXPECT_NEAR(logits_PV.row<float>(1)[token], expected, 1e-4) << token;
  }
}

TEST(Trainee, GradientsAreCleared) {
  const Trainee model = trainee({"projector"});
  for (const Parameter& parameter : model.parameters()) std::ranges::fill(parameter.gradient, 3.0f);
  model.clear_gradients();
  for (const Parameter& parameter : model.parameters()) EXPECT_THAT(parameter.gradient, testing::Each(0.0f));
}

TEST(Trainee, ThePrecisionIsGivenOrSuitsTheCheckpoint) {
  EXPECT_EQ(trainee({"lora"}).precision(), nn::Precision::f32);
  EXPECT_EQ(trainee({"lora"}, {}, golden("ckpt/tiny-small-bf16-2shard")).precision(), nn::Precision::bf16);
  TraineeOptions options;
  options.precision = nn::Precision::bf16;
  EXPECT_EQ(trainee({"lora"}, options).precision(), nn::Precision::bf16);
}

TEST(Trainee, AdaptersSayWhatTheyWereTrainedOn) {
  const Trainee model = trainee({"lora"});
  ASSERT_NE(model.lora(), nullptr);
  EXPECT_TRUE(model.weights().empty());
  EXPECT_TRUE(model.lora()->adapter().inside_llava);
  EXPECT_EQ(model.lora()->adapter().base, model::Checkpoint(small_checkpoint()).fingerprint().hex());
}

TEST(Trainee, QuantisedWeightsTakeAdaptersOnly) {
  const TemporaryFolder folder;
  test::copy_with_int8_matrix(folder.path() / "model");
  EXPECT_THAT([&] { trainee({"llm"}, {}, folder.path() / "model"); },
              ThrowsMessage<ModelError>("[train] language_model.model.embed_tokens.weight is quantised: train adapters "
                                        "on it, or the weights of an unquantised checkpoint"));
  EXPECT_NO_THROW(trainee({"lora"}, {}, folder.path() / "model"));
  EXPECT_NO_THROW(trainee({"projector"}, {}, folder.path() / "model"));
}

TEST(Trainee, ImagesNeedAVisionTower) {
  model::ModelConfig config = model::read_config(small_checkpoint());
  config.vision.reset();
  const auto make = [&](const TraineeOptions& options) {
    return [&config, options] { Trainee(model::Checkpoint(small_checkpoint()), config, {}, options); };
  };
  TraineeOptions options;
  EXPECT_NO_THROW(make(options)());
  options.images = true;
  EXPECT_THAT(make(options),
              ThrowsMessage<ModelError>("[train] the checkpoint has no vision tower, so it takes text only"));
  options.images = false;
  options.parts = TrainedParts::from({"projector"});
  EXPECT_THAT(make(options), ThrowsMessage<ModelError>(HasSubstr("has no vision tower")));
}

TEST(Trainee, CheckpointsThatHoldInfinityAreRefused) {
  const TemporaryFolder folder;
  e5v::test::copy_with(folder.path() / "model", "language_model.model.layers.1.self_attn.o_proj.weight", INFINITY);
  EXPECT_THAT([&] { trainee({"lora"}, {}, folder.path() / "model"); },
              ThrowsMessage<ModelError>(HasSubstr("o_proj.weight\" holds NaN or infinity")));
}

}  // namespace
}  // namespace e5v::train
