#include "serve/dialects/own.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class Own : public ServiceTest {
 protected:
  static std::vector<float> vector_of(const Json& data) { return data["embedding"].get<std::vector<float>>(); }
  static std::string other_image() { return e5v::to_base64(read_file(test::golden("images/img15_rgb_336x336.png"))); }
  /// A field of a form, a file of a form, and a form of these.
  static std::string part(const std::string& name, const std::string& content) {
    return "Content-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content;
  }
  static std::string file(const std::string& name, const std::string& content) {
    return "Content-Disposition: form-data; name=\"" + name + "\"; filename=\"f\"\r\n\r\n" + content;
  }
  static std::string form(const std::vector<std::string>& parts) {
    std::string body;
    for (const std::string& one : parts) body += "--B\r\n" + one + "\r\n";
    return body + "--B--\r\n";
  }
  Answer ask_form(const std::string& body) {
    return ask("POST", "/v1/embed", body, {{"Content-Type", "Multipart/Form-Data; boundary=B"}});
  }
};

TEST_F(Own, ItemsHaveOptionsOfTheirOwn) {
  const Answer answer = post(
      "/v1/embed",
      {{"normalize", false},
       {"items",
        {{{"id", "x"}, {"text", "a cat"}, {"dimensions", 8}}, {{"id", 7.0}, {"text", "a cat"}, {"normalize", true}}}}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json json = answer.json();
  EXPECT_EQ(json["data"][0]["id"], "x");
  EXPECT_EQ(json["data"][1]["id"], 7);
  expect_near(vector_of(json["data"][0]),
              embedded({Input::from_text("a cat")}, {.normalize = false, .dimensions = 8})[0]);
  expect_near(vector_of(json["data"][1]), embedded({Input::from_text("a cat")})[0]);
  EXPECT_EQ(json["space"], model()->embedder.fingerprint({.normalize = false, .dimensions = 8}).space());
}

TEST_F(Own, SeveralPromptsOnOneImage) {
  const Json json =
      post("/v1/embed", {{"items", {{{"image", golden_image()}, {"prompts", {"image", "cirr-gallery"}}}}}}).json();
  ASSERT_EQ(json["data"].size(), 2u);
  EXPECT_EQ(json["data"][1]["prompt"], "cirr-gallery");
  EXPECT_EQ(json["data"][1]["index"], 0);
  expect_near(vector_of(json["data"][1]), embedded({golden_image_input()}, {.prompt = "cirr-gallery"})[0]);
}

TEST_F(Own, LinesComeAsVectorsDo) {
  const Answer answer = post("/v1/embed", {{"stream", true}, {"items", {{{"text", "a"}}, {{"text", long_text()}}}}});
  EXPECT_EQ(answer.type, "application/jsonl");
  std::vector<Json> lines;
  for (std::size_t at = 0; at < answer.body.size();) {
    const std::size_t end = answer.body.find('\n', at);
    lines.push_back(Json::parse(answer.body.substr(at, end - at)));
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 3u);
  const Json& good = lines[0]["index"] == 0 ? lines[0] : lines[1];
  const Json& bad = lines[0]["index"] == 0 ? lines[1] : lines[0];
  expect_near(vector_of(good), embedded({Input::from_text("a")})[0]);
  EXPECT_EQ(bad["error"]["code"], 400);
  EXPECT_EQ(lines[2]["done"], true);
  EXPECT_EQ(lines[2]["failed"], 1);
  EXPECT_EQ(answer.log,
            fmt::format(R"("model":"tiny","items":2,"tokens":{})", lines[2]["usage"]["total_tokens"].dump()));
}

TEST_F(Own, LinesDoNotBeginIfAPromptIsUnknown) {
  const Json items = {{{"text", "a"}}, {{"text", "b"}, {"prompt", "none"}}};
  const Answer answer = post("/v1/embed", {{"stream", true}, {"items", items}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"(items[1]: [prompt] \"none\" is no prompt)"));
  EXPECT_EQ(post("/v1/embed", {{"stream", true}, {"prompt", "none"}, {"items", items}}).status, 400);
}

TEST_F(Own, AFormIsAnItemOrARequestWithUploads) {
  const std::string image = *from_base64(golden_image());
  const std::string file =
      "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n" + image + "\r\n";
  const Headers headers = {{"Content-Type", "multipart/form-data; boundary=B"}};
  const std::string item = file +
                           "--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nbut red\r\n"
                           "--B\r\nContent-Disposition: form-data; name=\"dimensions\"\r\n\r\n8\r\n--B--\r\n";
  Input both = golden_image_input();
  both.text = "but red";
  const Answer answer = ask("POST", "/v1/embed", item, headers);
  ASSERT_EQ(answer.status, 200) << answer.body;
  expect_near(vector_of(answer.json()["data"][0]), embedded({both}, {.dimensions = 8})[0]);
  const std::string request = file +
                              "--B\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n"
                              R"({"items": [{"image": "upload:image"}, {"text": "a"}]})"
                              "\r\n--B--\r\n";
  const Json json = ask("POST", "/v1/embed", request, headers).json();
  expect_near(vector_of(json["data"][0]), embedded({golden_image_input()})[0]);
  EXPECT_EQ(json["data"].size(), 2u);
  EXPECT_EQ(ask("POST", "/v1/embed", "junk", headers).status, 400);
}

TEST_F(Own, AFormIsUtf8) {
  const auto message = [&](const std::string& name, const std::string& content) {
    const std::string body =
        "--B\r\nContent-Disposition: form-data; name=text\r\n\r\na\r\n--B\r\nContent-Disposition: " +
        ("form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n--B--\r\n");
    const Answer answer = ask("POST", "/v1/embed", body, {{"Content-Type", "multipart/form-data; boundary=B"}});
    EXPECT_EQ(answer.status, 400);
    return answer.json()["error"]["message"].get<std::string>();
  };
  EXPECT_THAT(message("id", "\xD5"), testing::StartsWith("[id] expected UTF-8, found "));
  EXPECT_THAT(message("\xD5", "8"), testing::StartsWith("[body] expected names of fields in UTF-8, found "));
}

TEST_F(Own, UploadsKeepTheirPlacesAmongTheImagesOfAnItem) {
  const std::string other = other_image();
  const std::string prompt = "<image>\n<image>\nTwo images in one word:";
  const auto request = [&](const Json& images) {
    return form({file("a", *from_base64(golden_image())),
                 part("request", Json{{"items", {{{"images", images}, {"prompt", prompt}}}}}.dump())});
  };
  const Json inline_first = ask_form(request({other, "upload:a"})).json(),
             upload_first = ask_form(request({"upload:a", other})).json();
  const Json first = post("/v1/embed", {{"items", {{{"images", {golden_image(), other}}, {"prompt", prompt}}}}}).json();
  expect_near(vector_of(upload_first["data"][0]), vector_of(first["data"][0]));
  EXPECT_NE(vector_of(inline_first["data"][0]), vector_of(first["data"][0]));
}

TEST_F(Own, FilesOfAFormMayHaveTheSameNameUnlessTheyAreReferredTo) {
  const std::string image = golden_image(), other = other_image(), prompt = "<image><image><image>";
  const std::string first = file("image", *from_base64(image)), second = file("image-2", *from_base64(other));
  const Answer item = ask_form(form({first, second, first, part("prompt", prompt)}));
  ASSERT_EQ(item.status, 200) << item.body;
  const Json expected =
      post("/v1/embed", {{"items", {{{"images", {image, other, image}}, {"prompt", prompt}}}}}).json();
  expect_near(vector_of(item.json()["data"][0]), vector_of(expected["data"][0]));
  const Answer request = ask_form(form({first, first, part("request", R"({"items": [{"text": "a"}]})")}));
  EXPECT_EQ(request.status, 400);
  EXPECT_EQ(request.json()["error"]["message"], "[image] expected one file, found more than one");
}

TEST_F(Own, TheMemoryOfAListOfPromptsIsLimited) {
  std::vector<std::string> prompts(2049, "text");
  const Answer many = post("/v1/embed", {{"items", {{{"text", "a"}, {"prompts", prompts}}}}});
  EXPECT_EQ(many.status, 400);
  EXPECT_THAT(many.body, HasSubstr("[items] expected at most 2048 inputs, found 2049"));
  prompts.resize(258);
  const std::string text(std::size_t{1} << 20, 'x');
  const char* const message =
      "[items[0]] expected at most 268435456 bytes of repeated images, texts and ids in a request, found 269";
  for (Json item : {Json{{"image", e5v::to_base64(text)}}, Json{{"text", text}}, Json{{"text", "a"}, {"id", text}}}) {
    item["prompts"] = prompts;
    const Answer copies = post("/v1/embed", {{"items", {item}}});
    EXPECT_EQ(copies.status, 400);
    EXPECT_THAT(copies.body, HasSubstr(message));
  }
  EXPECT_EQ(post("/v1/embed", {{"items", {{{"text", "a"}, {"prompts", {std::string(65537, 'x')}}}}}})
                .json()["error"]["message"],
            "[items[0].prompts] expected a prompt of at most 65536 bytes, found 65537");
}

TEST_F(Own, TheMemoryOfUploadsThatAreUsedOftenIsLimited) {
  const auto answer = [&](std::size_t uses) {
    const Json items = {{{"text", "a"}}, {{"images", std::vector<std::string>(uses, "upload:a")}}};
    return ask_form(form({file("a", std::string(std::size_t{1} << 20, 'x')),
                          part("request", Json{{"items", items}}.dump())}))
        .json()["error"]["message"]
        .get<std::string>();
  };
  EXPECT_EQ(answer(258),
            "[items[1]] expected at most 268435456 bytes of repeated images, texts and ids in a request, found "
            "269484032");
  EXPECT_THAT(answer(2), testing::StartsWith("items[1]: [prompt image] has 1 slot for images, the input has 2"));
}

/// Vectors are written as text on threads of the server, so that the compute thread can continue.
TEST_F(Own, LinesAreDeferred) {
  struct Keeper : AnswerKeeper {
    void defer(std::function<void()> work) override {
      const std::lock_guard lock(mutex);
      works.push_back(std::move(work));
      if (works.size() == 2) all.set_value();
    }
    std::mutex mutex;
    std::vector<std::function<void()>> works;
    std::promise<void> all;
  };
  const auto keeper = std::make_shared<Keeper>();
  std::future<Answer> answer = keeper->answer();
  http::Request request{.method = "POST", .path = "/v1/embed"};
  request.body = R"({"stream": true, "items": [{"text": "a"}, {"text": "b"}]})";
  service_.handle(std::move(request), keeper);
  ASSERT_EQ(keeper->all.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  for (const auto& work : keeper->works) work();
  const Answer done = answer.get();
  EXPECT_THAT(done.body, HasSubstr("{\"done\":true,\"failed\":0"));
  EXPECT_EQ(std::ranges::count(done.body, '\n'), 3);
}

TEST_F(Own, AFormHasEachFieldOnce) {
  const std::string unknown = "--B\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\n8\r\n";
  const std::string text = "--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\n";
  const Headers headers = {{"Content-Type", "multipart/form-data; boundary=B"}};
  EXPECT_EQ(ask("POST", "/v1/embed", unknown + unknown + text + "--B--\r\n", headers).status, 200);  // ignored
  for (const std::string name : {"text", "dimensions"}) {
    const std::string part = "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n8\r\n";
    const Answer answer = ask("POST", "/v1/embed", part + part + "--B--\r\n", headers);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json()["error"]["message"], "[" + name + "] expected one field, found more than one");
  }
}

TEST_F(Own, TheRequestOfAFormIsAnObject) {
  const std::string form =
      "--B\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n[]\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--B--\r\n";
  const Answer answer = ask("POST", "/v1/embed", form, {{"Content-Type", "multipart/form-data; boundary=B"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["message"], "[request] expected an object, found a list of 0");
}

TEST_F(Own, WhatIsWrongIsNamed) {
  const auto message = [&](const Json& body) {
    const Answer answer = post("/v1/embed", body);
    EXPECT_EQ(answer.status, 400);
    return answer.json()["error"]["message"].get<std::string>();
  };
  EXPECT_EQ(message(Json::object()), "[items] expected a list of objects, found nothing");
  EXPECT_EQ(message({{"items", {1}}}), "[items[0]] expected an object, found 1");
  EXPECT_EQ(message({{"items", {{{"text", "a"}, {"id", 1.5}}}}}),
            "[items[0].id] expected a string or a whole number, found 1.5");
  EXPECT_EQ(message({{"items", {{{"image", "upload:x"}}}}}),
            "[items[0].image] expected the name of an uploaded file, found \"x\"");
  EXPECT_EQ(message({{"items", {{{"text", "a"}, {"prompt", "x"}, {"prompts", {"y"}}}}}}),
            "[items[0].prompts] expected prompt or prompts, found both");
  EXPECT_EQ(message({{"items", {{{"text", "a"}, {"prompts", std::vector<std::string>(3000, "text")}}}}}),
            "[items] expected at most 2048 inputs, found 3000");
  EXPECT_THAT(message({{"items", {{{"text", "a"}, {"prompt", "x"}}}}}),
              HasSubstr("items[0]: [prompt] \"x\" is no prompt"));
}

}  // namespace
}  // namespace e5v::serve
