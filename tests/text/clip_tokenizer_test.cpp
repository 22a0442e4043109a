#include <gmock/gmock.h>

#include "base/error.h"
#include "base/json.h"
#include "golden.h"
#include "text/tokenizer.h"

namespace e5v::text {
namespace {

constexpr std::int64_t kContext = 77;

/// The two spellings of CLIP's tokenizer.json: transformers 5's own, and that of OpenAI's checkpoints.
class ClipTokenizer : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer tokenizer_ = Tokenizer::from_file(e5v::test::golden("ckpt") / GetParam() / "tokenizer.json");
};

TEST_P(ClipTokenizer, GivesTheIdsOfTransformers) {
  const Json golden = read_json(e5v::test::golden("clip/clip.json"));
  const Json& texts = golden.at("texts");
  const Json& ids = golden.at("models").at(GetParam()).at("ids");
  ASSERT_EQ(texts.size(), ids.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    EXPECT_EQ(tokenizer_.encode_truncated(text, kContext), ids[i].get<std::vector<std::int32_t>>()) << text;
  }
}

TEST_P(ClipTokenizer, CutsTheTextNotTheSpecialTokens) {
  const std::int32_t start = *tokenizer_.id_of("<|startoftext|>"), end = *tokenizer_.id_of("<|endoftext|>");
  const std::string text = "a dog and a cat";
  const std::vector<std::int32_t> whole = tokenizer_.encode(text);
  ASSERT_EQ(whole.front(), start);
  ASSERT_EQ(whole.back(), end);
  const auto size = static_cast<std::int64_t>(whole.size());
  EXPECT_EQ(tokenizer_.encode_truncated(text, size), whole);
  std::vector<std::int32_t> shorter = whole;
  shorter.erase(shorter.end() - 2);
  EXPECT_EQ(tokenizer_.encode_truncated(text, size - 1), shorter);
  EXPECT_EQ(tokenizer_.encode_truncated(text, 2), (std::vector{start, end}));
  EXPECT_THAT(
      [&] { tokenizer_.encode_truncated(text, 1); },
      testing::ThrowsMessage<InvalidInput>("[tokenizer] a text has 2 special tokens, more than the limit of 1 tokens"));
}

INSTANTIATE_TEST_SUITE_P(Spellings, ClipTokenizer, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& spelling) { return spelling.index == 0 ? "Transformers" : "OpenAi"; });

}  // namespace
}  // namespace e5v::text
