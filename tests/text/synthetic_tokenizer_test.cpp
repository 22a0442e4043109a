#include "text/synthetic_tokenizer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "e5v/error.h"
#include "text/tokenizer.h"

namespace e5v::text {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Tokenizer make(std::int64_t vocabulary, std::optional<std::int64_t> image) {
  return Tokenizer::from_json(synthetic_tokenizer_json(vocabulary, image), "synthetic");
}

TEST(SyntheticTokenizer, HasLlama3sIds) {
  const Tokenizer tokenizer = make(128320, 128256);
  EXPECT_EQ(tokenizer.id_of("<|begin_of_text|>"), 128000);
  EXPECT_EQ(tokenizer.id_of("<|end_of_text|>"), 128001);
  EXPECT_EQ(tokenizer.id_of("<|start_header_id|>"), 128006);
  EXPECT_EQ(tokenizer.id_of("<|end_header_id|>"), 128007);
  EXPECT_EQ(tokenizer.id_of("<|eot_id|>"), 128009);
  EXPECT_EQ(tokenizer.id_of("<image>"), 128256);
}

TEST(SyntheticTokenizer, FitsEveryVocabulary) {
  const std::pair<std::int64_t, std::int64_t> cases[] = {
      {300, 299}, {300, 300}, {2368, 2304}, {32064, 32000}, {32000, 32000}};
  for (const auto& [vocabulary, image] : cases) {
    const Tokenizer tokenizer = make(vocabulary, image);
    EXPECT_EQ(tokenizer.id_of("<image>"), image);
    EXPECT_LE(tokenizer.size(), std::max(vocabulary, image + 1));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("Zwölf Köche\n\n \n und 日本"), {.skip_special_tokens = true}),
              "Zwölf Köche\n\n \n und 日本");
  }
  EXPECT_EQ(make(4096, std::nullopt).id_of("<image>"), std::nullopt);
}

TEST(SyntheticTokenizer, CaptionsHaveRealisticCounts) {
  const Tokenizer tokenizer = make(128320, 128256);
  std::size_t words = 0, tokens = 0;
  for (const std::string text : {"A brown dog runs through the snow with a red ball.",
                                 "Two women in bright jackets are waiting at a train platform.",
                                 "The old photographer quietly adjusts his tripod beside a waterfall."}) {
    words += static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
    tokens += tokenizer.encode(text, false).size();
  }
  const double share = static_cast<double>(tokens) / static_cast<double>(words);
  EXPECT_GT(share, 1.1);
  EXPECT_LT(share, 1.7);
}

TEST(SyntheticTokenizer, TooSmallVocabularies) {
  EXPECT_THAT([] { synthetic_tokenizer_json(200, std::nullopt); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected at least 300")));
  EXPECT_THAT([] { synthetic_tokenizer_json(4096, 17); }, ThrowsMessage<InvalidInput>(HasSubstr("<image>")));
}

}  // namespace
}  // namespace e5v::text
