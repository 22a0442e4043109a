// What needs the full vocabularies: run with E5V_EXTENDED_GOLDENS naming their folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "golden.h"
#include "text/llama_cpp_strings.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace e5v::text {
namespace {

using Ids = std::vector<std::int32_t>;

std::filesystem::path extended(const char* name) { return e5v::test::extended_goldens() / name; }

const Tokenizer& llama3() {
  static const Tokenizer instance = Tokenizer::from_file(extended("goldens/ckpt/tiny-full/tokenizer.json"));
  return instance;
}

TEST(TextExtended, Llama3GivesTheIdsOfAllGoldenStrings) {
  const Json strings = read_json(e5v::test::golden("tokenizer/tokenizer_goldens.json"));
  for (const Json& item : strings) {
    EXPECT_EQ(llama3().encode(item["text"].get<std::string>()), item["ids"].get<Ids>()) << item["text"];
  }
}

// What training does with a sentence: cut to 32 tokens, decode, clean up.
TEST(TextExtended, SentencesAreCutAndCleanedUpAsInTraining) {
  const Json strings = read_json(e5v::test::golden("tokenizer/tokenizer_goldens.json"));
  for (const Json& item : strings) {
    Ids ids = llama3().encode(item["text"].get<std::string>(), false);
    ids.resize(std::min<std::size_t>(ids.size(), 32));
    EXPECT_EQ(ids, item["trunc32_ids"].get<Ids>()) << item["text"];
    EXPECT_EQ(llama3().decode(ids), item["trunc32_decoded_raw"].get<std::string>()) << item["text"];
    EXPECT_EQ(llama3().decode(ids, {.clean_up_spaces = true}), item["trunc32_decoded"].get<std::string>());
  }
}

TEST(TextExtended, PrefixesDecodeAsInTheReference) {
  const Json cases = read_json(e5v::test::golden("tokenizer/decode_goldens.json"));
  ASSERT_EQ(cases.size(), 847u);
  for (const Json& item : cases) {
    const auto ids = item["ids"].get<Ids>();
    EXPECT_EQ(llama3().decode(ids), item["raw"].get<std::string>());
    EXPECT_EQ(llama3().decode(ids, {.skip_special_tokens = true, .clean_up_spaces = true}),
              item["skip_special_cleanup"].get<std::string>());
  }
}

TEST(TextExtended, PromptsGiveTheOriginalsIds) {
  const Json golden = read_json(e5v::test::golden("tokenizer/e5v_prompts_full.json"));
  const auto ids_of = [](std::string_view name) { return llama3().encode(prompt_template(name, ChatStyle::llama3)); };
  EXPECT_EQ(ids_of("image"), golden["img_prompt_ids"].get<Ids>());
  EXPECT_EQ(ids_of("cirr-gallery"), golden["cirr_img_ids"].get<Ids>());
  EXPECT_EQ(ids_of("fashioniq-gallery-dress"), golden["fiq_img_dress_ids"].get<Ids>());
  const Json sts = read_json(e5v::test::golden("tokenizer/eval_sts_prompts.json"));
  for (std::size_t i = 0; i < sts["raw"].size(); ++i) {
    const std::string prompt = find_prompt("sts", ChatStyle::llama3).fill(sts["raw"][i].get<std::string>());
    EXPECT_EQ(llama3().encode(prompt), sts["input_ids_full"][i].get<Ids>());
  }
}

TEST(TextExtended, Llama3AgreesWithLlamaCpp) {
  const std::vector<std::string> strings = test::llama_cpp_strings("ggml-vocab-llama-bpe.gguf.inp");
  const std::vector<Ids> expected = test::llama_cpp_ids("ggml-vocab-llama-bpe.gguf.out");
  ASSERT_EQ(strings.size(), expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i)
    EXPECT_EQ(llama3().encode(strings[i], false), expected[i]) << strings[i];
}

// The file holds the 32000 tokens of Mistral 7B v0.1; byte_fallback_ids.json what Hugging Face's library makes with it
// of llama.cpp's strings. Llama 2's own vocabulary is tested in llama2_test.cpp.
TEST(TextExtended, ByteFallbackVocabularyAgreesWithTheReference) {
  const Tokenizer tokenizer = Tokenizer::from_file(extended("data/tokenizers/llama2-tokenizer.json"));
  EXPECT_EQ(chat_style_for(tokenizer, "mistral"), ChatStyle::mistral);
  const std::vector<std::string> strings = test::llama_cpp_strings("ggml-vocab-llama-spm.gguf.inp");
  const Json rows = read_json(E5V_TEXT_CASES "/byte_fallback_ids.json");
  ASSERT_EQ(rows.size(), strings.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    EXPECT_EQ(rows[i][0].get<std::string>(), strings[i]);
    const Ids ids = tokenizer.encode(strings[i], false);
    EXPECT_EQ(ids, rows[i][1].get<Ids>()) << strings[i];
    EXPECT_EQ(tokenizer.decode(ids), strings[i]);
  }
}

}  // namespace
}  // namespace e5v::text
