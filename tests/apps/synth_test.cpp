// e5v synth.
#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Outcome synth(const fs::path& output, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"synth", "--config", "tiny", "--output", output};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

TEST(Synth, EveryCommandTakesTheFolder) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  const Outcome made = synth(model);
  EXPECT_EQ(made.code, 0);
  EXPECT_EQ(made.out, "");
  EXPECT_THAT(made.err, HasSubstr("random weights"));
  const Outcome embedded = run({"embed", "--model", model, "--threads", "1", "--text", "a cat", "--image",
                                golden("images/img00_rgb_640x480.jpg")});
  EXPECT_EQ(embedded.code, 0) << embedded.err;
  const std::vector<std::string> lines = lines_of(embedded.out);
  ASSERT_EQ(lines.size(), 2);
  for (const std::string& line : lines) EXPECT_EQ(Json::parse(line).at("embedding").size(), 64);
  EXPECT_EQ(run({"doctor", "--model", model, "--threads", "1"}).code, 0);
  EXPECT_THAT(run({"info", "--model", model}).out, HasSubstr("2 layers, width 64"));
}

TEST(Synth, SeedLayersTypeAndOwnConfig) {
  const TemporaryFolder folder;
  const auto weights = [&](const char* name) { return content_of(folder.path() / name / "model.safetensors"); };
  for (const char* name : {"a", "b"}) EXPECT_EQ(synth(folder.path() / name).code, 0);
  EXPECT_EQ(synth(folder.path() / "c", {"--seed", "1"}).code, 0);
  EXPECT_EQ(synth(folder.path() / "d", {"--layers", "5", "--dtype", "f32"}).code, 0);
  EXPECT_TRUE(weights("a") == weights("b"));
  EXPECT_FALSE(weights("a") == weights("c"));
  EXPECT_THAT(run({"info", "--model", folder.path() / "d"}).out,
              testing::AllOf(HasSubstr("5 layers"), HasSubstr("as f32 in 1 file")));
  const fs::path golden_model = golden("ckpt/tiny-small-f32");
  const Outcome own = run({"synth", "--config", golden_model / "config.json", "--tokenizer",
                           golden_model / "tokenizer.json", "--output", folder.path() / "own"});
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_EQ(run({"embed", "--model", folder.path() / "own", "--threads", "1", "--text", "a"}).code, 0);
}

TEST(Synth, RefusesWhatIsThere) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "mine");
  expect_failure(synth(folder.path()), 1, "is not empty; --force");
  EXPECT_EQ(synth(folder.path(), {"--force"}).code, 0);
  EXPECT_EQ(content_of(folder.path() / "notes.txt"), "mine");
  expect_failure(run({"synth", "--config", "e6", "--output", folder.path() / "x"}), 1, "expected e5-v, tiny");
  expect_failure(synth(folder.path() / "x", {"--layers", "0"}), 2, "--layers");
  expect_failure(synth(folder.path() / "x", {"--dtype", "int8"}), 2, "--dtype");
  EXPECT_FALSE(fs::exists(folder.path() / "x"));
}

TEST(Synth, InterruptionLeavesNothing) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model", partial = folder.path() / "model.partial";
  Process process({"synth", "--config", "e5-v", "--layers", "1", "--dtype", "f32", "--output", model});
  for (int i = 0; i < 5000 && !fs::exists(partial / "tokenizer.json"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 130);
  EXPECT_THAT(outcome.err, HasSubstr("interrupted"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace e5v::test
