#include "serve/dialects/llama_cpp.h"

#include <ctime>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

class LlamaCpp : public ServiceTest {};

TEST_F(LlamaCpp, ContentIsATextAnObjectOrAList) {
  Input both = golden_image_input();
  both.text = "but red";
  const auto expected = embedded({Input::from_text("a cat"), both, golden_image_input()});
  const Json text = post("/embedding", {{"content", "a cat"}}).json();
  EXPECT_EQ(text[0]["index"], 0);
  expect_near(text[0]["embedding"][0].get<std::vector<float>>(), expected[0]);
  const std::string marker = ask("GET", "/props").json()["media_marker"];
  const Json media = {{"prompt_string", "but red" + marker}, {"multimodal_data", {golden_image()}}};
  const Json image = {{"prompt_string", marker}, {"multimodal_data", {golden_image()}}};
  const Json list = post("/embeddings", {{"content", {media, "a cat", image}}}).json();
  ASSERT_EQ(list.size(), 3u);
  expect_near(list[0]["embedding"][0].get<std::vector<float>>(), expected[1]);
  expect_near(list[1]["embedding"][0].get<std::vector<float>>(), expected[0]);
  expect_near(list[2]["embedding"][0].get<std::vector<float>>(), expected[2]);
}

TEST_F(LlamaCpp, TheTimeOfManyMarkersIsProportionalToTheirNumber) {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += "<__media__>";
  const std::clock_t begin = std::clock();
  const Json list = post("/embedding", {{"content", {{"prompt_string", text + "a cat"}}}}).json();
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
  expect_near(list[0]["embedding"][0].get<std::vector<float>>(), embedded({Input::from_text("a cat")})[0]);
}

TEST_F(LlamaCpp, ListsAreCountedBeforeTheyAreRead) {
  Json list(2049, true);
  list[0] = {{"prompt_string", 1}};
  EXPECT_EQ(post("/embedding", {{"content", list}}).json()["error"]["message"],
            "[content] expected at most 2048 inputs, found 2049");
}

TEST_F(LlamaCpp, ErrorsHaveItsShape) {
  const Json error = post("/embedding", Json::object()).json()["error"];
  EXPECT_EQ(error["code"], 400);
  EXPECT_EQ(error["type"], "invalid_request_error");
  EXPECT_EQ(error["message"], "[content] expected a string, an object or a list, found nothing");
  EXPECT_EQ(post("/embedding", {{"content", "a"}, {"embd_normalize", 1}}).status, 400);
  EXPECT_EQ(post("/embedding", {{"content", {{"prompt_string", ""}}}}).status, 400);
}

}  // namespace
}  // namespace e5v::serve
