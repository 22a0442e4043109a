#include "serve/dialects/own.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <mutex>
#include <set>

#include "base/file.h"
#include "http/multipart.h"
#include "serve/dialects/openai.h"
#include "serve/inputs.h"
#include "serve/object_reader.h"
#include "serve/request_options.h"
#include "serve/vector_encoding.h"

namespace e5v::serve {
namespace {

/// The members of an item's result in addition to its vector.
struct Label {
  std::size_t index = 0;  ///< the index of the item in the request
  Json id;                ///< the id in the request, or null
  Json prompt;            ///< the prompt if the item has several, or null
};

struct OwnCall {
  EmbeddingCall call;
  std::vector<Label> labels = {};
  bool base64 = false, stream = false;
};

RequestOptions item_options(const RequestOptions& common, const ObjectReader& item, const ServedModel& model) {
  RequestOptions options = common;
  const RequestOptions own = options_of(item, model);
  if (item.has("normalize")) options.run.normalize = own.run.normalize;
  if (item.has("dimensions")) options.run.dimensions = own.run.dimensions;
  if (item.has("truncate")) options.prepare.truncate = own.prepare.truncate;
  if (item.has("max_tiles")) options.prepare.max_tiles = own.prepare.max_tiles;
  return options;
}

/// Returns the list "prompts" of an item. Without it, the list has one element without a value, for the item's own
/// prompt.
std::vector<std::optional<std::string>> prompts_of(const ObjectReader& item, std::size_t max_items) {
  const Json* list = item.find("prompts");
  if (list == nullptr) return {std::nullopt};
  const std::string field = item.name_of("prompts");
  if (item.has("prompt")) refuse_field(field, "expected prompt or prompts, found both");
  if (!list->is_array() || list->empty())
    refuse_field(field, "expected a list of prompts, found {}", found_text(*list));
  check_count(list->size(), max_items, "items");
  std::vector<std::optional<std::string>> prompts;
  for (const Json& prompt : *list) prompts.emplace_back(prompt_of(prompt, field));
  return prompts;
}

Json id_of(const ObjectReader& item) {
  const Json* id = item.find("id");
  if (id == nullptr) return nullptr;
  const bool whole = id->is_number() && std::trunc(id->get<double>()) == id->get<double>();
  if (!id->is_string() && !whole)
    refuse_field(item.name_of("id"), "expected a string or a whole number, found {}", found_text(*id));
  return *id;
}

/// Counts the bytes that the inputs of a request copy (kMaxCopies).
class CopiedBytes {
 public:
  /// Counts an input that is used this many times, and its id.
  void add(const RequestInput& input, const Json& id, std::size_t uses) {
    std::size_t bytes = input.text ? input.text->size() : 0;
    if (id.is_string()) bytes += id.get_ref<const std::string&>().size();
    for (const RequestImage& image : input.images) {
      bytes += sizeof(image) + image.field.size() + image.url.size();
      if (image.file) total_ += image.file->size() * (files_.insert(image.file.get()).second ? uses - 1 : uses);
    }
    total_ += bytes * (uses - 1);
  }
  std::size_t total() const { return total_; }

 private:
  std::set<const std::string*> files_;  // of inputs that were counted
  std::size_t total_ = 0;
};

OwnCall read_call(const Exchange& exchange, const Json& json, const Uploads& uploads) {
  const ObjectReader body(json);
  OwnCall own{.call = call_of(exchange, body.text("model").value_or(""))};
  own.call.priority = static_cast<int>(body.whole("priority", -1000, 1000).value_or(0));
  if (const auto limit = body.whole("timeout_ms", 1, 86'400'000))
    own.call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(*limit);
  own.base64 = body.choice("encoding", {"float", "base64"}).value_or("float") == "base64";
  own.stream = body.flag("stream").value_or(false);
  const ServedModel& model = *own.call.model;
  const RequestOptions common = options_of(body, model);
  const Json* items = body.find("items");
  if (items == nullptr || !items->is_array())
    refuse_field("items", "expected a list of objects, found {}", items == nullptr ? "nothing" : found_text(*items));
  const InputReading reading{.model = model, .images = exchange.context.images, .uploads = &uploads};
  const std::size_t max_copied = kMaxCopies * reading.images.max_bytes;
  CopiedBytes copied;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const std::string field = fmt::format("items[{}]", i);
    const ObjectReader item((*items)[i], field);
    const RequestOptions options = item_options(common, item, model);
    RequestInput input = input_from_object((*items)[i], field, reading);
    const Json id = id_of(item);
    const std::vector<std::optional<std::string>> prompts = prompts_of(item, exchange.context.max_items);
    check_count(own.call.items.size() + prompts.size(), exchange.context.max_items, "items");
    copied.add(input, id, prompts.size());
    if (copied.total() > max_copied)
      refuse_field(field, "expected at most {} bytes of repeated images, texts and ids in a request, found {}",
                   max_copied, copied.total());
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      const bool last = p + 1 == prompts.size();
      Item& added =
          own.call.items.emplace_back(Item{last ? std::move(input) : input, options.run, options.prepare, field});
      if (prompts[p]) added.input.prompt = prompts[p];
      own.labels.push_back({i, id, prompts[p] ? Json(*prompts[p]) : Json()});
    }
  }
  check_count(own.call.items.size(), exchange.context.max_items, "items");
  return own;
}

void append_label(std::string& out, const Label& label) {
  out += fmt::format(R"({{"index":{})", label.index);
  if (!label.id.is_null()) out += ",\"id\":" + label.id.dump();
  if (!label.prompt.is_null())
    out += ",\"prompt\":" + label.prompt.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_own_vector(std::string& out, const Label& label, const EmbeddedInput& input, bool base64) {
  append_label(out, label);
  out += fmt::format(R"(,"tokens":{},"fingerprint":"{}","embedding":)", input.tokens, input.fingerprint->id());
  if (base64) {
    out += '"' + to_base64(input.vector) + '"';
  } else {
    append_json(out, input.vector);
  }
  out += '}';
}

/// The members of a response that describe the model and the vector space.
std::string head_of(const EmbeddingCall& call, const EmbeddedCall& embedded) {
  const EmbeddedInput& first = embedded.vectors.front();
  return fmt::format(R"("model":{},"space":"{}","compute":"{}")", Json(call.model->name).dump(),
                     first.fingerprint->space(), first.fingerprint->compute);
}

void answer_at_once(Exchange exchange, OwnCall own) {
  embed_and_answer(
      std::move(exchange), std::move(own.call),
      [labels = std::move(own.labels), base64 = own.base64](const EmbeddingCall& done, const EmbeddedCall& embedded) {
        std::string body = "{" + head_of(done, embedded) + ",\"data\":[";
        for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
          if (i > 0) body += ',';
          append_own_vector(body, labels[i], embedded.vectors[i], base64);
        }
        return http::Response{.body = body + fmt::format(R"(],"usage":{{"total_tokens":{}}}}})", embedded.tokens)};
      });
}

/// Refuses a request that names an unknown prompt: its lines must not begin.
void check_prompts(const EmbeddingCall& call) {
  std::set<std::string_view> checked;
  for (const Item& item : call.items) {
    RunOptions run = item.run;
    const std::string& prompt = item.input.prompt ? *item.input.prompt : item.run.prompt;
    if (prompt.empty() || !checked.insert(prompt).second) continue;
    run.prompt = prompt;
    try {
      call.model->embedder.fingerprint(run, item.prepare);
    } catch (const InvalidInput& error) {
      throw Refusal(400, item.field.empty() ? error.what() : fmt::format("{}: {}", item.field, error.what()),
                    item.field);
    }
  }
}

/// Responds with JSON Lines: one line per vector when it is computed, and a last line. Threads of the server write the
/// lines.
void answer_line_by_line(const Exchange& exchange, OwnCall own) {
  struct State {
    std::mutex mutex;  // protects the members below
    std::shared_ptr<http::BodyStream> stream;
    std::shared_ptr<const ServedModel> model;
    std::vector<Label> labels;
    std::size_t left = 0, failed = 0;
    std::int64_t tokens = 0;
    bool base64 = false;
    std::string log() const { return log_of(model->name, labels.size(), tokens); }
  };
  check_prompts(own.call);
  const auto state = std::make_shared<State>();
  state->model = own.call.model;
  state->labels = std::move(own.labels);
  state->left = state->labels.size();
  state->base64 = own.base64;
  state->stream = exchange.responder->begin({.type = "application/jsonl", .log = state->log()});
  const auto write = [state](std::size_t i, const EmbeddedInput& vector, const std::exception_ptr& error) {
    const std::lock_guard lock(state->mutex);
    std::string line;
    if (error) {
      const Fault fault = fault_of(error);
      append_label(line, state->labels[i]);
      line += fmt::format(R"(,"error":{{"code":{},"message":{}}}}})", fault.status,
                          Json(fault.message).dump(-1, ' ', false, Json::error_handler_t::replace));
      ++state->failed;
    } else {
      append_own_vector(line, state->labels[i], vector, state->base64);
      state->tokens += vector.tokens;
    }
    state->stream->write(line + "\n");
    if (--state->left > 0) return;
    state->stream->write(fmt::format("{{\"done\":true,\"failed\":{},\"usage\":{{\"total_tokens\":{}}}}}\n",
                                     state->failed, state->tokens));
    state->stream->set_log(state->log());
    state->stream->end();
  };
  embed_each(std::move(own.call), [write, responder = exchange.responder](std::size_t i, EmbeddedInput vector,
                                                                          const std::exception_ptr& error) {
    responder->defer([write, i, vector = std::move(vector), error] { write(i, vector, error); });
  });
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

void add_once(Json& object, const std::string& name, Json value) {
  if (object.contains(name)) refuse_field(name, "expected one field, found more than one");
  object[name] = std::move(value);
}

/// Converts a field of a form to a JSON value.
Json value_of(std::string_view name, std::string_view text) {
  if (is_one_of(name, {"normalize", "truncate", "stream"})) {
    if (text == "true" || text == "false") return text == "true";
  } else if (is_one_of(name, {"dimensions", "max_tiles", "priority", "timeout_ms"})) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  return text;
}

void add_upload(Uploads& uploads, const std::string& name, std::string_view content) {
  if (!uploads.emplace(name, std::make_shared<const std::string>(content)).second)
    refuse_field(name, "expected one file, found more than one");
}

/// Converts a form to a request: the JSON of its field "request", or one item of its fields and files.
Json request_of_form(const std::vector<http::FormPart>& parts, Uploads& uploads) {
  Json request = Json::object(), item = Json::object(), images = Json::array();
  std::optional<Json> form_request;
  std::vector<const http::FormPart*> files;
  for (const http::FormPart& part : parts) {
    if (!is_valid_utf8(part.name))
      throw Refusal(400, fmt::format("[body] expected names of fields in UTF-8, found {}", in_quotes(part.name, 60)));
    if (part.name == "request") {
      form_request = parse_json(part.content, "request");
      if (!form_request->is_object())
        refuse_field("request", "expected an object, found {}", found_text(*form_request));
    } else if (!part.filename.empty() || part.name == "image" || part.name == "images") {
      files.push_back(&part);
    } else if (!is_valid_utf8(part.content)) {
      refuse_field(part.name, "expected UTF-8, found {}", in_quotes(part.content, 60));
    } else if (is_one_of(part.name, {"text", "prompt", "id"})) {
      add_once(item, part.name, part.content);
    } else if (is_one_of(part.name, {"model", "encoding", "normalize", "truncate", "stream", "dimensions", "max_tiles",
                                     "priority", "timeout_ms"})) {
      add_once(request, part.name, value_of(part.name, part.content));
    }
  }
  if (form_request) {
    for (const http::FormPart* file : files) add_upload(uploads, file->name, file->content);
    return std::move(*form_request);
  }
  for (const http::FormPart* file : files) {  // their fields may have the same name
    const std::string name = std::to_string(images.size());
    add_upload(uploads, name, file->content);
    images.push_back(std::string(kUpload) + name);
  }
  if (!images.empty()) item["images"] = std::move(images);
  request["items"] = Json::array({std::move(item)});
  return request;
}

void answer_own(Exchange exchange) {
  Uploads uploads;
  Json request;
  const std::string_view type = exchange.request.fields.find("content-type");
  if (http::media_type(type) == "multipart/form-data") {
    const auto parts = http::parse_form(type, exchange.request.body);
    if (!parts) throw Refusal(400, "[body] expected multipart/form-data with the boundary of its Content-Type");
    request = request_of_form(*parts, uploads);
  } else {
    request = body_of(exchange);
  }
  OwnCall own = read_call(exchange, request, uploads);
  if (own.stream) return answer_line_by_line(exchange, std::move(own));
  answer_at_once(std::move(exchange), std::move(own));
}

}  // namespace

std::vector<Route> own_routes() {
  return {{.method = "POST",
           .path = "/v1/embed",
           .answer = answer_own,
           .error = openai_error,
           .takes_forms = true,
           .summary =
               "Embeds items with prompts and options of their own, uploads, and answers line by line: e5v's dialect",
           .request_schema = "EmbedRequest",
           .response_schema = "EmbedResponse",
           .other_response_type = "application/jsonl"}};
}

}  // namespace e5v::serve
