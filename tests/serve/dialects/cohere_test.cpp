#include "serve/dialects/cohere.h"

#include "serve/service_fixture.h"
#include "serve/vector_encoding.h"

namespace e5v::serve {
namespace {

class Cohere : public ServiceTest {
 protected:
  void expect_refused(const Json& body, const std::string& message) {
    const Answer answer = post("/v2/embed", body);
    EXPECT_EQ(answer.status, 400) << body.dump();
    EXPECT_EQ(answer.json()["message"], message);
  }
};

TEST_F(Cohere, TextsHaveTheLibrarysVectorsInEachForm) {
  const std::vector<float> expected = embedded({Input::from_text("a cat")})[0];
  const Answer answer =
      post("/v2/embed", {{"model", "tiny"},
                         {"input_type", "search_query"},
                         {"texts", {"a cat"}},
                         {"embedding_types", {"float", "int8", "uint8", "binary", "ubinary", "base64"}}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json json = answer.json(), vectors = json["embeddings"];
  EXPECT_EQ(json["response_type"], "embeddings_by_type");
  EXPECT_EQ(json["texts"], Json({"a cat"}));
  const auto numbers = vectors["float"][0].get<std::vector<float>>();
  expect_near(numbers, expected);
  EXPECT_EQ(vectors["int8"][0], Json(to_int8(numbers)));
  EXPECT_EQ(vectors["uint8"][0], Json(to_uint8(numbers)));
  EXPECT_EQ(vectors["ubinary"][0], Json(to_bits(numbers)));
  EXPECT_EQ(vectors["binary"][0][0], int{to_bits(numbers)[0]} - 128);
  EXPECT_EQ(vectors["base64"][0], to_base64(numbers));
}

TEST_F(Cohere, ImagesAndInputs) {
  Input both = golden_image_input();
  both.text = "but red";
  const auto expected = embedded({golden_image_input(), both});
  const std::string address = "data:image/png;base64," + golden_image();
  const Json images = post("/v2/embed", {{"input_type", "image"}, {"images", {address}}}).json();
  expect_near(images["embeddings"]["float"][0].get<std::vector<float>>(), expected[0]);
  const Json content = {{{"type", "text"}, {"text", "but red"}},
                        {{"type", "image_url"}, {"image_url", {{"url", address}}}}};
  const Json inputs =
      post("/v2/embed", {{"input_type", "search_query"}, {"inputs", {{{"content", content}}}}, {"output_dimension", 8}})
          .json();
  const auto cut = embedded({both}, {.dimensions = 8});
  expect_near(inputs["embeddings"]["float"][0].get<std::vector<float>>(), cut[0]);
}

TEST_F(Cohere, WhatIsWrongIsNamed) {
  expect_refused(
      {{"texts", {"a"}}},
      "[input_type] expected search_document, search_query, classification, clustering or image, found nothing");
  expect_refused({{"input_type", "image"}}, "[texts] expected exactly one of texts, images and inputs, found none");
  expect_refused({{"input_type", "image"}, {"texts", {"a"}}, {"images", {"b"}}},
                 "[texts] expected exactly one of texts, images and inputs, found texts and images");
  expect_refused({{"input_type", "image"}, {"texts", "a"}}, "[texts] expected a list, found \"a\"");
  expect_refused({{"input_type", "image"}, {"texts", Json::array()}},
                 "[texts] expected at least one input, found none");
  for (const char* key : {"texts", "images", "inputs"})  // the elements are not read
    expect_refused({{"input_type", "image"}, {key, Json(2049, true)}},
                   fmt::format("[{}] expected at most 2048 inputs, found 2049", key));
  expect_refused({{"input_type", "image"}, {"texts", {"a"}}, {"truncate", "START"}},
                 "[truncate] this server truncates at the end: expected NONE or END, found START");
  expect_refused({{"input_type", "image"}, {"texts", {"a"}}, {"embedding_types", {"int4"}}},
                 "[embedding_types] expected float, int8, uint8, binary, ubinary, base64, found \"int4\"");
  expect_refused({{"input_type", "image"}, {"texts", {"a"}}, {"max_tokens", 1}},
                 "[max_tokens] expected at least the context of 8192 tokens, found 1");
}

TEST_F(Cohere, LongTextsAreTruncatedUnlessForbidden) {
  const std::string text = long_text();
  EXPECT_EQ(post("/v2/embed", {{"input_type", "search_query"}, {"texts", {text}}}).status, 200);
  EXPECT_EQ(post("/v2/embed", {{"input_type", "search_query"}, {"texts", {text}}, {"truncate", "NONE"}}).status, 400);
}

}  // namespace
}  // namespace e5v::serve
