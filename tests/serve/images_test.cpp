#include "serve/images.h"

#include <gmock/gmock.h>

#include "serve/refusal.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string bytes_of(const ImageSource& source) {
  const auto& image = std::get<EncodedImage>(source);
  return {reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()};
}

TEST(Images, DataAddressesAndBase64AreBytes) {
  for (const char* text :
       {"data:image/png;base64,Zm9v", "DATA:image/png;base64,Zm9v", "data:;base64,Zm9v", "Zm9v", "Zm9v\n"}) {
    const ImageSource source = image_of(text, "input.image", {});
    EXPECT_EQ(bytes_of(source), "foo") << text;
    EXPECT_EQ(std::get<EncodedImage>(source).name, "input.image");
  }
}

TEST(Images, AnythingElseIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "expected an image as base64"},
      {"cat.png", "expected an image as base64"},
      {"data:image/png,abc", "expected data:image/TYPE;base64,BYTES"},
      {"data:image/png;base64", "expected data:image/TYPE;base64,BYTES"},
      {"data:image/png;base64,", "expected an image as base64"},
      {"https://a.example/b", "this server reads no addresses"},
      {"file:///a", "this server reads no files of its own"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT([&] { image_of(text, "f", {}); }, ThrowsMessage<Refusal>(HasSubstr(message))) << text;
}

TEST(Images, TheirSizeIsLimited) {
  EXPECT_NO_THROW(image_of("Zm9v", "f", {.max_bytes = 3}));
  EXPECT_THAT([] { image_of("Zm9v", "f", {.max_bytes = 2}); },
              ThrowsMessage<Refusal>("[f] expected an image of at most 2 bytes, found 3"));
}

TEST(Images, AddressesAreFetchedWhereThatIsAllowed) {
  ImagePolicy policy;
  policy.fetch = [](const std::string& url, const std::string& field) { return field + " " + url; };
  EXPECT_EQ(bytes_of(image_of("http://a/b", "f", policy)), "f http://a/b");
}

}  // namespace
}  // namespace e5v::serve
