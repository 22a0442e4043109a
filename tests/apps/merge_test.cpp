// e5v merge.
#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

Outcome merge(const fs::path& model, const fs::path& output, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"merge",    "--model", model, "--adapter", golden("train/adapter_20step"),
                                     "--output", output};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

TEST(Merge, NeedsNoTokenizer) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model", output = folder.path() / "merged";
  fs::copy(golden("ckpt/tiny-small-f32"), model);
  fs::remove(model / "tokenizer.json");
  const Outcome merged = merge(model, output);
  EXPECT_EQ(merged.code, 0) << merged.err;
  EXPECT_THAT(merged.err, HasSubstr("e5v: 6.0 MiB merged into "));
  EXPECT_TRUE(fs::exists(output / "config.json"));
}

TEST(Merge, ForceLeavesNoShardsOfTheCheckpointBefore) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "merged";
  fs::copy(golden("ckpt/tiny-small-bf16-2shard"), output);
  expect_failure(merge(model_folder(), output), 1, "is not empty; --force replaces");
  EXPECT_EQ(merge(model_folder(), output, {"--force"}).code, 0);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(output)) names.push_back(entry.path().filename());
  EXPECT_THAT(names,
              UnorderedElementsAre("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"));
}

}  // namespace
}  // namespace e5v::test
