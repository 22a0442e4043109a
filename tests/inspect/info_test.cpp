#include "inspect/info.h"

#include <gmock/gmock.h>

#include "api/embedder_impl.h"
#include "api/model.h"
#include "base/json.h"
#include "changed_checkpoint.h"
#include "golden.h"
#include "inspect/doctor.h"
#include "temporary_folder.h"

namespace e5v::inspect {
namespace {

TEST(Info, BytesAsPeopleReadThem) {
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(1023), "1023 bytes");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::uint64_t{5} << 20), "5.0 MiB");
  EXPECT_EQ(bytes_text(std::uint64_t{16} << 30), "16.0 GiB");
}

/// Elements of the tensors that vectors depend on.
std::int64_t used_elements(const std::filesystem::path& file) {
  std::int64_t elements = 0;
  const tensor::SafetensorsFile opened(file);
  for (const auto& [name, view] : opened.tensors()) {
    const std::string canonical = model::llava_next_names().canonical(name);
    const bool unused = canonical.starts_with("lm_head") || canonical.starts_with("vision_tower.post_layernorm") ||
                        canonical.starts_with("vision_tower.encoder.layers.2.");  // the last layer is not computed
    if (!unused) elements += view.elements();
  }
  return elements;
}

TEST(Info, ParametersAreThoseOfTheFile) {
  const ModelInfo info = inspect(test::golden("ckpt/tiny-small-f32"), {});
  EXPECT_EQ(info.used.total(), used_elements(test::golden("ckpt/tiny-small-f32/model.safetensors")));
  EXPECT_EQ(info.memory.mapped, static_cast<std::uint64_t>(4 * info.used.total()));
  EXPECT_EQ(info.parameters * 4, static_cast<std::int64_t>(info.bytes));
}

/// Every tensor is used, known to be harmless, or told: by info, doctor and a warning.
TEST(Info, TensorsOutsideTheModelAreNamed) {
  const test::TemporaryFolder folder;
  const auto model = folder.path() / "model";
  test::copy_with_more(model, "reward_head.weight");
  const ModelInfo info = inspect(model, {});
  EXPECT_EQ(info.unused, std::vector<std::string>{"reward_head.weight"});
  EXPECT_THAT(describe(info), testing::Contains(testing::Pair("not used", "\"reward_head.weight\"")));
  EXPECT_EQ(to_json(info).at("weights").at("unused"), Json{"reward_head.weight"});
  std::string tensors;
  check_model(model, {}, [&](const Check& check) {
    EXPECT_TRUE(check.ok) << check.name << check.detail;
    if (check.name == "tensors") tensors = check.detail;
  });
  EXPECT_THAT(tensors, testing::HasSubstr("complete; not used: \"reward_head.weight\""));
  testing::internal::CaptureStderr();
  test::Model{model};
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("tensors that nothing uses: \"reward_head.weight\""));
}

TEST(Info, TensorsOfTheModelThatItDoesNotReadAreRefused) {
  const test::TemporaryFolder folder;
  const auto model = folder.path() / "model";
  test::copy_with_more(model, "language_model.model.layers.0.self_attn.q_proj.bias");
  const auto refused = testing::ThrowsMessage<ModelError>(testing::HasSubstr("q_proj.bias\" is of a module that is"));
  EXPECT_THAT([&] { inspect(model, {}); }, refused);
  EXPECT_THAT([&] { test::Model{model}; }, refused);
  bool failed = false;
  check_model(model, {}, [&](const Check& check) { failed |= check.name == "tensors" && !check.ok; });
  EXPECT_TRUE(failed);
}

TEST(Info, PackedWeightsAreWhatTheModelOwns) {
  for (const char* name : {"ckpt/tiny-small-f32", "ckpt/tiny-small-bf16-2shard"}) {
    for (const ComputeType type : {ComputeType::f32, ComputeType::bf16}) {
      test::ModelOptions options;
      options.dtype = type;
      const ModelInfo info = inspect(test::golden(name), options, options, options);
      test::Model embedder(test::golden(name), options);
      const auto owned = static_cast<double>(embedder.impl().engine->owned_bytes());
      // Biases are owned in any case; blocked layouts round sizes up.
      EXPECT_NEAR(owned, static_cast<double>(info.memory.copied), 0.1 * static_cast<double>(info.memory.copied) + 20000)
          << name;
    }
  }
}

TEST(Info, ActivationsCoverWhatABatchTakes) {
  for (const std::int64_t budget : {256, 4096}) {
    test::ModelOptions options;
    options.token_budget = budget;
    options.max_tiles = 1;
    options.threads = 1;
    const ModelInfo info = inspect(test::golden("ckpt/tiny-small-f32"), options, options, options);
    test::Model embedder(test::golden("ckpt/tiny-small-f32"), options);
    std::vector<Input> inputs;
    for (int i = 0; i < 200; ++i)
      inputs.push_back(Input::from_text("text number " + std::to_string(i) + " and some more words"));
    embedder.embed(inputs);
    const auto taken = static_cast<double>(embedder.impl().executor->arena_bytes());
    // The arena doubles when it grows; what a pass never touches of it takes no memory.
    EXPECT_LT(taken, 2.2 * static_cast<double>(info.memory.activations)) << budget;
    EXPECT_GT(taken, 0.3 * static_cast<double>(info.memory.activations)) << budget;
  }
}

TEST(Info, EveryModelCanBeDescribed) {
  const ModelInfo info = inspect(test::golden("ckpt/tiny-small-bf16-2shard"), {});
  EXPECT_EQ(info.precision, nn::Precision::bf16);
  EXPECT_THAT(info.precision_reason(), testing::StartsWith("because the weights are stored as bf16; this CPU "));
  for (const auto& [label, value] : describe(info)) EXPECT_FALSE(value.empty()) << label;
  EXPECT_EQ(Json::parse(to_json(info).dump()), to_json(info));
}

}  // namespace
}  // namespace e5v::inspect
