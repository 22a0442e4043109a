// Images that requests give as URLs, from the request over a real network to the answer.
#include <zlib.h>

#include "fetching_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class FetchedImages : public FetchingServiceTest {
 protected:
  using FetchingServiceTest::FetchingServiceTest;
  std::string url(const std::string& path) const { return origin.url(path); }
  void expect_vector(const Json& vector) { expect_near(vector.get<std::vector<float>>(), image_vector()); }
  /// The beginning of a PNG of this size, which ends before the pixels.
  static std::string png_head(std::uint32_t width, std::uint32_t height) {
    const auto number = [](std::uint32_t value) {
      std::string bytes;
      for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
      return bytes;
    };
    const std::string head = "IHDR" + number(width) + number(height) + std::string("\x08\x02\0\0\0", 5);
    const auto checksum = ::crc32(0, reinterpret_cast<const Bytef*>(head.data()), static_cast<uInt>(head.size()));
    return "\x89PNG\r\n\x1a\n" + number(13) + head + number(static_cast<std::uint32_t>(checksum)) + number(0) + "IDAT";
  }
  /// The message of a request for one image, which must be refused with status 400.
  std::string refusal_of(const std::string& address) {
    const Answer answer = post("/v1/embed", {{"items", {{{"image", address}}}}});
    EXPECT_EQ(answer.status, 400) << address << ": " << answer.body;
    EXPECT_EQ(answer.json()["error"]["param"], "items[0].image");
    return answer.json()["error"]["message"];
  }
};

TEST_F(FetchedImages, EachDialectTakesThem) {
  const Json image = url("/image"), part = {{"type", "image_url"}, {"image_url", {{"url", image}}}};
  const Json chat = {{{"role", "user"}, {"content", {part}}}};
  for (const Json& body : {Json{{"messages", chat}}, Json{{"input", {{{"image", image}}}}},
                           Json{{"input", image}, {"modality", "image"}}}) {
    const Answer answer = post("/v1/embeddings", body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    expect_vector(answer.json()["data"][0]["embedding"]);
  }
  const Json images = post("/v2/embed", {{"input_type", "image"}, {"images", {image}}}).json();
  expect_vector(images["embeddings"]["float"][0]);
  const Json inputs = {{{"content", {part}}}};
  expect_vector(post("/v2/embed", {{"input_type", "image"}, {"inputs", inputs}}).json()["embeddings"]["float"][0]);
  const Json llama = {{"content", {{"prompt_string", ""}, {"multimodal_data", {image}}}}};
  expect_vector(post("/embedding", llama).json()[0]["embedding"][0]);
  expect_vector(post("/v1/embed", {{"items", {{{"image", {{"url", image}}}}}}}).json()["data"][0]["embedding"]);
  const Json score = {{"queries", {{"content", {part}}}}, {"documents", {{{"content", {part}}}}}};
  EXPECT_NEAR(post("/score", score).json()["data"][0]["score"], 1, 1e-5);
}

TEST_F(FetchedImages, ARedirectToAnAllowedHostIsFollowed) {
  expect_vector(post("/v1/embed", {{"items", {{{"image", url("/redirect?/image")}}}}}).json()["data"][0]["embedding"]);
}

TEST_F(FetchedImages, OneIsFetchedOnceForSeveralPrompts) {
  const Json item = {{"image", url("/image")}, {"prompts", {"image", "cirr-gallery"}}};
  EXPECT_EQ(post("/v1/embed", {{"items", {item, item}}}).json()["data"].size(), 4u);
  EXPECT_EQ(origin.requests(), 1);
}

TEST_F(FetchedImages, WhatIsWrongIsNamedWithoutInternals) {
  const std::pair<std::string, const char*> cases[] = {
      {"http://user@" + origin.place() + "/image", "expected an http or https URL without a user name"},
      {"https://other.example/image", "this server does not fetch images from the host of this URL"},
      {url("/redirect?https://other.example/"), "found a redirect that this server does not follow"},
      {url("/redirect?file:///image"), "found a redirect that this server does not follow"},
      {url("/loop"), "found a redirect that this server does not follow"},
      {url("/missing"), "found an answer with status 404"},
      {url("/endless"), "expected at most 100000 bytes of images from URLs in a request, found more"},
      {url("/cut"), "found an incomplete answer"},
  };
  for (const auto& [address, message] : cases) {
    const std::string found = refusal_of(address);
    EXPECT_THAT(found, testing::StartsWith("[items[0].image] ")) << address;
    EXPECT_THAT(found, HasSubstr(message)) << address;
    EXPECT_THAT(found, testing::Not(HasSubstr("127.0.0.1"))) << address;
  }
}

TEST_F(FetchedImages, WhatIsNoImageFailsWhenItIsDecoded) {
  const Answer answer = post("/v1/embed", {{"items", {{{"image", url("/text")}}}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("[items[0].image] "));
}

TEST_F(FetchedImages, APrivateAddressIsAsGoodAsNone) {
  net::Origin inner("secret", {.listen = {"127.0.0.2:0"}});
  also_allow(inner.place("127.0.0.2"));
  for (const std::string& address :
       {inner.url("/image", "127.0.0.2"), url("/redirect?" + inner.url("/image", "127.0.0.2"))})
    EXPECT_EQ(refusal_of(address),
              "[items[0].image] expected an image at the URL, found that its host cannot be reached");
  EXPECT_EQ(inner.requests(), 0);
}

TEST_F(FetchedImages, TheirPixelsAreLimited) {
  net::Origin huge(png_head(60'000, 60'000));
  also_allow(huge.place());
  const Answer answer = post("/v1/embed", {{"items", {{{"image", huge.url("/image")}}}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("[items[0].image] PNG: expected at most 178956970 pixels, found 60000x60000"));
}

TEST_F(FetchedImages, OneThatFailsLeavesTheOthersOfAStream) {
  const Json items = {{{"image", url("/missing")}}, {{"image", url("/image")}}, {{"text", "a"}}};
  const Answer answer = post("/v1/embed", {{"items", items}, {"stream", true}});
  EXPECT_THAT(answer.body, HasSubstr("\"failed\":1"));
  EXPECT_THAT(answer.body, HasSubstr("{\"index\":0,\"error\":{\"code\":400,\"message\":\"[items[0].image] "));
  EXPECT_THAT(answer.body, HasSubstr("{\"index\":1,\"tokens\""));
}

TEST_F(FetchedImages, AClientThatGoesAwayEndsItsFetches) {
  std::stop_source gone;
  http::Request request{.method = "POST", .path = "/v1/embed", .gone = gone.get_token()};
  request.body = Json{{"items", {{{"image", url("/hold")}}}}}.dump();
  const auto keeper = std::make_shared<AnswerKeeper>();
  std::future<Answer> answer = keeper->answer();
  service_.handle(std::move(request), keeper);
  ASSERT_TRUE(origin.wait_for_held(1));
  gone.request_stop();
  EXPECT_EQ(answer.get().status, 503);
  EXPECT_TRUE(origin.wait_for_gone());
}

TEST_F(FetchedImages, OtherRequestsGoOnWhileOneWaits) {
  http::Request request{.method = "POST", .path = "/v1/embed"};
  request.body = Json{{"items", {{{"image", url("/hold")}}}}}.dump();
  const auto keeper = std::make_shared<AnswerKeeper>();
  std::future<Answer> answer = keeper->answer();
  service_.handle(std::move(request), keeper);  // returns although the image is not there
  ASSERT_TRUE(origin.wait_for_held(1));
  EXPECT_EQ(post("/v1/embeddings", {{"input", "a"}}).status, 200);
  EXPECT_EQ(post("/v1/embed", {{"items", {{{"image", url("/image")}}}}}).status, 200);
  origin.release();
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(FetchedImages, TheyAreCounted) {
  post("/v1/embed", {{"items", {{{"image", url("/image")}}}}});
  post("/v1/embed", {{"items", {{{"image", url("/missing")}}}}});
  const std::string text = ask("GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_total{problem=\"none\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("e5v_image_fetches_total{problem=\"status\"} 1\n"));
}

class SlowImages : public FetchedImages {
 protected:
  SlowImages() : FetchedImages(std::chrono::seconds(1)) {}
};

TEST_F(SlowImages, TheirTimeIsLimited) {
  EXPECT_EQ(refusal_of(url("/slow")),
            "[items[0].image] expected the image of the URL in time, found that it takes longer");
}

class WithoutFetcher : public ServiceTest {};

TEST_F(WithoutFetcher, UrlsAreRefused) {
  const Answer answer = post("/v1/embed", {{"items", {{{"image", "https://a.example/b.png"}}}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["message"],
            "[items[0].image] this server does not fetch images from URLs; send the image as a data: URI or as base64");
  EXPECT_THAT(ask("GET", "/metrics").body, testing::Not(HasSubstr("e5v_image_fetches_total")));
}

}  // namespace
}  // namespace e5v::serve
