#pragma once
#include <gmock/gmock.h>

#include <future>
#include <map>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "serve/service.h"

namespace e5v::serve {

/// An answer as a client has it.
struct Answer {
  int status = 0;
  std::string type = {}, body = {}, log = {};
  http::Fields fields = {};
  Json json() const { return Json::parse(body); }
};

/// Keeps what is answered, in whole or in pieces.
class AnswerKeeper : public http::Responder {
 public:
  void send(http::Response response) override { finish(response, response.body); }
  std::shared_ptr<http::BodyStream> begin(http::Response head) override {
    struct Stream : http::BodyStream {
      Stream(AnswerKeeper& owner, http::Response head) : keeper(owner), response(std::move(head)) {}
      void write(std::string bytes) override { body += bytes; }
      void set_log(std::string log) override { response.log = std::move(log); }
      void end() override { keeper.finish(response, body); }
      AnswerKeeper& keeper;
      http::Response response;
      std::string body;
    };
    return std::make_shared<Stream>(*this, std::move(head));
  }
  void defer(std::function<void()> work) override { work(); }
  std::future<Answer> answer() { return promise_.get_future(); }

 private:
  void finish(const http::Response& response, const std::string& body) {
    promise_.set_value({response.status, response.type, body, response.log, response.fields});
  }
  std::promise<Answer> promise_;
};

/// A service with the small golden model, and a client of it without a network.
class ServiceTest : public testing::Test {
 protected:
  using Headers = std::map<std::string, std::string>;

  static std::shared_ptr<ServedModel> model() {
    static const std::shared_ptr<ServedModel> instance =
        load({{"tiny", "text-embedding-3-small"}, test::golden("ckpt/tiny-small-f32"), {.threads = 1}, {}});
    return instance;
  }
  explicit ServiceTest(const ServiceOptions& options = {})
      : service_(options, [this](const std::string& line) { log_.push_back(line); }) {
    service_.add(model());
    service_.ready();
  }

  Answer ask(const std::string& method, const std::string& path, const std::string& body = "", Headers headers = {}) {
    const std::size_t question = std::min(path.find('?'), path.size());
    http::Request request{.method = method, .path = path.substr(0, question), .address = "127.0.0.1", .id = "id-1"};
    if (question < path.size()) request.query = path.substr(question + 1);
    if (method == "POST") headers.try_emplace("Content-Type", "application/json");
    for (const auto& [name, value] : headers) request.fields.add(name, value);
    auto admitted = service_.admit(request);
    if (auto* refusal = std::get_if<http::Response>(&admitted))
      return {refusal->status, refusal->type, refusal->body, refusal->log, refusal->fields};
    if (body.size() > std::get<http::BodyLimit>(admitted).bytes) return {.status = 413};
    request.body = body;
    const auto keeper = std::make_shared<AnswerKeeper>();
    std::future<Answer> answer = keeper->answer();
    service_.handle(std::move(request), keeper);
    return answer.get();
  }
  Answer post(const std::string& path, const Json& body, const Headers& headers = {}) {
    return ask("POST", path, body.dump(), headers);
  }

  /// The vectors that the library gives for these inputs together.
  static std::vector<std::vector<float>> embedded(const std::vector<Input>& inputs, const RunOptions& run = {}) {
    const Embeddings all = model()->embedder.embed(inputs, run);
    std::vector<std::vector<float>> vectors;
    for (std::int64_t i = 0; i < all.size(); ++i) vectors.emplace_back(all.row(i).begin(), all.row(i).end());
    return vectors;
  }
  static void expect_near(const std::vector<float>& found, const std::vector<float>& expected) {
    EXPECT_THAT(found, testing::Pointwise(testing::FloatNear(1e-6f), expected));
  }

  Service service_;
  std::vector<std::string> log_;
};

/// A small photo of the goldens, as base64.
inline std::string golden_image() { return e5v::to_base64(read_file(test::golden("images/img18_dark_90x60.png"))); }
/// A text that the model's context does not hold.
inline std::string long_text() {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += "a ";
  return text;
}
inline Input golden_image_input() { return Input::from_image(test::golden("images/img18_dark_90x60.png")); }

}  // namespace e5v::serve
