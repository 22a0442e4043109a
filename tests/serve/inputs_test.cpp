#include "serve/inputs.h"

#include <ctime>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::ThrowsMessage;

class Inputs : public ServiceTest {
 protected:
  std::vector<NamedInput> read(const Json& value) { return inputs_of(value, "input", {*model(), policy_}); }
  void expect_refused(const Json& value, const std::string& message) {
    EXPECT_THAT([&] { read(value); }, ThrowsMessage<Refusal>(message)) << value.dump();
  }
  std::vector<NamedInput> read_chats(const Json& value) { return chats_of(value, "messages", {*model(), policy_}); }
  ImagePolicy policy_;
};

TEST_F(Inputs, PartsOfAChatAreJoined) {
  const Json chat = {{{"role", "system"}, {"content", "Be short."}},
                     {{"role", "user"},
                      {"content", {{{"type", "text"}, {"text", "a"}}, {{"type", "image_url"}, {"image_url", "Zm9v"}}}}},
                     {{"role", "assistant"}}};
  const std::vector<NamedInput> inputs = read(chat);
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].input.text, "Be short.\na");
  EXPECT_EQ(inputs[0].input.images.size(), 1u);
  EXPECT_EQ(read(Json::array({chat, chat})).size(), 2u);
}

TEST_F(Inputs, ChatsAreOneOrMany) {
  const Json chat = {{{"role", "user"}, {"content", "a"}}};
  ASSERT_EQ(read_chats(chat).size(), 1u);
  EXPECT_EQ(read_chats(chat)[0].field, "messages");
  const std::vector<NamedInput> both = read_chats(Json::array({chat, chat}));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[1].field, "messages[1]");
  EXPECT_EQ(both[1].input.text, "a");
  const auto expect_none = [&](const Json& value, const std::string& message) {
    EXPECT_THAT([&] { read_chats(value); }, ThrowsMessage<Refusal>(message)) << value.dump();
  };
  expect_none("a", "[messages] expected a list of messages, found \"a\"");
  expect_none(Json::array(), "[messages] expected a list of messages, found a list of 0");
  expect_none(Json::array({chat, "a"}), "[messages[1]] expected a list of messages, found \"a\"");
  expect_none({{{"content", "a"}}}, "[messages[0].role] expected a string, found nothing");
}

TEST_F(Inputs, TokenIdsMayBeWrittenWithAPoint) {
  EXPECT_EQ(read({5, 6})[0].input.text, read({5.0, 6.0})[0].input.text);
}

TEST_F(Inputs, AnObjectMayHoldManyImagesAndAPrompt) {
  const Json object = {{"text", "a"}, {"image", {{"url", "Zm9v"}}}, {"images", {"Zm9v", "Zm9v"}}, {"prompt", "sts"}};
  const std::vector<NamedInput> inputs = read(object);
  EXPECT_EQ(inputs[0].field, "input");
  EXPECT_EQ(inputs[0].input.images.size(), 3u);
  EXPECT_EQ(inputs[0].input.prompt, "sts");
}

TEST_F(Inputs, UploadsAreImagesInTheirPlaces) {
  const Uploads uploads = {{"a", std::make_shared<const std::string>("of the form")}};
  const InputReading reading{.model = *model(), .images = policy_, .uploads = &uploads};
  const Json object = {{"image", "upload:a"}, {"images", {"Zm9v", {{"url", "upload:a"}}}}};
  const std::vector<RequestImage> images = input_of(object, "items[0]", reading).images;
  ASSERT_EQ(images.size(), 3u);
  EXPECT_EQ(*images[0].file, "of the form");
  EXPECT_EQ(images[0].field, "items[0].image");
  EXPECT_EQ(*images[1].file, "foo");
  EXPECT_EQ(images[2].file, images[0].file);
  EXPECT_EQ(images[2].field, "items[0].images[1].url");
  EXPECT_THAT(
      [&] {
        input_of({{"images", {"Zm9v", "upload:b"}}}, "items[0]", reading);
      },
      ThrowsMessage<Refusal>("[items[0].images[1]] expected the name of an uploaded file, found \"b\""));
  expect_refused({{"image", "upload:a"}},
                 "[input.image] expected an image as base64 or as a data: URI, found \"upload:a\"");
}

/// A list of millions takes much more memory as inputs than as JSON, so its elements must not be read before.
TEST_F(Inputs, ListsAreCountedBeforeTheyAreRead) {
  const Json list(2049, true), chats(2049, Json::array({true}));
  expect_refused(list, "[input] expected at most 2048 inputs, found 2049");
  EXPECT_THAT([&] { read_chats(chats); },
              ThrowsMessage<Refusal>("[messages] expected at most 2048 inputs, found 2049"));
  expect_refused(Json::array(), "[input] expected at least one input, found none");
}

TEST_F(Inputs, TheTimeOfManyPartsIsProportionalToTheirNumber) {
  const Json part = {{"type", "text"}, {"text", std::string(100, 'x')}};
  const Json chat = {{{"role", "user"}, {"content", Json(100'000, part)}}};
  const std::clock_t begin = std::clock();
  EXPECT_EQ(read(chat)[0].input.text->size(), 100'000u * 101 - 1);
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST_F(Inputs, WhatIsWrongIsNamed) {
  expect_refused({{"image", Json::object()}}, "[input.image.url] expected an image, found nothing");
  expect_refused({{"images", "a"}}, "[input.images] expected a list of images, found \"a\"");
  expect_refused({{{"role", "user"}, {"content", 1}}},
                 "[input[0].content] expected a string or a list of parts, found 1");
  expect_refused({{{"role", "user"}, {"content", {{{"type", "audio"}}}}}},
                 "[input[0].content[0].type] expected text or image_url, found \"audio\"");
  expect_refused({{{"role", "user"}, {"content", {{{"type", "text"}}}}}},
                 "[input[0].content[0].text] expected a string, found nothing");
  expect_refused({{{"role", "user"}}}, "[input] expected a text or an image, found neither");
  expect_refused(
      Json::array({Json::array({"a"})}),
      "[input[0]] expected a string, token ids, an object with text or image, or messages, found a list of 1");
}

}  // namespace
}  // namespace e5v::serve
