// Gradients of whole models against finite differences, in every part that can be trained.
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/philox.h"
#include "changed_checkpoint.h"
#include "families/llava_next/prepare.h"
#include "golden.h"
#include "temporary_folder.h"
#include "train/captioning.h"
#include "train/examples.h"
#include "train/grad_cache.h"
#include "train/trainee.h"

namespace e5v::train {
namespace {

const processes::Group alone;

using test::golden;

const char* const kModel = "ckpt/tiny-small-f32";

struct Setting {
  std::string name;
  std::vector<std::string> parts;
  bool images = false, captions = false;
  float dropout = 0;
};

/// A model, and a batch for it.
struct Fixture {
  explicit Fixture(const Setting& setting, std::int64_t kept_bytes = TraineeOptions{}.kept_bytes)
      : preparer(families::make_llava_next_preparer(golden(kModel), model::read_config(golden(kModel)), options())),
        model(golden(kModel), preparer.preprocess(), trainee_options(setting, kept_bytes)) {
    Examples examples(preparer, {});
    const auto image = [](const char* name) {
      return Input::from_image(std::filesystem::path(golden("images") / name));
    };
    const std::vector<Pair> pairs{
        {setting.images ? image("img18_dark_90x60.png") : Input::from_text("Two dogs run."),
         Input::from_text("Dogs are running."), "A cat sleeps."},
        {Input::from_text("He reads a book."), Input::from_text("A man is reading."), "Nobody is reading.",
         std::nullopt},
        {Input::from_text("It is cold."), Input::from_text("The day is freezing."), "It is hot."}};
    if (setting.captions)
      captions = examples.captions(std::span(pairs).first(2));
    else
      batch = examples.contrastive(pairs);
    if (model.lora() == nullptr) return;
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.05f);
    for (const nn::Lora& part : model.lora()->adapter().parts) {
      for (float& value : part.b_NR.as<float>()) value = normal(random);
    }
  }

  static PrepareOptions options() {
    PrepareOptions result;
    result.max_tiles = 1;
    return result;
  }
  static TraineeOptions trainee_options(const Setting& setting, std::int64_t kept_bytes) {
    TraineeOptions result;
    result.kept_bytes = kept_bytes;
    result.parts = TrainedParts::from(setting.parts);
    result.lora = {.rank = 4, .alpha = 8, .dropout = static_cast<double>(setting.dropout)};
    result.images = setting.images;
    result.head = setting.captions;
    return result;
  }

  embed::Preparer preparer;
  Trainee model;
  PairBatch batch;
  std::vector<TokenSequence> captions;
};

class Gradients : public testing::TestWithParam<Setting> {};

/// The loss along a random direction in all parameters: its slope is the gradient's share in that direction.
TEST_P(Gradients, AgreeWithFiniteDifferences) {
  Fixture fixture(GetParam());
  Trainee& model = fixture.model;
  GradCache contrastive(model, {.micro_batch = 2}, alone);
  Captioning captioning(model, 2, alone);
  const nn::Dropout dropout{GetParam().dropout, 7, 3};
  const auto loss = [&] {
    model.clear_gradients();
    return GetParam().captions ? captioning.accumulate(fixture.captions, &dropout).loss
                               : contrastive.accumulate(fixture.batch, &dropout).loss;
  };
  loss();
  const std::vector<Parameter> parameters = model.parameters();
  std::vector<std::vector<float>> start, slope;
  for (const Parameter& parameter : parameters) {
    start.emplace_back(parameter.values.begin(), parameter.values.end());
    slope.emplace_back(parameter.gradient.begin(), parameter.gradient.end());
  }
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  int probed = 0;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    // Tensors in turns, and the kinds that there are once: each probe costs two passes.
    if (parameters.size() > 20 && p % 7 != 3 && parameters[p].name.find("layers") != std::string::npos) continue;
    std::vector<double> direction(start[p].size());
    double squares = 0, expected = 0, gradient_square = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      // Half along the gradient, so that the slope stands out from rounding; half at random.
      gradient_square += static_cast<double>(slope[p][i]) * static_cast<double>(slope[p][i]);
      direction[i] = normal(random);
      squares += direction[i] * direction[i];
    }
    if (gradient_square == 0) continue;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      direction[i] = direction[i] / std::sqrt(squares) + static_cast<double>(slope[p][i]) / std::sqrt(gradient_square);
      expected += direction[i] * static_cast<double>(slope[p][i]);
    }
    const auto loss_at = [&](double distance) {
      for (std::size_t i = 0; i < direction.size(); ++i) {
        parameters[p].values[i] = static_cast<float>(static_cast<double>(start[p][i]) + distance * direction[i]);
      }
      model.parameters_changed();
      const double result = loss();
      std::ranges::copy(start[p], parameters[p].values.begin());
      return result;
    };
    const double step = 2e-3;
    const double found = (loss_at(step) - loss_at(-step)) / (2 * step);
    EXPECT_NEAR(found, expected, 2e-2 * std::abs(expected) + 2e-3) << parameters[p].name;
    ++probed;
  }
  model.parameters_changed();
  EXPECT_GE(probed, 5);
}

INSTANTIATE_TEST_SUITE_P(Parts, Gradients,
                         testing::Values(Setting{"Lora", {"lora"}},
                                         Setting{"LoraWithDropout", {"lora"}, false, false, 0.3f},
                                         Setting{"LanguageModel", {"llm"}}, Setting{"Projector", {"projector"}, true},
                                         Setting{"Vision", {"vision"}, true}, Setting{"Everything", {"all"}, true},
                                         Setting{"Captions", {"llm"}, false, true},
                                         Setting{"CaptionsOfImages", {"all"}, true, true}),
                         [](const auto& setting) { return setting.param.name; });

/// Gradients in parts are those of the whole, dropout included.
TEST(GradCache, PartsGiveTheWhole) {
  for (const float dropout_share : {0.0f, 0.2f}) {
    Fixture fixture({"", {"lora"}, false, false, dropout_share});
    const nn::Dropout dropout{dropout_share, 7, 3};
    std::vector<std::vector<float>> first;
    double first_loss = 0;
    for (const std::int64_t micro_batch : {3, 2, 1}) {
      GradCache cache(fixture.model, {.micro_batch = micro_batch}, alone);
      fixture.model.clear_gradients();
      const double loss = cache.accumulate(fixture.batch, &dropout).loss;
      const std::vector<Parameter> parameters = fixture.model.parameters();
      for (std::size_t p = 0; p < parameters.size(); ++p) {
        if (micro_batch == 3) {
          first.emplace_back(parameters[p].gradient.begin(), parameters[p].gradient.end());
          continue;
        }
        for (std::size_t i = 0; i < first[p].size(); ++i) ASSERT_NEAR(parameters[p].gradient[i], first[p][i], 1e-5);
      }
      if (micro_batch == 3) first_loss = loss;
      EXPECT_NEAR(loss, first_loss, 1e-5);
    }
  }
}

/// A block that is computed once more for its backward pass has the activations that it had.
TEST(GradCache, KeptActivationsChangeNothing) {
  const Setting setting{"", {"all"}, true};
  std::vector<std::vector<float>> first;
  for (const std::int64_t kept : {std::int64_t{2} << 30, std::int64_t{0}}) {
    Fixture fixture(setting, kept);
    GradCache cache(fixture.model, {.micro_batch = 3}, alone);
    fixture.model.clear_gradients();
    cache.accumulate(fixture.batch, nullptr);
    const std::vector<Parameter> parameters = fixture.model.parameters();
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const std::vector<float> gradient(parameters[p].gradient.begin(), parameters[p].gradient.end());
      if (kept > 0) {
        first.push_back(gradient);
      } else {
        EXPECT_EQ(gradient, first[p]) << parameters[p].name;
      }
    }
  }
  EXPECT_GT(std::ranges::count_if(first.front(), [](float value) { return value != 0; }), 0);
}

TEST(GradCache, DropoutTwinsDiffer) {
  Fixture fixture({"", {"lora"}, false, false, 0.3f});
  Examples examples(fixture.preparer, {});
  const std::vector<Pair> twins{{Input::from_text("Two dogs run."), Input::from_text("Two dogs run."), std::nullopt},
                                {Input::from_text("It is cold."), Input::from_text("It is cold."), std::nullopt}};
  const PairBatch batch = examples.contrastive(twins);
  GradCache cache(fixture.model, {.micro_batch = 2}, alone);
  const double sure = cache.evaluate(batch).loss;
  const nn::Dropout dropout{0.3f, 7, 3}, other{0.3f, 7, 4};
  fixture.model.clear_gradients();
  const double dropped = cache.accumulate(batch, &dropout).loss;
  EXPECT_GT(dropped, sure);  // twins without dropout are the same vector
  EXPECT_NE(cache.accumulate(batch, &other).loss, dropped);
}

TEST(Trainee, PartsAreChecked) {
  EXPECT_THROW(TrainedParts::from({"lora", "llm"}), InvalidInput);
  EXPECT_THROW(TrainedParts::from({}), InvalidInput);
  EXPECT_THROW(TrainedParts::from({"head"}), InvalidInput);
  const TrainedParts all = TrainedParts::from({"all"});
  EXPECT_TRUE(all.language_model && all.projector && all.vision && !all.lora);
  TraineeOptions options;
  options.lora.targets = {"q_proj", "w_proj"};
  EXPECT_THAT(
      [&] { Trainee(golden(kModel), {}, options); },
      testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("no matrix is called \"w_proj\"; there are down_proj")));
  options = {};
  const test::TemporaryFolder folder;
  test::copy_with(folder.path() / "model", "language_model.model.layers.1.self_attn.o_proj.weight", INFINITY);
  EXPECT_THAT([&] { Trainee(folder.path() / "model", {}, options); },
              testing::ThrowsMessage<ModelError>(testing::HasSubstr("o_proj.weight\" holds NaN or infinity")));
  options.images = true;
  EXPECT_NO_THROW(Trainee(golden(kModel), Fixture(Setting{"", {"lora"}}).preparer.preprocess(), options));
}

}  // namespace
}  // namespace e5v::train
