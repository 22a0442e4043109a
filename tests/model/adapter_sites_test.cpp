#include "model/adapter_sites.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"

namespace e5v::model {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

/// Two blocks of width 12 with 3 heads of 6 and one key head, a tower of 3 layers, of which 2 are computed.
ModelConfig config_with_sites() {
  ModelConfig model;
  LlamaConfig& text = model.text;
  text.layers = 2, text.width = 12, text.heads = 3, text.kv_heads = 1, text.head_width = 6, text.mlp_width = 20;
  text.vocabulary = 50;
  ClipConfig& vision = model.vision.emplace();
  vision.layers = 3, vision.width = 8, vision.mlp_width = 10;
  return model;
}

const AdapterSite& site_of(const std::vector<AdapterSite>& sites, const std::string& name) {
  const auto found = std::ranges::find(sites, name, &AdapterSite::name);
  require(found != sites.end(), "[test] no site {}", name);
  return *found;
}

TEST(AdapterSites, OfALanguageModelAreInTheOrderOfItsLayers) {
  const std::vector<AdapterSite> sites = adapter_sites(config_with_sites().text);
  std::vector<std::string> second;
  for (std::size_t i = 7; i < sites.size(); ++i) second.push_back(sites[i].name.substr(sites[i].name.find("1.") + 2));
  EXPECT_THAT(second, ElementsAre("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                  "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"));
  EXPECT_EQ(sites[0].name, "language_model.layers.0.self_attn.q_proj");
}

TEST(AdapterSites, HaveTheShapesOfTheirMatrices) {
  const std::vector<AdapterSite> sites = adapter_sites(config_with_sites());
  const auto expect = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs, bool computed = true) {
    const AdapterSite& site = site_of(sites, name);
    EXPECT_EQ(site.outputs, outputs) << name;
    EXPECT_EQ(site.inputs, inputs) << name;
    EXPECT_EQ(site.computed, computed) << name;
  };
  const std::string block = "language_model.layers.1.", tower = "vision_tower.encoder.layers.";
  expect(block + "self_attn.q_proj", 18, 12);  // heads * head_width is another number than the width
  expect(block + "self_attn.k_proj", 6, 12);
  expect(block + "self_attn.v_proj", 6, 12);
  expect(block + "self_attn.o_proj", 12, 18);
  expect(block + "mlp.gate_proj", 20, 12);
  expect(block + "mlp.up_proj", 20, 12);
  expect(block + "mlp.down_proj", 12, 20);
  expect(tower + "1.self_attn.out_proj", 8, 8);
  expect(tower + "1.mlp.fc1", 10, 8);
  expect(tower + "1.mlp.fc2", 8, 10);
  expect(tower + "2.mlp.fc2", 8, 10, false);  // after the features
  expect("projector.linear_1", 12, 8);
  expect("projector.linear_2", 12, 12);
  expect("lm_head", 50, 12, false);
  EXPECT_EQ(sites.size(), 2u * 7 + 3 * 6 + 2 + 1);
  EXPECT_EQ(sites.back().name, "lm_head");
}

TEST(AdapterSites, OfAModelWithoutTowerAreThoseOfTextAndHead) {
  ModelConfig blind = config_with_sites();
  blind.vision.reset();
  EXPECT_EQ(adapter_sites(blind).size(), 2u * 7 + 1);
}

TEST(LayerMatrix, IsANumberAndTheRest) {
  const auto found = layer_matrix("language_model.layers.31.mlp.up_proj", "language_model.layers.");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->layer, 31u);
  EXPECT_EQ(found->matrix, "mlp.up_proj");
  for (const char* name : {"vision_tower.encoder.layers.3.mlp.fc1", "language_model.layers.x.mlp.up_proj",
                           "language_model.layers.3", "language_model.layers.3mlp", "language_model.layers.",
                           "language_model.layers.-1.mlp.up_proj", "language_model.layers.99999999999999999999.mlp"}) {
    EXPECT_FALSE(layer_matrix(name, "language_model.layers.")) << name;
  }
  const std::string_view whole = "language_model.layers.3.mlp";
  EXPECT_FALSE(layer_matrix(whole.substr(0, whole.find(".mlp")), "language_model.layers."));  // nothing after its end
}

TEST(PeftModules, HaveOneCanonicalNameInEveryGeneration) {
  for (const char* name : {"layers.3.mlp.up_proj", "model.layers.3.mlp.up_proj", "language_model.layers.3.mlp.up_proj",
                           "language_model.model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"}) {
    EXPECT_EQ(canonical_module(name), "language_model.layers.3.mlp.up_proj") << name;
  }
  EXPECT_EQ(canonical_module("multi_modal_projector.linear_1"), "projector.linear_1");
  EXPECT_EQ(canonical_module("vision_tower.vision_model.encoder.layers.0.mlp.fc1"),
            "vision_tower.encoder.layers.0.mlp.fc1");
  EXPECT_EQ(canonical_module("lm_head"), "lm_head");
}

TEST(PeftModules, AreWrittenUnderTheNamesOfTheWrappedClass) {
  const std::string canonical = "language_model.layers.3.mlp.up_proj";
  EXPECT_EQ(peft_module(canonical, true), "model.language_model.layers.3.mlp.up_proj");
  EXPECT_EQ(peft_module(canonical, false), "model.layers.3.mlp.up_proj");
  for (const bool inside : {false, true}) {
    EXPECT_EQ(canonical_module(peft_module(canonical, inside)), canonical);
    EXPECT_THAT([&] { peft_module("projector.linear_1", inside); },
                ThrowsMessage<InvalidInput>("[adapter] \"projector.linear_1\" is no matrix of the language model"));
  }
}

}  // namespace
}  // namespace e5v::model
