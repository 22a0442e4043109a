#include "serve/images.h"

#include <gmock/gmock.h>

#include "fake_fetcher.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string bytes_of(const ImageSource& source) {
  const auto& image = std::get<EncodedImage>(source);
  return {reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()};
}

ImageSource image_of(const std::string& text, const std::string& field, const ImagePolicy& policy = {}) {
  RequestInput input;
  add_image(input, text, field, policy);
  return input.images.front();
}

TEST(Images, DataUrisAndBase64AreBytes) {
  for (const char* text :
       {"data:image/png;base64,Zm9v", "DATA:image/png;base64,Zm9v", "data:;base64,Zm9v", "Zm9v", "Zm9v\n"}) {
    const ImageSource source = image_of(text, "input.image");
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
      {"https://a.example/b", "this server does not fetch images from URLs; send"},
      {"file:///a", "this server does not read files of its own; send"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT([&] { image_of(text, "f"); }, ThrowsMessage<Refusal>(HasSubstr(message))) << text;
}

TEST(Images, TheirSizeIsLimited) {
  EXPECT_NO_THROW(image_of("Zm9v", "f", {.max_bytes = 3}));
  EXPECT_THAT([] { image_of("Zm9v", "f", {.max_bytes = 2}); },
              ThrowsMessage<Refusal>("[f] expected an image of at most 2 bytes, found 3"));
}

TEST(Images, UrlsAreTakenWhereThatIsAllowed) {
  FakeFetcher fetcher;
  const ImagePolicy policy{.fetcher = &fetcher};
  RequestInput input;
  add_image(input, "Zm9v", "images[0]", policy);
  add_image(input, "HTTPS://a.example/b", "images[1]", policy);
  ASSERT_EQ(input.images.size(), 2u);
  EXPECT_EQ(bytes_of(input.images[1]), "");
  ASSERT_EQ(input.urls.size(), 1u);
  EXPECT_EQ(input.urls[0].image, 1u);
  EXPECT_EQ(input.urls[0].url, "HTTPS://a.example/b");
  EXPECT_EQ(input.urls[0].field, "images[1]");
  EXPECT_TRUE(fetcher.urls().empty());
  EXPECT_THAT(
      [&] { add_image(input, "http://other.example/", "f", policy); },
      ThrowsMessage<Refusal>("[f] this server does not fetch images from the host of this URL; send the image as "
                             "a data: URI or as base64"));
}

TEST(Images, AFetchThatFailsSaysWhatWasExpected) {
  using http::FetchProblem;
  const std::pair<FetchProblem, const char*> cases[] = {
      {FetchProblem::url, "[f] expected an http or https URL without a user name"},
      {FetchProblem::redirect, "[f] expected an image at the URL, found a redirect that this server does not follow"},
      {FetchProblem::address, "[f] expected an image at the URL, found that its host cannot be reached"},
      {FetchProblem::unreachable, "[f] expected an image at the URL, found that its host cannot be reached"},
      {FetchProblem::tls, "[f] expected a host with a valid certificate"},
      {FetchProblem::status, "[f] expected an image at the URL, found an answer with status 404"},
      {FetchProblem::size, "[f] expected at most 5 bytes of images from URLs in a request, found more"},
      {FetchProblem::time, "[f] expected the image of the URL in time, found that it takes longer"},
      {FetchProblem::broken, "[f] expected an image at the URL, found an incomplete answer"},
  };
  for (const auto& [problem, message] : cases)
    EXPECT_THAT([&] { refuse_url({problem, 404}, "f", {.max_bytes = 5}); }, ThrowsMessage<Refusal>(message));
  EXPECT_THROW(refuse_url({FetchProblem::busy}, "f", {}), Overloaded);
  EXPECT_THROW(refuse_url({FetchProblem::cancelled}, "f", {}), Cancelled);
}

}  // namespace
}  // namespace e5v::serve
