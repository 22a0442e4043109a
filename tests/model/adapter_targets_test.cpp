// target_modules and its like, as PEFT 0.21.2 understands them (check_target_module_exists).
#include "model/adapter_targets.h"

#include <gmock/gmock.h>

namespace e5v::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr const char* kQ0 = "model.language_model.layers.0.self_attn.q_proj";
constexpr const char* kQ3 = "model.language_model.layers.3.self_attn.q_proj";
constexpr const char* kUp3 = "model.language_model.layers.3.mlp.up_proj";
constexpr const char* kTower = "model.vision_tower.encoder.layers.3.self_attn.q_proj";
constexpr const char* kHead = "lm_head";

/// Which of the names above are targets.
std::vector<std::string> targets(const std::string& members) {
  const AdapterTargets found(parse_ordered_json("{" + members + "}", "config"), "config");
  std::vector<std::string> names;
  for (const char* name : {kQ0, kQ3, kUp3, kTower, kHead}) {
    if (found.include(name)) names.emplace_back(name);
  }
  return names;
}

TEST(AdapterTargets, ListsHoldNamesAndTheirEnds) {
  EXPECT_THAT(targets(R"("target_modules": ["q_proj"])"), ElementsAre(kQ0, kQ3, kTower));
  EXPECT_THAT(targets(R"("target_modules": ["3.self_attn.q_proj", "lm_head"])"), ElementsAre(kQ3, kTower, kHead));
  EXPECT_THAT(targets(R"("target_modules": ["roj", ".*", "head"])"), IsEmpty());
  EXPECT_THAT(targets(R"("target_modules": [])"), IsEmpty());
}

TEST(AdapterTargets, TextsAreExpressionsOfWholeNames) {
  EXPECT_THAT(targets(R"-("target_modules": ".*language_model.*\\.(q_proj|up_proj)")-"), ElementsAre(kQ0, kQ3, kUp3));
  EXPECT_THAT(targets(R"("target_modules": "^(?!.*vision).*q_proj$")"), ElementsAre(kQ0, kQ3));
  EXPECT_THAT(targets(R"("target_modules": ".*q_pro|lm_head")"), ElementsAre(kHead));
  EXPECT_THAT(targets(R"("target_modules": "q_proj")"), IsEmpty());
}

TEST(AdapterTargets, AllLinearIsAllButTheHead) {
  EXPECT_THAT(targets(R"("target_modules": "all-linear")"), ElementsAre(kQ0, kQ3, kUp3, kTower));
  EXPECT_THAT(targets(R"("target_modules": "All-Linear", "exclude_modules": ["up_proj"])"),
              ElementsAre(kQ0, kQ3, kTower));
}

TEST(AdapterTargets, WithoutAnyTheyArePeftsForLlama) {
  EXPECT_THAT(targets(""), ElementsAre(kQ0, kQ3, kTower));
  EXPECT_THAT(targets(R"("target_modules": null)"), ElementsAre(kQ0, kQ3, kTower));
}

TEST(AdapterTargets, ExcludedOnesAreNot) {
  EXPECT_THAT(targets(R"("target_modules": ["q_proj"], "exclude_modules": ".*vision.*")"), ElementsAre(kQ0, kQ3));
  EXPECT_THAT(targets(R"("target_modules": ["q_proj"], "exclude_modules": ["0.self_attn.q_proj"])"),
              ElementsAre(kQ3, kTower));
}

TEST(AdapterTargets, LayersAreChosen) {
  const std::string q = R"("target_modules": ["q_proj", "lm_head"], )";
  EXPECT_THAT(targets(q + R"("layers_to_transform": [3])"), ElementsAre(kQ3, kTower));
  EXPECT_THAT(targets(q + R"("layers_to_transform": 0)"), ElementsAre(kQ0));
  EXPECT_THAT(targets(q + R"("layers_to_transform": [])"), ElementsAre(kQ0, kQ3, kTower, kHead));
  EXPECT_THAT(targets(q + R"("layers_to_transform": [3], "layers_pattern": "layers")"), ElementsAre(kQ3, kTower));
  EXPECT_THAT(targets(q + R"("layers_to_transform": [3], "layers_pattern": ["h", "encoder.layers"])"),
              ElementsAre(kTower));
  EXPECT_THAT(targets(q + R"("layers_to_transform": [3], "layers_pattern": ["h"])"), IsEmpty());
}

TEST(AdapterTargets, WhatIsBrokenIsSaid) {
  const auto expect_error = [](const std::string& members, const std::string& message) {
    EXPECT_THAT([&] { targets(members); }, ThrowsMessage<ModelError>(HasSubstr(message))) << members;
  };
  expect_error(R"("target_modules": 3)", "\"target_modules\" has an unexpected type: number");
  expect_error(R"("target_modules": [3])", "\"target_modules\" has an unexpected type: number");
  expect_error(R"("target_modules": "(")", "[config] \"target_modules\" is ");
  expect_error(R"("target_modules": ["q"], "layers_to_transform": "1")",
               "\"layers_to_transform\" has an unexpected type");
  expect_error(R"("target_modules": ".*", "layers_to_transform": [1])", "needs a target_modules that is a list");
}

}  // namespace
}  // namespace e5v::model
