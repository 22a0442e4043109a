// Llama 2's vocabulary, whose licence keeps it out of the repository: E5V_LLAMA2_TOKENIZER names its tokenizer.json.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "text/llama_cpp_strings.h"
#include "text/tokenizer.h"

namespace e5v::text {
namespace {

TEST(TextLlama2, AgreesWithLlamaCpp) {
  const char* file = std::getenv("E5V_LLAMA2_TOKENIZER");
  ASSERT_TRUE(file != nullptr && *file != '\0')
      << "E5V_LLAMA2_TOKENIZER names no file; the head of tools/llama2_tokenizer.py says how to make it";
  const Tokenizer tokenizer = Tokenizer::from_file(file);
  ASSERT_EQ(tokenizer.id_of("▁Hello"), 15043) << file << " is not Llama 2's vocabulary";
  const std::vector<std::string> strings = test::llama_cpp_strings("ggml-vocab-llama-spm.gguf.inp");
  const std::vector<std::vector<std::int32_t>> expected = test::llama_cpp_ids("ggml-vocab-llama-spm.gguf.out");
  ASSERT_EQ(strings.size(), expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const std::vector<std::int32_t> ids = tokenizer.encode(strings[i], false);
    EXPECT_EQ(ids, expected[i]) << strings[i];
    EXPECT_EQ(tokenizer.decode(ids), strings[i]);
  }
}

}  // namespace
}  // namespace e5v::text
