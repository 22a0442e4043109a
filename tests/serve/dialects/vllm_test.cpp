#include "serve/dialects/vllm.h"

#include "serve/service_fixture.h"
#include "serve/similarity.h"

namespace e5v::serve {
namespace {

class Vllm : public ServiceTest {};

TEST_F(Vllm, PoolingAnswersTheSameVectors) {
  const Json answer = post("/pooling", {{"input", {"a cat"}}}).json();
  EXPECT_EQ(answer["data"][0]["object"], "pooling");
  expect_near(answer["data"][0]["data"].get<std::vector<float>>(), embedded({Input::from_text("a cat")})[0]);
}

TEST_F(Vllm, PoolingHasTheFormsOfEmbeddings) {
  const Json body = {{"input", "a cat"}, {"encoding_format", "base64"}};
  EXPECT_EQ(post("/pooling", body).json()["data"][0]["data"],
            post("/v1/embeddings", body).json()["data"][0]["embedding"]);
  const Answer bytes = post("/pooling", {{"input", "a cat"}, {"encoding_format", "bytes"}});
  EXPECT_EQ(bytes.type, "application/octet-stream");
  EXPECT_EQ(bytes.body.size(), 128 * sizeof(float));
  EXPECT_THAT(Json::parse(bytes.fields.find("metadata"))["id"].get<std::string>(), testing::StartsWith("pool-"));
  EXPECT_EQ(post("/pooling", {{"input", "a cat"}, {"encoding_format", "hex"}}).status, 400);
}

TEST_F(Vllm, ASideOfAScoreHoldsInputs) {
  const auto expect_refused = [&](const Json& queries, const std::string& message) {
    const Answer answer = post("/score", {{"queries", queries}, {"documents", "a"}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json()["error"]["message"], message);
  };
  const std::string expected = "expected a string, token ids, an object with text or image, or messages, found";
  expect_refused(Json::array({Json::array()}), "[queries[0]] " + expected + " a list of 0");
  expect_refused(Json::array({Json::array({"a", "b"})}), "[queries[0]] " + expected + " a list of 2");
  expect_refused(Json::array(), "[queries] expected at least one input, found none");
}

TEST_F(Vllm, FieldsInMessagesAreThoseOfTheRequest) {
  const auto message = [&](const char* path, const Json& body) {
    const Json error = post(path, body).json()["error"];
    const std::string text = error["message"], field = error["param"];
    EXPECT_THAT(text, testing::StartsWith("[" + field + "] "));
    return text;
  };
  const std::string input = "expected a string, token ids, an object with text or image, or messages, found 5";
  EXPECT_EQ(message("/rerank", {{"query", 5}, {"documents", "a"}}), "[query] " + input);
  EXPECT_EQ(message("/score", {{"text_1", 5}, {"text_2", "a"}}), "[text_1] " + input);
  EXPECT_EQ(message("/score", {{"data_1", "a"}, {"data_2", {"a", 5}}}), "[data_2[1]] " + input);
  EXPECT_EQ(message("/score", {{"queries", "a"}, {"items", Json::array()}}),
            "[items] expected at least one input, found none");
  EXPECT_EQ(message("/score", {{"text_1", "a"}, {"text_2", Json(2049, true)}}),
            "[text_2] expected at most 2048 inputs, found 2049");
  EXPECT_EQ(message("/score", {{"text_1", {"a", "b"}}, {"text_2", {"a", "b", "c"}}}),
            "[text_1] expected one, or as many as the 3 text_2, found 2");
  EXPECT_EQ(message("/score", {{"text_1", "a"}}), "[documents] expected a string or a list, found nothing");
}

TEST_F(Vllm, ScoresAreCosinesOfPairs) {
  const auto vectors =
      embedded({Input::from_text("a"), Input::from_text("b"), Input::from_text("c"), golden_image_input()});
  const Json one = post("/score", {{"queries", "a"}, {"documents", {"b", "c"}}}).json();
  EXPECT_NEAR(one["data"][0]["score"].get<double>(), cosine(vectors[0], vectors[1]), 1e-6);
  EXPECT_NEAR(one["data"][1]["score"].get<double>(), cosine(vectors[0], vectors[2]), 1e-6);
  const Json pairs = post("/v1/score", {{"text_1", {"a", "b"}}, {"text_2", {"b", "c"}}}).json();
  EXPECT_NEAR(pairs["data"][1]["score"].get<double>(), cosine(vectors[1], vectors[2]), 1e-6);
  const Json content = {
      {"content", {{{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64," + golden_image()}}}}}}};
  const Json image = post("/score", {{"queries", "a"}, {"documents", content}}).json();
  EXPECT_NEAR(image["data"][0]["score"].get<double>(), cosine(vectors[0], vectors[3]), 1e-6);
  EXPECT_EQ(post("/score", {{"queries", {"a", "b"}}, {"documents", {"a", "b", "c"}}}).status, 400);
  EXPECT_EQ(post("/score", {{"queries", "a"}}).status, 400);
}

TEST_F(Vllm, EachElementOfASideIsOneInput) {
  for (const Json& element : {Json::array(), Json::array({"a", "b"})}) {
    const Answer answer = post("/score", {{"queries", Json::array({element})}, {"documents", {"a"}}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json()["error"]["message"],
              fmt::format("[queries[0]] expected a string, token ids, an object with text or image, or messages, "
                          "found a list of {}",
                          element.size()));
  }
}

TEST_F(Vllm, RerankOrdersDocuments) {
  const Json answer =
      post("/v2/rerank", {{"query", "a cat"}, {"documents", {"rain", "a cat", "b"}}, {"top_n", 2}}).json();
  ASSERT_EQ(answer["results"].size(), 2u);
  EXPECT_EQ(answer["results"][0]["index"], 1);
  EXPECT_EQ(answer["results"][0]["document"]["text"], "a cat");
  EXPECT_NEAR(answer["results"][0]["relevance_score"].get<double>(), 1, 1e-6);
  EXPECT_GE(answer["results"][0]["relevance_score"], answer["results"][1]["relevance_score"]);
  EXPECT_EQ(post("/rerank", {{"query", "a"}, {"documents", "c"}, {"top_n", 3e9}}).json()["error"]["message"],
            "[top_n] expected a whole number from 0 to 2147483647, found 3000000000.0");
  EXPECT_EQ(post("/rerank", {{"query", {"a", "b"}}, {"documents", {"c"}}}).status, 400);
  EXPECT_EQ(post("/rerank", {{"query", "a"}, {"documents", Json::array()}}).status, 400);
  for (const Json& one : {Json("a cat"), Json{{"text", "a cat"}}}) {
    const Answer alone = post("/rerank", {{"query", "a cat"}, {"documents", one}});
    ASSERT_EQ(alone.status, 200) << alone.body;
    EXPECT_EQ(alone.json()["results"][0]["document"]["text"], "a cat");
  }
}

TEST_F(Vllm, TokensGoThereAndBack) {
  const Json tokens = post("/tokenize", {{"prompt", "two dogs"}}).json();
  EXPECT_EQ(tokens["count"], tokens["tokens"].size());
  EXPECT_EQ(tokens["max_model_len"], 8192);
  EXPECT_EQ(post("/tokenize", Json::object()).status, 400);
  const Json message = {{"role", "user"}, {"content", "two dogs"}};
  EXPECT_EQ(post("/tokenize", {{"messages", {message}}, {"add_special_tokens", true}}).json(), tokens);
  const Answer both = post("/tokenize", {{"prompt", "a"}, {"messages", {message}}});
  EXPECT_EQ(both.json()["error"]["message"], "[prompt] expected prompt or messages, found both");
  EXPECT_EQ(post("/detokenize", {{"tokens", {"a"}}}).status, 400);
  EXPECT_EQ(ask("GET", "/load").json()["server_load"], 0);
}

TEST_F(Vllm, TextsThatTakeLongToTokenizeAreRefused) {
  const std::size_t most = std::size_t{1} << 20;
  const std::string text = std::string(most, 'a') + "b";
  const Json message = {{"role", "user"}, {"content", text}};
  EXPECT_EQ(post("/tokenize", {{"prompt", text}}).json()["error"]["message"],
            "[prompt] expected a text of at most 1048576 bytes, found 1048577");
  EXPECT_EQ(post("/tokenize", {{"messages", {message}}}).json()["error"]["message"],
            "[messages] expected a text of at most 1048576 bytes, found 1048577");
  EXPECT_EQ(post("/tokenize", {{"prompt", text.substr(1)}}).status, 200);
  Json tokens(std::vector<int>(most, 64));
  EXPECT_EQ(post("/detokenize", {{"tokens", tokens}}).status, 200);
  tokens.push_back(64);
  EXPECT_EQ(post("/detokenize", {{"tokens", tokens}}).json()["error"]["message"],
            "[tokens] expected at most 1048576 token ids, found 1048577");
}

}  // namespace
}  // namespace e5v::serve
