#include "serve/images.h"

#include <gmock/gmock.h>

#include "fake_fetcher.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

RequestImage image_of(const std::string& text, const std::string& field, const ImagePolicy& policy = {}) {
  RequestInput input;
  add_image(input, text, field, policy);
  return input.images.front();
}

TEST(Images, DataUrisAndBase64AreBytes) {
  for (const char* text :
       {"data:image/png;base64,Zm9v", "DATA:image/png;base64,Zm9v", "data:;base64,Zm9v", "Zm9v", "Zm9v\n"}) {
    const RequestImage image = image_of(text, "input.image");
    EXPECT_EQ(*image.file, "foo") << text;
    EXPECT_EQ(image.field, "input.image");
    EXPECT_EQ(image.url, "");
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
  EXPECT_EQ(input.images[1].file, nullptr);
  EXPECT_EQ(input.images[1].url, "HTTPS://a.example/b");
  EXPECT_EQ(input.images[1].field, "images[1]");
  EXPECT_TRUE(fetcher.urls().empty());
  EXPECT_THAT(
      [&] { add_image(input, "http://other.example/", "f", policy); },
      ThrowsMessage<Refusal>("[f] this server does not fetch images from the host of this URL; send the image as "
                             "a data: URI or as base64"));
}

TEST(Images, InputsShareFilesUntilTheEmbedderTakesThem) {
  RequestInput input{.text = "a", .prompt = "p"};
  input.images.push_back(image_of("Zm9v", "images[0]"));
  input.images.push_back({input.images[0].file, "images[1]"});
  const std::weak_ptr<const std::string> file = input.images[0].file;
  EXPECT_EQ(RequestInput(input).images[0].file, file.lock());
  const Input taken = to_input(std::move(input));
  EXPECT_EQ(taken.text, "a");
  EXPECT_EQ(taken.prompt, "p");
  ASSERT_EQ(taken.images.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& image = std::get<EncodedImage>(taken.images[i]);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()), "foo");
    EXPECT_EQ(image.name, fmt::format("images[{}]", i));
  }
  EXPECT_TRUE(file.expired());
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
