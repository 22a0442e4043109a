#include "serve/dialects/tei.h"

#include "api/embedder_impl.h"
#include "serve/service_fixture.h"
#include "serve/similarity.h"

namespace e5v::serve {
namespace {

class Tei : public ServiceTest {};

TEST_F(Tei, EmbedAnswersAListOfVectors) {
  const auto expected = embedded({Input::from_text("a cat"), Input::from_text("b")});
  const Answer answer = post("/embed", {{"inputs", {"a cat", "b"}}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(answer.json().size(), 2u);
  expect_near(answer.json()[0].get<std::vector<float>>(), expected[0]);
  EXPECT_EQ(answer.fields.find("x-compute-characters"), "6");
  EXPECT_EQ(post("/embed", {{"inputs", "é€😀"}}).fields.find("x-compute-characters"), "3");
  const bool is_gpu = model()->embedder.impl().engine->place() == tensor::Place::device;
  EXPECT_EQ(answer.fields.find("x-compute-type"), is_gpu ? "gpu" : "cpu");
  EXPECT_NE(answer.fields.find("x-compute-tokens"), "");
  const auto milliseconds = [&](const char* name) { return std::stoi(std::string(answer.fields.find(name))); };
  EXPECT_GE(milliseconds("x-queue-time"), 0);
  EXPECT_NEAR(milliseconds("x-total-time"), milliseconds("x-queue-time") + milliseconds("x-inference-time"), 1);
  expect_near(post("/embed", {{"inputs", "a cat"}, {"dimensions", 8}, {"normalize", false}})
                  .json()[0]
                  .get<std::vector<float>>(),
              embedded({Input::from_text("a cat")}, {.normalize = false, .dimensions = 8})[0]);
  EXPECT_EQ(post("/embed", {{"inputs", long_text()}}).status, 200);
}

TEST_F(Tei, SimilaritiesAreCosines) {
  const auto vectors = embedded({Input::from_text("a cat"), Input::from_text("a cat"), Input::from_text("rain")});
  const Json scores =
      post("/similarity", {{"inputs", {{"source_sentence", "a cat"}, {"sentences", {"a cat", "rain"}}}}}).json();
  EXPECT_NEAR(scores[0].get<double>(), 1, 1e-6);
  EXPECT_NEAR(scores[1].get<double>(), cosine(vectors[0], vectors[2]), 1e-6);
}

TEST_F(Tei, ErrorsHaveItsShapeAndStatus) {
  const Answer answer = post("/embed", {{"inputs", Json::array()}});
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.json()["error_type"], "Validation");
  EXPECT_EQ(answer.json()["error"], "[inputs] expected at least one input, found none");
  EXPECT_EQ(post("/embed", {{"inputs", long_text()}, {"truncate", false}}).status, 422);
  EXPECT_EQ(post("/similarity", {{"inputs", "a"}}).status, 422);
  const Answer none = post("/similarity", {{"inputs", {{"source_sentence", Json::array()}, {"sentences", {"a"}}}}});
  EXPECT_EQ(none.status, 422);
  EXPECT_EQ(none.json()["error"],
            "[inputs.source_sentence] expected a string, token ids, an object with text or image, or "
            "messages, found a list of 0");
  const auto message = [&](const Json& sentences) {
    return post("/similarity", {{"inputs", {{"source_sentence", "a"}, {"sentences", sentences}}}}).json()["error"];
  };
  EXPECT_EQ(message(Json::array()), "[inputs.sentences] expected a list of strings, found a list of 0");
  EXPECT_EQ(message(Json(2049, true)), "[inputs.sentences] expected at most 2048 inputs, found 2049");
  EXPECT_EQ(message("b"), "[inputs.sentences] expected a list of strings, found \"b\"");
  EXPECT_EQ(message({"b", 5}),
            "[inputs.sentences[1]] expected a string, token ids, an object with text or image, or messages, found 5");
}

TEST_F(Tei, InfoSaysWhatIsServed) {
  const Json info = ask("GET", "/info").json();
  EXPECT_EQ(info["model_id"], "tiny");
  EXPECT_EQ(info["max_input_length"], 8192);
  EXPECT_EQ(info["max_concurrent_requests"], 4096);
  EXPECT_EQ(info["tokenization_workers"], 2);
}

class TeiWithOptions : public ServiceTest {
 protected:
  TeiWithOptions() : ServiceTest({.max_connections = 7}) {}
};

TEST_F(TeiWithOptions, InfoHasThem) { EXPECT_EQ(ask("GET", "/info").json()["max_concurrent_requests"], 7); }

}  // namespace
}  // namespace e5v::serve
