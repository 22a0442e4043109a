#include "scheduler/content.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "golden.h"

namespace e5v::scheduler {
namespace {

Hash128 key(const Input& input, const std::string& prompt = "", const PrepareOptions& options = {}) {
  Fingerprint fingerprint;
  fingerprint.prompt = prompt;
  return content_key(input, fingerprint, options);
}

TEST(ContentKey, TellsInputsApart) {
  const Input image = Input::from_image(EncodedImage{{std::byte{1}}, "a.png"});
  EXPECT_EQ(key(Input::from_text("a")), key(Input::from_text("a")));
  EXPECT_EQ(key(image), key(Input::from_image(EncodedImage{{std::byte{1}}, "another name"})));
  std::vector keys{key(Input::from_text("a")),
                   key(Input::from_text("b")),
                   key(Input::from_text("a"), "another prompt"),
                   key(Input::from_text("a"), "", {.max_pixels = 5}),
                   key(image),
                   key(Input::composed(image.images[0], "a")),
                   key(Input::composed(image.images[0], "")),
                   key(Input::from_image(Pixels{1, 2, std::vector<std::uint8_t>(6)})),
                   key(Input::from_image(Pixels{2, 1, std::vector<std::uint8_t>(6)}))};
  const std::size_t count = keys.size();
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  EXPECT_EQ(keys.size(), count);
}

TEST(Loaded, ReadsFilesUnderTheirNames) {
  const std::filesystem::path file = e5v::test::golden("images/img18_dark_90x60.png");
  const Input input = Input::from_image(file);
  EXPECT_FALSE(is_in_memory(input));
  const Input read = loaded(input);
  EXPECT_TRUE(is_in_memory(read));
  const auto& image = std::get<EncodedImage>(read.images[0]);
  EXPECT_EQ(image.name, file.string());
  EXPECT_EQ(image.bytes.size(), std::filesystem::file_size(file));
  EXPECT_THAT([] { loaded(Input::from_image("/nonexistent/cat.jpg")); },
              testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("[/nonexistent/cat.jpg] no such file")));
}

TEST(ExpectedSize, GrowsWithTheInput) {
  const Size text = expected_size(Input::from_text(std::string(4000, 'x')));
  EXPECT_EQ(text.bytes, 4000);
  EXPECT_EQ(text.tokens, 1032);
  const Size image = expected_size(Input::from_image(Pixels{10, 10, std::vector<std::uint8_t>(300)}));
  EXPECT_EQ(image.bytes, 300);
  EXPECT_GT(image.tokens, 2000);
  const Size both = expected_size(4000, 2, 7000);
  EXPECT_EQ(both.bytes, 7000);
  EXPECT_EQ(both.tokens, 1032 + 2 * 2400);
}

}  // namespace
}  // namespace e5v::scheduler
