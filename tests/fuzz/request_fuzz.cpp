// Any bytes are a request that gets a vector, or an error that names what was expected: a line with a word and a path,
// a line with the Content-Type, the body. After the word "compute", vectors of short texts are computed; after
// "leave", the client goes away while they are; after any other word, it has gone before.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "json_mutator.h"
#include "serve/service.h"

namespace {

using e5v::Json;
using namespace e5v::http;
using namespace e5v::serve;

/// No image is computed: it counts as more tokens than the queue holds.
constexpr std::int64_t kQueueTokens = 512;

struct Answer {
  int status = 0;
  std::string type, body;
};

/// Keeps an answer, in whole or in pieces.
class AnswerKeeper : public Responder {
 public:
  void send(Response response) override { promise_.set_value({response.status, response.type, response.body}); }
  std::shared_ptr<BodyStream> begin(Response head) override {
    struct Stream : BodyStream {
      Stream(AnswerKeeper& owner, const Response& head) : keeper(owner), answer{head.status, head.type, ""} {}
      void write(std::string bytes) override { answer.body += bytes; }
      void set_log(std::string) override {}
      void end() override { keeper.promise_.set_value(std::move(answer)); }
      AnswerKeeper& keeper;
      Answer answer;
    };
    return std::make_shared<Stream>(*this, head);
  }
  void defer(std::function<void()> work) override { work(); }
  std::future<Answer> answer() { return promise_.get_future(); }

 private:
  std::promise<Answer> promise_;
};

Service& service() {
  static Service* instance = [] {
    // It lives as long as the process, whose end does not wait for the threads of the model.
    auto* made = new Service({}, nullptr);
    made->add(load({{"tiny"},
                    E5V_GOLDEN_DIR "/ckpt/tiny-small-f32",
                    {.device = "cpu", .threads = 1, .queue = {.tokens = kQueueTokens, .cache_bytes = 0}},
                    {}}));
    made->ready();
    return made;
  }();
  return *instance;
}

void require_that(bool condition) {
  if (!condition) std::abort();
}

std::string_view take_line(std::string_view& bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
  return line;
}

void check(const Answer& answer) {
  if (answer.status < 200 || answer.status == 500) {
    std::fprintf(stderr, "status %d: %s\n", answer.status, answer.body.c_str());
    std::abort();
  }
  if (answer.type == "application/json") {
    const Json body = Json::parse(answer.body);  // its exception ends the process
    require_that(answer.status == 200 || (body.is_object() && (body.contains("error") || body.contains("message"))));
  } else if (answer.type == "application/jsonl") {
    std::string_view lines = answer.body;
    while (!lines.empty()) require_that(Json::parse(take_line(lines)).is_object());
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t longest);

/// Half of the mutations change a value of the body, the others change bytes.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t longest,
                                               unsigned seed) {
  constexpr std::string_view kKeys[] = {"model",
                                        "input",
                                        "messages",
                                        "items",
                                        "inputs",
                                        "texts",
                                        "images",
                                        "image",
                                        "text",
                                        "content",
                                        "prompt",
                                        "prompts",
                                        "type",
                                        "id",
                                        "image_url",
                                        "url",
                                        "queries",
                                        "documents",
                                        "query",
                                        "stream",
                                        "normalize",
                                        "dimensions",
                                        "truncate",
                                        "max_tiles",
                                        "priority",
                                        "timeout_ms",
                                        "encoding_format",
                                        "embed_dtype",
                                        "input_type",
                                        "parameters",
                                        "sentences",
                                        "source_sentence",
                                        "prompt_string",
                                        "multimodal_data",
                                        "tokens",
                                        "top_n",
                                        "modality",
                                        "encoding",
                                        "embedding_types",
                                        "max_tokens",
                                        "embd_normalize",
                                        "prompt_name"};
  std::mt19937 random(seed);
  std::string_view body(reinterpret_cast<const char*>(data), size);
  take_line(body);
  take_line(body);
  Json document = random() % 2 == 0 ? Json::parse(body, nullptr, false) : Json(Json::value_t::discarded);
  if (document.is_discarded()) return LLVMFuzzerMutate(data, size, longest);
  e5v::fuzz::mutate(document, random, kKeys);
  const std::string mutated = document.dump();
  const std::size_t head = size - body.size();
  if (head + mutated.size() > longest) return LLVMFuzzerMutate(data, size, longest);
  std::copy(mutated.begin(), mutated.end(), data + head);
  return head + mutated.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view first = take_line(bytes);
  const std::size_t blank = std::min(first.find(' '), first.size());
  std::stop_source client;
  const std::string_view word = first.substr(0, blank);
  if (word != "compute" && word != "leave") client.request_stop();
  Request request{.method = "POST",
                  .path = std::string(first.substr(std::min(blank + 1, first.size()))),
                  .address = "127.0.0.1",
                  .id = "id",
                  .gone = client.get_token()};
  request.fields.add("Content-Type", std::string(take_line(bytes)));
  const auto admitted = service().admit(request);
  if (const auto* refusal = std::get_if<Response>(&admitted)) {
    check({refusal->status, refusal->type, refusal->body});
    return 0;
  }
  request.body = bytes;
  const auto keeper = std::make_shared<AnswerKeeper>();
  std::future<Answer> answer = keeper->answer();
  service().handle(std::move(request), keeper);
  if (word == "leave") client.request_stop();
  check(answer.get());
  return 0;
}
