// A tokenizer.json, a NUL, and a text: whatever they are, the answer is ids or one of our own errors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "e5v/error.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace e5v;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  const std::string_view text = end == size ? "a Text, with 12 \xC3\xA9 \xE2\x96\x81<s>\n" : input.substr(end + 1);
  try {
    text::Tokenizer tokenizer = text::Tokenizer::from_json(input.substr(0, end), "fuzz");
    std::vector<std::int32_t> ids = tokenizer.encode(text);
    for (const std::int32_t id : ids) {
      // Templates may name ids that no token has.
      if (id < 0 || id > (1 << 22)) std::abort();
    }
    tokenizer.decode(ids, {.skip_special_tokens = true, .clean_up_spaces = true});
    tokenizer.ensure_added_token("<image>", 300'000);
    tokenizer.encode(text::find_prompt("sts", text::ChatStyle::llama3).fill(text));
  } catch (const Error&) {
  }
  return 0;
}
