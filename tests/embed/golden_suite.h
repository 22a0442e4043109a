#pragma once
#include <gtest/gtest.h>

#include "api/model.h"
#include "embed/goldens.h"

/// What every golden checkpoint must pass, in f32 and in bf16. The small ones run in every test run, the one with the
/// real token ids in the extended tests.
namespace e5v::test {

constexpr double kTolerance = 5e-5, kBatchTolerance = 1e-5, kBf16Cosine = 0.9995;

inline ModelOptions raw_options(ComputeType dtype, const std::string& device = "auto") {
  ModelOptions options;
  options.dtype = dtype;
  options.device = device;
  options.normalize = false;
  options.apply_exif = false;   // as the reference's plain Image.open
  options.alpha = Alpha::drop;  // as its convert("RGB")
  return options;
}

/// f32 vectors must agree within a distance, bf16 ones in direction.
inline void expect_agrees(std::span<const float> found, std::span<const float> expected, ComputeType dtype,
                          const std::string& what) {
  if (dtype == ComputeType::bf16) {
    EXPECT_GE(cosine(found, expected), kBf16Cosine) << what;
  } else {
    EXPECT_LT(max_difference(found, expected), kTolerance) << what;
  }
}

inline void check_texts(const GoldenModel& model, ComputeType dtype, const std::string& device = "auto") {
  Model embedder(model.folder, raw_options(dtype, device));
  const tensor::SafetensorsFile expected = model.file("texts");
  std::vector<Input> inputs;
  for (const std::string& sentence : golden_sentences()) inputs.push_back(Input::from_text(sentence));
  ASSERT_EQ(inputs.size(), 24u);
  const Embeddings batch = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Embeddings single = embedder.embed(std::span(inputs).subspan(i, 1));
    const std::string what = *inputs[i].text;
    expect_agrees(single.row(0), golden_row(expected, "emb_single", i), dtype, what);
    expect_agrees(batch.row(static_cast<std::int64_t>(i)), golden_row(expected, "emb_batched", i), dtype, what);
    if (dtype == ComputeType::f32) {
      EXPECT_LT(max_difference(single.row(0), batch.row(static_cast<std::int64_t>(i))), kBatchTolerance) << what;
    }
  }
}

inline void check_images(const GoldenModel& model, ComputeType dtype, const std::string& variant,
                         const std::string& device = "auto") {
  ModelOptions options = raw_options(dtype, device);
  options.paper_compat = variant == "v4412";
  options.token_budget = 8192;  // several images in a batch
  Model embedder(model.folder, options);
  const tensor::SafetensorsFile expected = model.file("images", variant);
  const Json images = model.json("images", variant).at("images");
  std::vector<Input> inputs;
  for (const Json& image : images)
    inputs.push_back(Input::from_image(golden("images") / image.at("image").get<std::string>()));
  const Embeddings batch = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto what = images[i].at("image").get<std::string>() + " " + variant;
    const Embeddings single = embedder.embed(std::span(inputs).subspan(i, 1));
    EXPECT_EQ(single.token_counts[0], images[i].at("merged_len").get<std::int64_t>()) << what;
    expect_agrees(single.row(0), golden_row(expected, "emb_single", i), dtype, what);
    const auto golden_batch = golden_row(expected, "emb_batched", i);
    if (!std::isnan(golden_batch[0])) {  // one image is in no batch of the reference
      expect_agrees(batch.row(static_cast<std::int64_t>(i)), golden_batch, dtype, what);
    }
    if (dtype == ComputeType::f32) {
      EXPECT_LT(max_difference(single.row(0), batch.row(static_cast<std::int64_t>(i))), kBatchTolerance) << what;
    }
  }
}

}  // namespace e5v::test
