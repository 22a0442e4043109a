#include "api/model.h"
#include "embed/golden_suite.h"

namespace e5v::test {
namespace {

GoldenModel small_f32() { return {golden("ckpt/tiny-small-f32"), golden("embed"), "small_f32"}; }
GoldenModel small_bf16() { return {golden("ckpt/tiny-small-bf16-2shard"), golden("embed"), "small_bf16"}; }

TEST(GoldenF32, Texts) { check_texts(small_f32(), ComputeType::f32); }
TEST(GoldenF32, TextsOfSixteenBitShards) { check_texts(small_bf16(), ComputeType::f32); }
TEST(GoldenF32, Images) { check_images(small_f32(), ComputeType::f32, "v5"); }
TEST(GoldenF32, ImagesPaperCompat) { check_images(small_f32(), ComputeType::f32, "v4412"); }
TEST(GoldenF32, ImagesOfSixteenBitShards) { check_images(small_bf16(), ComputeType::f32, "v4412"); }

TEST(GoldenBf16, Texts) { check_texts(small_f32(), ComputeType::bf16); }
TEST(GoldenBf16, TextsOfSixteenBitShards) { check_texts(small_bf16(), ComputeType::bf16); }
TEST(GoldenBf16, Images) { check_images(small_f32(), ComputeType::bf16, "v5"); }
TEST(GoldenBf16, ImagesOfSixteenBitShards) { check_images(small_bf16(), ComputeType::bf16, "v4412"); }

/// CIRR and FashionIQ queries, singly and in one batch, and FashionIQ's sum over both orders of the captions.
void check_composed(const std::string& variant, ComputeType dtype) {
  ModelOptions options = raw_options(dtype);
  options.paper_compat = variant == "v4412";
  Model embedder(small_f32().folder, options);
  const tensor::SafetensorsFile expected = small_f32().file("composed", variant);
  const Json json = small_f32().json("composed", variant);
  const auto inputs_of = [&](const char* key) {
    std::vector<Input> inputs;
    for (const Json& item : json.at(key)) {
      Input input = Input::from_image(golden("images") / item.at("image").get<std::string>());
      input.prompt = item.at("prompt").get<std::string>();
      inputs.push_back(input);
    }
    return inputs;
  };
  const std::vector<Input> inputs = inputs_of("items"), targets = inputs_of("target_side");
  ASSERT_EQ(inputs.size(), 12u);
  const Embeddings batch = embedder.embed(inputs), target_side = embedder.embed(targets);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string what = *inputs[i].prompt + " " + variant;
    const Embeddings single = embedder.embed(std::span(inputs).subspan(i, 1));
    expect_agrees(single.row(0), golden_row(expected, "emb_single", i), dtype, what);
    if (i < 4)
      expect_agrees(batch.row(static_cast<std::int64_t>(i)), golden_row(expected, "emb_cirr_batched4", i), dtype, what);
    if (dtype == ComputeType::f32) {
      EXPECT_LT(max_difference(single.row(0), batch.row(static_cast<std::int64_t>(i))), kBatchTolerance) << what;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    expect_agrees(target_side.row(static_cast<std::int64_t>(i)), golden_row(expected, "target_side", i), dtype,
                  variant);
  }
}

TEST(GoldenF32, Composed) { check_composed("v5", ComputeType::f32); }
TEST(GoldenF32, ComposedPaperCompat) { check_composed("v4412", ComputeType::f32); }
TEST(GoldenBf16, Composed) { check_composed("v5", ComputeType::bf16); }

TEST(GoldenF32, FashionIqSumsBothOrdersBeforeNormalising) {
  Model embedder(small_f32().folder, raw_options(ComputeType::f32));
  const tensor::SafetensorsFile expected = small_f32().file("composed", "v5");
  const Json items = small_f32().json("composed", "v5").at("items");
  for (std::size_t query = 0; query < 4; ++query) {
    std::vector<float> sum(128);
    for (const std::size_t index : {4 + 2 * query, 5 + 2 * query}) {
      Input input = Input::from_image(golden("images") / items[index].at("image").get<std::string>());
      input.prompt = items[index].at("prompt").get<std::string>();
      const Embeddings one = embedder.embed(std::span(&input, 1));
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one.row(0)[i];
    }
    EXPECT_LT(max_difference(sum, golden_row(expected, "fiq_two_sum", query)), 2 * kTolerance) << query;
  }
}

TEST(GoldenF32, ExifOrientationIsAppliedByDefault) {
  const tensor::SafetensorsFile expected(golden("embed/images_exif_small_f32.safetensors"));
  for (const bool paper_compat : {false, true}) {
    ModelOptions options = raw_options(ComputeType::f32);
    options.apply_exif = ModelOptions().apply_exif;
    options.paper_compat = paper_compat;
    Model embedder(small_f32().folder, options);
    const Input input = Input::from_image(golden("images/img09_exif6_480x320.jpg"));
    const char* name = paper_compat ? "img09_exif_transposed_v4412" : "img09_exif_transposed_v5";
    EXPECT_LT(max_difference(embedder.embed(std::span(&input, 1)).row(0), golden_row(expected, name, 0)), kTolerance);
  }
}

TEST(GoldenF32, StsSentences) {
  Model embedder(small_f32().folder, raw_options(ComputeType::f32));
  const tensor::SafetensorsFile expected = small_f32().file("eval_sts");
  std::vector<Input> inputs;
  const Json prompts = read_json(golden("tokenizer/eval_sts_prompts.json"));
  for (const Json& sentence : prompts.at("raw")) {
    inputs.push_back({sentence.get<std::string>(), {}, "sts"});
  }
  const Embeddings found = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT(max_difference(found.row(static_cast<std::int64_t>(i)), golden_row(expected, "emb_batched_pad0", i)),
              kTolerance)
        << *inputs[i].text;
  }
}

TEST(GoldenF32, NormalisedVectorsAndTheirCosines) {
  Model embedder(small_f32().folder);  // with the defaults
  const tensor::SafetensorsFile expected = small_f32().file("texts");
  const Json cosines = read_json(golden("embed/texts_small_f32.json")).at("cos");
  std::vector<Input> inputs;
  for (const std::string& sentence : golden_sentences()) inputs.push_back(Input::from_text(sentence));
  const Embeddings found = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto row = found.row(static_cast<std::int64_t>(i));
    EXPECT_LT(max_difference(row, golden_row(expected, "emb_single_normalized", i)), 1e-5);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      EXPECT_NEAR(cosine(row, found.row(static_cast<std::int64_t>(j))), cosines[i][j].get<double>(), 2e-5);
    }
  }
}

}  // namespace
}  // namespace e5v::test
