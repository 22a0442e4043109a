#include "model/synthetic_checkpoint.h"

#include <gmock/gmock.h>

#include "model/checkpoint.h"
#include "temporary_folder.h"
#include "text/synthetic_tokenizer.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;
using e5v::test::TemporaryFolder;
using tensor::DType;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(SyntheticCheckpoint, FolderHoldsTheWeightsOfMemory) {
  const TemporaryFolder folder;
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::f32),
                                 .dtype = DType::f32,
                                 .seed = 7,
                                 .tokenizer = std::nullopt,
                                 .shard_bytes = 500'000};
  std::uint64_t written = 0;
  checkpoint.advanced = [&](std::uint64_t bytes) { written += bytes; };
  const fs::path path = folder.path() / "model";
  checkpoint.write(path);
  EXPECT_EQ(written, checkpoint.bytes());
  EXPECT_TRUE(fs::exists(path / "model.safetensors.index.json"));
  const Checkpoint stored(path);
  EXPECT_GT(stored.files().size(), 3);
  const SyntheticWeights memory = make_synthetic(read_config(path), DType::f32, 7);
  EXPECT_EQ(stored.fingerprint(), Checkpoint(memory.tensors, "memory").fingerprint());
  EXPECT_EQ(stored.bytes(), checkpoint.bytes());
}

TEST(SyntheticCheckpoint, ReplacesACheckpointAndNothingElse) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "mine");
  folder.write("model-00001-of-00002.safetensors", "old");
  folder.write("model.safetensors.index.json", "{}");
  const SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", 1, DType::bf16)};
  checkpoint.write(folder.path());
  EXPECT_EQ(folder.read("notes.txt"), "mine");
  EXPECT_FALSE(fs::exists(folder.path() / "model.safetensors.index.json"));
  EXPECT_FALSE(fs::exists(folder.path() / "model-00001-of-00002.safetensors"));
  EXPECT_EQ(Checkpoint(folder.path()).files().size(), 1);
  EXPECT_EQ(read_config(folder.path()).text.layers, 1);
}

TEST(SyntheticCheckpoint, StoppingLeavesEverythingAsItWas) {
  const TemporaryFolder folder;
  const fs::path old = folder.path() / "old", fresh = folder.path() / "fresh";
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::bf16)};
  checkpoint.write(old);
  const std::string config = folder.read("old/config.json");
  int pieces = 0;
  checkpoint.seed = 1;
  checkpoint.check_stop = [&] {
    if (++pieces > 20) throw std::runtime_error("stop");
  };
  for (const fs::path& path : {old, fresh}) {
    pieces = 0;
    EXPECT_THAT([&] { checkpoint.write(path); }, ThrowsMessage<std::runtime_error>("stop"));
    EXPECT_FALSE(fs::exists(path.string() + ".partial"));
  }
  EXPECT_FALSE(fs::exists(fresh));
  EXPECT_EQ(folder.read("old/config.json"), config);
  EXPECT_NO_THROW(Checkpoint{old});
}

TEST(SyntheticCheckpoint, BadInputIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT([] { synthetic_config("e6", std::nullopt, DType::f32); },
              ThrowsMessage<InvalidInput>("[e6] expected e5-v, tiny, or a config.json, found neither"));
  const fs::path gpt = folder.write("gpt.json", R"({"model_type": "gpt2"})");
  EXPECT_THAT([&] { synthetic_config(gpt.string(), std::nullopt, DType::f32); },
              ThrowsMessage<ModelError>(HasSubstr("gpt2")));
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::bf16)};
  EXPECT_THAT([&] { checkpoint.write(gpt); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a folder")));
  fs::create_directory(folder.path() / "model.partial");
  EXPECT_THAT([&] { checkpoint.write(folder.path() / "model"); }, ThrowsMessage<InvalidInput>(HasSubstr("remove it")));
  checkpoint.tokenizer = gpt;
  EXPECT_THROW(checkpoint.write(folder.path() / "other"), ModelError);
}

TEST(SyntheticCheckpoint, SpaceIsChecked) {
  EXPECT_NO_THROW(check_space(1 << 30, std::uint64_t{2} << 30, "x"));
  constexpr std::uint64_t kMargin = 64 << 20;  // for the small files
  EXPECT_NO_THROW(check_space(1 << 30, (1 << 30) + kMargin, "x"));
  EXPECT_THROW(check_space(1 << 30, (1 << 30) + kMargin - 1, "x"), InvalidInput);
  EXPECT_THAT([] { check_space(std::uint64_t{16} << 30, std::uint64_t{3} << 30, "x"); },
              ThrowsMessage<InvalidInput>("[x] 16.1 GiB are needed there, 3.0 GiB are free"));
}

TEST(SyntheticCheckpoint, ConfigsAreThoseOfANameOrAFile) {
  const Json tiny = synthetic_config("tiny", 5, DType::bf16);
  EXPECT_EQ(tiny["text_config"]["num_hidden_layers"], 5);
  EXPECT_EQ(tiny["torch_dtype"], "bfloat16");
  EXPECT_EQ(parse_config(tiny, "tiny").vision->layers, 3);
  EXPECT_EQ(parse_config(synthetic_config("e5-v", std::nullopt, DType::f32), "e5-v").text.layers, 32);
  const TemporaryFolder folder;
  const fs::path llama = folder.write("llama.json", R"({"model_type": "llama", "hidden_size": 64})");
  const Json text_only = synthetic_config(llama.string(), 3, DType::f32);  // whose keys stand at the top
  EXPECT_EQ(text_only["num_hidden_layers"], 3);
  EXPECT_EQ(text_only["hidden_size"], 64);
  EXPECT_EQ(text_only["torch_dtype"], "float32");
  EXPECT_FALSE(text_only.contains("text_config"));
  EXPECT_THROW(synthetic_config("tiny", 0, DType::f32), ModelError);
}

/// What is written beside the weights is what the model needs: a text-only one has no preprocessor.
TEST(SyntheticCheckpoint, FilesAreThoseOfTheModel) {
  const TemporaryFolder folder;
  SyntheticCheckpoint{.config = synthetic_config("tiny", 1, DType::bf16)}.write(folder.path() / "sees");
  const image::Preprocess preprocess =
      image::Preprocess::from_json(read_json(folder.path() / "sees/preprocessor_config.json"), "p");
  EXPECT_EQ(preprocess.tile, 168);
  EXPECT_EQ(preprocess.grid_pinpoints, read_config(folder.path() / "sees").grid_pinpoints);
  const fs::path config = folder.write(
      "llama.json", R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 32, "num_attention_heads": 4,
                        "num_key_value_heads": 2, "num_hidden_layers": 1, "vocab_size": 1000})");
  SyntheticCheckpoint{.config = synthetic_config(config.string(), std::nullopt, DType::bf16)}.write(folder.path() /
                                                                                                    "text");
  EXPECT_FALSE(fs::exists(folder.path() / "text/preprocessor_config.json"));
  EXPECT_TRUE(fs::exists(folder.path() / "text/tokenizer.json"));
  EXPECT_TRUE(Checkpoint(folder.path() / "text").has("lm_head.weight"));
}

TEST(SyntheticCheckpoint, TokenizersMustFitIntoTheVocabulary) {
  const TemporaryFolder folder;
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", 1, DType::bf16)};
  checkpoint.tokenizer = folder.write("tokenizer.json", text::synthetic_tokenizer_json(4096, 4095));
  checkpoint.write(folder.path() / "fits");
  EXPECT_EQ(folder.read("fits/tokenizer.json"), folder.read("tokenizer.json"));
  checkpoint.tokenizer = folder.write("larger.json", text::synthetic_tokenizer_json(5000, 4095));
  EXPECT_THAT([&] { checkpoint.write(folder.path() / "not"); },
              ThrowsMessage<InvalidInput>(HasSubstr("the model's vocabulary has 4096 tokens")));
  EXPECT_FALSE(fs::exists(folder.path() / "not"));
}

}  // namespace
}  // namespace e5v::model
