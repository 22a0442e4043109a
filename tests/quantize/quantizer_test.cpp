#include "quantize/quantizer.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "changed_checkpoint.h"
#include "embed/loading.h"
#include "golden.h"
#include "quantize/check.h"
#include "temporary_folder.h"
#include "tensor/safetensors_writer.h"

namespace e5v::quantize::test {
namespace {

namespace fs = std::filesystem;
using e5v::test::golden;
using e5v::test::TemporaryFolder;
using tensor::WeightFormat;

using Items = std::vector<runs::ItemList::Entry>;

runs::ItemList::Entry entry(Input input) { return {{std::nullopt, std::move(input)}, "items.jsonl:7"}; }

Items check_items() {
  Items items;
  for (const char* text : {"a cat", "A man rides a horse along the beach.", "blue", "Why is the sky dark at night?",
                           "two dogs and a ball on wet grass"}) {
    items.push_back(entry(Input::from_text(text)));
  }
  for (const char* name : {"img01_wide_1201x250.png", "img06_rgba_400x300.png", "img15_rgb_336x336.png"}) {
    const fs::path file = golden("images") / name;
    items.push_back(entry(Input::from_image(file)));
    items.push_back(entry(Input::composed(file, "the same in red")));
  }
  return items;
}

QuantizeOptions options_for(const fs::path& model, const fs::path& output, WeightFormat format) {
  QuantizeOptions options;
  options.model = model;
  options.output = output;
  options.format = format;
  return options;
}

std::string error_of(const QuantizeOptions& options) {
  try {
    quantize_checkpoint(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Rounding would make finite numbers of them.
TEST(QuantizeCheckpoint, NaNAndInfinityAreRefusedByTheTensorsName) {
  constexpr const char* kUp = "language_model.model.layers.2.mlp.up_proj.weight";
  for (const float number : {NAN, INFINITY}) {
    const TemporaryFolder folder;
    e5v::test::copy_with(folder.path() / "model", kUp, number);
    for (const WeightFormat format : {WeightFormat::int8, WeightFormat::int4, WeightFormat::nf4}) {
      EXPECT_THAT(error_of(options_for(folder.path() / "model", folder.path() / "q", format)),
                  testing::HasSubstr("model.safetensors] tensor \"" + std::string(kUp) + "\" holds NaN"));
      EXPECT_FALSE(fs::exists(folder.path() / "q"));
    }
  }
}

class QuantizedGolden : public testing::TestWithParam<std::tuple<const char*, WeightFormat>> {};

TEST_P(QuantizedGolden, VectorsStayNear) {
  const auto& [name, format] = GetParam();
  const TemporaryFolder folder;
  std::int64_t blocks = 0;
  QuantizeOptions options = options_for(golden(std::string("ckpt/") + name), folder.path() / "q", format);
  options.done = [&](const BlockReport& report) { EXPECT_EQ(report.block, blocks++); };
  quantize_checkpoint(options);
  const model::Checkpoint checkpoint(folder.path() / "q");
  EXPECT_EQ(blocks, model::read_config(folder.path() / "q").text.layers);
  EXPECT_EQ(checkpoint.stored_format(), format);
  const Agreement agreement = compare_models(options.model, options.output, {}, check_items(), nullptr);
  EXPECT_GE(agreement.mean(), format == WeightFormat::int8 ? 0.999 : 0.995);
  EXPECT_GE(agreement.minimum(), format == WeightFormat::int8 ? 0.997 : 0.98);
  EXPECT_LT(agreement.mean(), 1.0 - 1e-9);  // it was quantised
}

INSTANTIATE_TEST_SUITE_P(Goldens, QuantizedGolden,
                         testing::Combine(testing::Values("tiny-small-f32", "tiny-small-bf16-2shard"),
                                          testing::Values(WeightFormat::int8, WeightFormat::int4)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)).substr(11, 4) + "_" +
                                  std::string(name_of(std::get<1>(test.param)));
                         });

/// All that the goldens of the reference embed: its texts, its images, its changed images.
Items golden_items() {
  const auto between = [](const std::string& text, const std::string& from, const std::string& to) {
    const std::size_t begin = text.find(from), end = text.find(to, begin + from.size());
    require(begin != text.npos && end != text.npos, "no {} in {}", from, text);
    return text.substr(begin + from.size(), end - begin - from.size());
  };
  Items items;
  const Json texts = read_json(golden("embed/texts_small_f32.json"));
  const Json images = read_json(golden("embed/images_small_f32_v5.json"));
  const Json composed = read_json(golden("embed/composed_small_f32_v5.json"));
  for (const Json& prompt : texts.at("prompts")) {
    items.push_back(entry(
        Input::from_text(between(prompt.get<std::string>(), "<|end_header_id|>\n\n", "\nSummary above sentence"))));
  }
  for (const Json& image : images.at("images")) {
    items.push_back(entry(Input::from_image(golden("images") / image.at("image").get<std::string>())));
  }
  for (const Json& item : composed.at("items")) {
    const auto prompt = item.at("prompt").get<std::string>();
    const std::string text = item.at("kind") == "cirr" ? between(prompt, "image with \"", "\", desribe")
                                                       : between(prompt, " to ", "\n Desribe");
    items.push_back(entry(Input::composed(golden("images") / item.at("image").get<std::string>(), text)));
  }
  return items;
}

TEST(Quantizer, Int4StaysNearOnAllGoldens) {
  Items items = golden_items();
  ASSERT_EQ(items.size(), 48u);
  const TemporaryFolder folder;
  QuantizeOptions options = options_for(golden("ckpt/tiny-small-f32"), folder.path() / "q", WeightFormat::int4);
  options.force = true;
  const auto mean = [&] {
    quantize_checkpoint(options);
    return compare_models(options.model, options.output, {}, items, nullptr).mean();
  };
  EXPECT_GE(mean(), 0.99);
  // Four bits everywhere, and texts, which are nearer each other: what compensation is worth shows.
  items.resize(24);
  options.wide = Wide::nothing;
  const double compensated = mean();
  options.compensate = false;
  const double nearest = mean();
  EXPECT_GE(nearest, 0.88);
  EXPECT_GE(compensated, 1 - 0.7 * (1 - nearest));
}

/// The tiny model with the same function, but a few columns of the norms' outputs sixty-four times as large.
void plant_outliers(const fs::path& output) {
  const fs::path model = golden("ckpt/tiny-small-f32");
  for (const char* file : {"config.json", "tokenizer.json", "preprocessor_config.json"}) {
    fs::copy_file(model / file, output / file);
  }
  const model::Checkpoint checkpoint(model);
  std::vector<tensor::TensorSpec> specs;
  for (const auto& stored : checkpoint.tensors()) {
    specs.push_back({stored.stored, stored.view.dtype, stored.view.shape});
  }
  tensor::SafetensorsWriter writer(output / "model.safetensors", specs);
  for (const auto& stored : checkpoint.tensors()) {
    const std::vector<float> values(stored.view.as<float>().begin(), stored.view.as<float>().end());
    std::vector<float> changed = values;
    const std::string& name = stored.canonical;
    const bool block = name.starts_with("language_model.layers.");
    const bool norm = block && name.ends_with("layernorm.weight");
    const bool reader = block && (name.find("q_proj") != name.npos || name.find("k_proj") != name.npos ||
                                  name.find("v_proj") != name.npos || name.find("gate_proj") != name.npos ||
                                  name.find("up_proj") != name.npos);
    const auto columns = static_cast<std::size_t>(stored.view.shape[stored.view.shape.rank() - 1]);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % columns % 30 != 7) continue;
      if (norm) changed[i] *= 64;
      if (reader) changed[i] /= 64;
    }
    writer.write(stored.stored, std::as_bytes(std::span(changed)));
  }
  writer.finish();
}

TEST(Quantizer, SmoothingSavesWhatOutliersWouldCost) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "outliers";
  fs::create_directory(model);
  plant_outliers(model);
  QuantizeOptions options = options_for(model, folder.path() / "smooth", WeightFormat::int8);
  quantize_checkpoint(options);
  const Agreement smooth = compare_models(model, options.output, {}, check_items(), nullptr);
  options.output = folder.path() / "rough";
  options.smooth = false;
  quantize_checkpoint(options);
  const Agreement rough = compare_models(model, options.output, {}, check_items(), nullptr);
  EXPECT_GE(smooth.mean(), 0.999);
  EXPECT_LT(rough.mean(), smooth.mean() - 0.001);
}

TEST(Quantizer, WritesTheSameBytesAgain) {
  const TemporaryFolder folder;
  std::string first;
  for (const char* name : {"a", "b"}) {
    quantize_checkpoint(options_for(golden("ckpt/tiny-small-f32"), folder.path() / name, WeightFormat::int4));
    const std::string bytes = read_file(folder.path() / name / "model.safetensors");
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first);
  }
}

TEST(Quantizer, UsesTheCalibrationItIsGiven) {
  const TemporaryFolder folder;
  QuantizeOptions options = options_for(golden("ckpt/tiny-small-f32"), folder.path() / "q", WeightFormat::int8);
  options.calibration = {entry(Input::from_image(golden("images/img15_rgb_336x336.png"))),
                         entry(Input::from_text("a cat"))};
  quantize_checkpoint(options);
  EXPECT_GE(compare_models(options.model, options.output, {}, check_items(), nullptr).mean(), 0.999);
  options.force = true;
  options.calibration = {entry(Input::from_image(golden("images/none.png")))};
  EXPECT_THAT(error_of(options),
              testing::AllOf(testing::StartsWith("[items.jsonl:7] ["), testing::HasSubstr("none.png] no such file")));
  EXPECT_TRUE(fs::exists(options.output / "config.json"));  // nothing was touched
}

TEST(Quantizer, ForceLeavesNoShardsOfTheCheckpointBefore) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "q";
  fs::copy(golden("ckpt/tiny-small-bf16-2shard"), output);
  ASSERT_EQ(model::Checkpoint(output).files().size(), 2u);
  QuantizeOptions options = options_for(golden("ckpt/tiny-small-f32"), output, WeightFormat::nf4);
  options.force = true;
  quantize_checkpoint(options);
  EXPECT_FALSE(fs::exists(output / "model.safetensors.index.json"));
  for (const auto& file : fs::directory_iterator(output)) {
    const std::string name = file.path().filename();
    EXPECT_TRUE(!name.ends_with(".safetensors") || name == "model.safetensors") << name;
  }
  EXPECT_EQ(model::Checkpoint(output).stored_format(), WeightFormat::nf4);
}

TEST(Quantizer, RefusesADeepConfig) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  fs::copy(golden("ckpt/tiny-small-f32"), model);
  std::string config = read_file(model / "config.json");
  config.insert(config.find('{') + 1, "\"deep\": " + std::string(50'000, '[') + std::string(50'000, ']') + ",");
  fs::remove(model / "config.json");
  folder.write("model/config.json", config);
  EXPECT_THAT(error_of(options_for(model, folder.path() / "q", WeightFormat::nf4)),
              testing::HasSubstr("config.json] is nested too deeply"));
}

TEST(Quantizer, RefusesWhatItCannotDo) {
  const TemporaryFolder folder;
  const fs::path model = golden("ckpt/tiny-small-f32"), output = folder.path() / "q";
  QuantizeOptions options = options_for(model, output, WeightFormat::int4);
  options.group = 64;
  EXPECT_EQ(error_of(options),
            "[quantize] groups of 64 columns, expected a multiple of 8 that divides 128, 352 and 128");
  options.group = 0;
  options.compensate = false;
  options.output = model;
  EXPECT_THAT(error_of(options), testing::HasSubstr("is the model's own folder"));
  options.output = output;
  quantize_checkpoint(options);
  EXPECT_THAT(error_of(options), testing::HasSubstr("is not empty; option force replaces"));
  options.model = output;
  options.output = folder.path() / "again";
  EXPECT_THAT(error_of(options), testing::HasSubstr("is quantised already"));
}

TEST(Quantizer, StopsWithinABlock) {
  const TemporaryFolder folder;
  QuantizeOptions options = options_for(golden("ckpt/tiny-small-f32"), folder.path() / "q", WeightFormat::int4);
  std::int64_t blocks = 0, asked = 0;
  options.done = [&](const BlockReport&) { ++blocks; };
  options.check_stop = [&] {
    if (blocks == 1) require(++asked < 12, "stop");
  };
  EXPECT_EQ(error_of(options), "stop");
  EXPECT_EQ(blocks, 1);
  EXPECT_FALSE(fs::exists(options.output / "model.safetensors"));
}

TEST(Quantizer, AnInterruptedRunLeavesNothingThatLooksComplete) {
  const TemporaryFolder folder;
  QuantizeOptions options = options_for(golden("ckpt/tiny-small-f32"), folder.path() / "q", WeightFormat::int8);
  options.done = [](const BlockReport& report) { require(report.block < 1, "stop"); };
  EXPECT_EQ(error_of(options), "stop");
  EXPECT_FALSE(fs::exists(options.output / "config.json"));
  EXPECT_FALSE(fs::exists(options.output / "model.safetensors"));
  options.done = nullptr;
  options.force = true;
  EXPECT_EQ(error_of(options), "no error");
}

}  // namespace
}  // namespace e5v::quantize::test
