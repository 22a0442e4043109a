// A model whose matrices are NF4, embedding and training, against the reference: tests/golden/nf4.
#include <gmock/gmock.h>

#include "api/model.h"
#include "base/json.h"
#include "embed/golden_suite.h"
#include "families/llava_next/prepare.h"
#include "quantize/quantizer.h"
#include "temporary_folder.h"
#include "train/examples.h"
#include "train/grad_cache.h"

namespace e5v::quantize {
namespace {

using e5v::test::golden;
using e5v::test::max_difference;

class Nf4Model : public testing::Test {
 protected:
  void SetUp() override {
    QuantizeOptions options;
    options.model = golden("ckpt/tiny-small-f32");
    options.output = folder_.path() / "nf4";
    options.format = tensor::WeightFormat::nf4;
    quantize_checkpoint(options);
  }

  e5v::test::TemporaryFolder folder_;
  tensor::SafetensorsFile expected_{golden("nf4/nf4_model.safetensors")};
};

TEST_F(Nf4Model, VectorsAreTheReferences) {
  e5v::test::Model embedder(folder_.path() / "nf4", e5v::test::raw_options(ComputeType::f32));
  std::vector<Input> texts;
  for (const std::string& sentence : e5v::test::golden_sentences()) texts.push_back(Input::from_text(sentence));
  const Embeddings found = embedder.embed(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_LT(max_difference(found.row(static_cast<std::int64_t>(i)),
                             e5v::test::golden_row(expected_, "texts_emb_single", i)),
              e5v::test::kTolerance)
        << i;
  }
}

TEST_F(Nf4Model, LossAndGradientsAreTheReferences) {
  train::TraineeOptions options;
  options.lora = {.rank = 8, .alpha = 16, .dropout = 0};
  options.precision = nn::Precision::f32;
  train::Trainee model(folder_.path() / "nf4", {}, options);
  const tensor::SafetensorsFile start(golden("train/one_step.safetensors"));
  const auto peft = [](const std::string& name) {
    return "base_model.model.model" + name.substr(std::string("language_model").size()) + ".weight";
  };
  for (const train::Parameter& parameter : model.parameters()) {
    const auto* values = start.find("as_is.B0.init." + peft(parameter.name));
    if (values != nullptr) std::ranges::copy(values->as<float>(), parameter.values.begin());
  }
  std::vector<train::Pair> pairs;
  const Json data = read_json(golden("train/data.json"));
  for (const Json& triplet : data.at("batches").at(0)) {
    pairs.push_back({Input::from_text(triplet.at(0).get<std::string>()),
                     Input::from_text(triplet.at(1).get<std::string>()), triplet.at(2).get<std::string>()});
  }
  embed::Preparer preparer = families::make_llava_next_preparer(golden("ckpt/tiny-small-f32"),
                                                                model::read_config(golden("ckpt/tiny-small-f32")), {});
  train::Examples examples(preparer, {.paper_prompts = true, .paper_masks = true});
  const processes::Group alone;
  train::GradCache cache(model, {.micro_batch = 6}, alone);
  const double loss = cache.accumulate(examples.contrastive(pairs), nullptr).loss;
  EXPECT_NEAR(loss, read_json(golden("nf4/nf4_model.json")).at("loss").get<double>(), 1e-5);
  int compared = 0;
  for (const train::Parameter& parameter : model.parameters()) {
    const auto* gradient = expected_.find("grad." + peft(parameter.name));
    if (gradient == nullptr) continue;
    EXPECT_LT(max_difference(parameter.gradient, gradient->as<float>()), 5e-5) << parameter.name;
    ++compared;
  }
  EXPECT_EQ(compared, 14);
}

}  // namespace
}  // namespace e5v::quantize
