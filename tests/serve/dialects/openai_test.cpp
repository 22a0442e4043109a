#include "serve/dialects/openai.h"

#include <cstring>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class OpenAi : public ServiceTest {
 protected:
  static std::vector<float> vector_of(const Json& data) { return data["embedding"].get<std::vector<float>>(); }
  Json ask_for(const Json& body) {
    const Answer answer = post("/v1/embeddings", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  void expect_refused(const Json& body, const std::string& message, const std::string& field) {
    const Answer answer = post("/v1/embeddings", body);
    EXPECT_EQ(answer.status, 400) << body.dump();
    const Json error = answer.json()["error"];
    EXPECT_EQ(error["message"], message);
    EXPECT_EQ(error["param"], field.empty() ? Json() : Json(field));
    EXPECT_EQ(error["type"], "BadRequestError");
    EXPECT_EQ(error["code"], 400);
  }
};

TEST_F(OpenAi, AStringAndAListHaveTheLibrarysVectors) {
  const auto expected = embedded({Input::from_text("a cat"), Input::from_text("two dogs")});
  const Json one = ask_for({{"input", "a cat"}, {"model", "tiny"}});
  EXPECT_EQ(one["object"], "list");
  EXPECT_EQ(one["model"], "tiny");
  EXPECT_EQ(one["data"][0]["object"], "embedding");
  expect_near(vector_of(one["data"][0]), expected[0]);
  const Json both = ask_for({{"input", {"a cat", "two dogs"}}});
  ASSERT_EQ(both["data"].size(), 2u);
  EXPECT_EQ(both["data"][1]["index"], 1);
  expect_near(vector_of(both["data"][1]), expected[1]);
  EXPECT_GT(both["usage"]["total_tokens"], one["usage"]["total_tokens"]);
  EXPECT_EQ(both["usage"]["prompt_tokens"], both["usage"]["total_tokens"]);
}

TEST_F(OpenAi, Base64HoldsTheSameFloats) {
  const std::vector<float> numbers = vector_of(ask_for({{"input", "a cat"}})["data"][0]);
  const Json answer = ask_for({{"input", "a cat"}, {"encoding_format", "base64"}});
  const auto bytes = from_base64(answer["data"][0]["embedding"].get<std::string>());
  ASSERT_EQ(bytes->size(), numbers.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(bytes->data(), numbers.data(), bytes->size()), 0);
}

TEST_F(OpenAi, TokenIdsAreTheirText) {
  const Json ids = post("/tokenize", {{"prompt", "a cat"}, {"add_special_tokens", false}}).json()["tokens"];
  ASSERT_FALSE(ids.empty());
  const std::vector<float> expected = embedded({Input::from_text("a cat")})[0];
  expect_near(vector_of(ask_for({{"input", ids}})["data"][0]), expected);
  expect_near(vector_of(ask_for({{"input", Json::array({ids, ids})}})["data"][1]), expected);
  EXPECT_EQ(post("/detokenize", {{"tokens", ids}}).json()["prompt"], "a cat");
}

TEST_F(OpenAi, ImagesAndBothAreObjectsAndMessages) {
  Input both = golden_image_input();
  both.text = "but red";
  const auto expected = embedded({golden_image_input(), both});
  const std::string address = "data:image/png;base64," + golden_image();
  const Json objects = ask_for({{"input", {{{"image", address}}, {{"text", "but red"}, {"image", golden_image()}}}}});
  expect_near(vector_of(objects["data"][0]), expected[0]);
  expect_near(vector_of(objects["data"][1]), expected[1]);
  const Json message = {
      {"role", "user"},
      {"content",
       {{{"type", "image_url"}, {"image_url", {{"url", address}}}}, {{"type", "text"}, {"text", "but red"}}}}};
  expect_near(vector_of(ask_for({{"messages", {message}}})["data"][0]), expected[1]);
  const Json chats = ask_for({{"messages", {Json::array({message}), Json::array({message})}}});
  ASSERT_EQ(chats["data"].size(), 2u);
  expect_near(vector_of(chats["data"][1]), expected[1]);
  expect_near(vector_of(ask_for({{"input", address}, {"modality", "image"}})["data"][0]), expected[0]);
}

TEST_F(OpenAi, OptionsReachTheModel) {
  const Json cut = ask_for({{"input", "a cat"}, {"dimensions", 16}});
  expect_near(vector_of(cut["data"][0]), embedded({Input::from_text("a cat")}, {.dimensions = 16})[0]);
  const Json raw = ask_for({{"input", "a cat"}, {"normalize", false}});
  expect_near(vector_of(raw["data"][0]), embedded({Input::from_text("a cat")}, {.normalize = false})[0]);
  const Json prompt = ask_for({{"input", "a cat"}, {"prompt", "sts"}});
  expect_near(vector_of(prompt["data"][0]), embedded({Input::from_text("a cat")}, {.prompt = "sts"})[0]);
}

TEST_F(OpenAi, BytesAreTheVectorsOneAfterAnother) {
  const std::vector<float> numbers = vector_of(ask_for({{"input", "a cat"}})["data"][0]);
  const Answer answer = post("/v1/embeddings", {{"input", {"a cat", "a cat"}}, {"encoding_format", "bytes"}});
  EXPECT_EQ(answer.type, "application/octet-stream");
  ASSERT_EQ(answer.body.size(), 2 * numbers.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(answer.body.data(), numbers.data(), numbers.size() * sizeof(float)), 0);
  const Json metadata = Json::parse(answer.fields.find("metadata"));
  EXPECT_EQ(metadata["data"][1]["start"], numbers.size() * sizeof(float));
  EXPECT_EQ(metadata["data"][1]["shape"][0], numbers.size());
  const Answer half =
      post("/v1/embeddings", {{"input", "a cat"}, {"encoding_format", "bytes_only"}, {"embed_dtype", "float16"}});
  EXPECT_EQ(half.body.size(), 2 * numbers.size());
  EXPECT_EQ(half.fields.find("metadata"), "");
}

TEST_F(OpenAi, BytesOfManyInputsHaveNoDescription) {
  const Json many(std::vector<std::string>(513, "a cat"));
  for (const char* path : {"/v1/embeddings", "/pooling"}) {
    const Answer refused = post(path, {{"input", many}, {"encoding_format", "bytes"}});
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["error"]["param"], "encoding_format");
    const Answer answer = post(path, {{"input", many}, {"encoding_format", "bytes_only"}});
    EXPECT_EQ(answer.body.size(), 513 * 128 * sizeof(float));
  }
}

TEST_F(OpenAi, FieldsThatAreUnknownAreIgnored) {
  EXPECT_EQ(
      post("/v1/embeddings", {{"input", "a"}, {"user", "me"}, {"whatever", {1, 2}}, {"dimensions", nullptr}}).status,
      200);
}

TEST_F(OpenAi, WhatIsWrongIsNamed) {
  expect_refused(Json::object(), "[input] expected a string, a list or messages, found nothing", "input");
  expect_refused({{"input", Json::array()}}, "[input] expected at least one input, found none", "input");
  expect_refused({{"input", "a"}, {"messages", {{{"role", "user"}, {"content", "a"}}}}},
                 "[input] expected input or messages, found both", "input");
  expect_refused({{"messages", "a"}}, "[messages] expected a list of messages, found \"a\"", "messages");
  expect_refused({{"input", 7}},
                 "[input] expected a string, token ids, an object with text or image, or messages, found 7", "input");
  expect_refused({{"input", {"a", nullptr}}},
                 "[input[1]] expected a string, token ids, an object with text or image, or messages, found null",
                 "input[1]");
  expect_refused({{"input", {-1}}}, "[input] expected token ids from 0 to 2367, found -1", "input");
  expect_refused({{"input", {{{"texts", "a"}}}}}, "[input[0]] expected text, image or both, found neither", "input[0]");
  expect_refused({{"input", {{{"image", "%%%"}}}}},
                 "[input[0].image] expected an image as base64 or as a data: URI, found \"%%%\"", "input[0].image");
  expect_refused(
      {{"input", {{{"image", "http://a.example/b.png"}}}}},
      "[input[0].image] this server does not fetch images from URLs; send the image as a data: URI or as base64",
      "input[0].image");
  expect_refused(
      {{"input", {{{"image", "file:///etc/passwd"}}}}},
      "[input[0].image] this server does not read files of its own; send the image as a data: URI or as base64",
      "input[0].image");
  expect_refused({{"input", "a"}, {"dimensions", 0}}, "[dimensions] expected a whole number from 1 to 128, found 0",
                 "dimensions");
  expect_refused({{"input", "a"}, {"dimensions", 1.5}}, "[dimensions] expected a whole number from 1 to 128, found 1.5",
                 "dimensions");
  expect_refused({{"input", "a"}, {"encoding_format", "hex"}},
                 "[encoding_format] expected float or base64 or bytes or bytes_only, found \"hex\"", "encoding_format");
  expect_refused({{"input", "a"}, {"chat_template", "x"}},
                 "[chat_template] this server has prompts of its own; name one under prompt", "chat_template");
  expect_refused({{"input", "a"}, {"truncation_side", "left"}}, "[truncation_side] this server truncates at the right",
                 "truncation_side");
}

TEST_F(OpenAi, AnInputThatFailsNamesItself) {
  const Answer answer = post("/v1/embeddings", {{"input", {"fine", long_text()}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["param"], "input[1]");
  const Answer image = post("/v1/embeddings", {{"input", {{{"image", e5v::to_base64("no image")}}}}});
  EXPECT_EQ(image.status, 400);
  EXPECT_THAT(image.json()["error"]["message"].get<std::string>(), HasSubstr("[input[0].image]"));
}

TEST_F(OpenAi, ModelsHaveNames) {
  const Json models = ask("GET", "/v1/models").json();
  EXPECT_EQ(models["data"][0]["id"], "tiny");
  EXPECT_EQ(models["data"][0]["dimensions"], 128);
  EXPECT_EQ(post("/v1/embeddings", {{"input", "a"}, {"model", "text-embedding-3-small"}}).json()["model"], "tiny");
  const Answer unknown = post("/v1/embeddings", {{"input", "a"}, {"model", "gpt"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["message"], "[model] \"gpt\" is not served; expected tiny");
}

}  // namespace
}  // namespace e5v::serve
