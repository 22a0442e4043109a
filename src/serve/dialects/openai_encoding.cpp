#include "serve/dialects/openai_encoding.h"

#include "serve/refusal.h"
#include "serve/route.h"

namespace e5v::serve {

/// The maximum number of inputs of an answer in bytes. The header field "metadata" has about 110 bytes for each, and
/// HTTP libraries refuse fields of 64 KiB.
constexpr std::size_t kMaxDescribed = 512;

Encoding encoding_of(const ObjectReader& body) {
  Encoding encoding;
  const std::string form = body.choice("encoding_format", {"float", "base64", "bytes", "bytes_only"}).value_or("float");
  encoding.form = form == "base64"  ? Encoding::Form::base64
                  : form == "bytes" ? Encoding::Form::bytes
                  : form == "float" ? Encoding::Form::numbers
                                    : Encoding::Form::bytes_only;
  if (auto type = body.choice("embed_dtype", {"float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2"})) {
    encoding.type = *number_type_of(*type);
    encoding.type_name = *type;
  }
  if (auto order = body.choice("endianness", {"native", "little", "big"})) {
    encoding.order = *order == "big" ? ByteOrder::big : ByteOrder::little;
    encoding.order_name = *order;
  }
  return encoding;
}

void check_inputs(const Encoding& encoding, std::size_t inputs) {
  if (encoding.form == Encoding::Form::bytes && inputs > kMaxDescribed)
    refuse_field("encoding_format", "expected at most {} inputs with bytes, found {}; bytes_only allows more",
                 kMaxDescribed, inputs);
}

void append_value(std::string& out, std::span<const float> vector, const Encoding& encoding) {
  if (encoding.form == Encoding::Form::numbers) return append_json(out, vector);
  out += '"' + to_base64(vector, encoding.type, encoding.order) + '"';
}

http::Response bytes_answer(const EmbeddingCall& call, const EmbeddedCall& embedded, const Encoding& encoding,
                            std::string_view prefix) {
  http::Response response{.type = "application/octet-stream"};
  Json data = Json::array();
  for (std::size_t i = 0; i < embedded.vectors.size(); ++i) {
    const std::size_t start = response.body.size();
    append_bytes(response.body, embedded.vectors[i].vector, encoding.type, encoding.order);
    data.push_back({{"index", i},
                    {"embed_dtype", encoding.type_name},
                    {"endianness", encoding.order_name},
                    {"start", start},
                    {"end", response.body.size()},
                    {"shape", {embedded.vectors[i].vector.size()}}});
  }
  if (encoding.form == Encoding::Form::bytes_only) return response;
  const Json metadata = {{"id", new_id(prefix)},
                         {"created", now_in_seconds()},
                         {"model", call.model->name},
                         {"data", std::move(data)},
                         {"usage", {{"prompt_tokens", embedded.tokens}, {"total_tokens", embedded.tokens}}}};
  response.fields.add("metadata", metadata.dump());
  return response;
}

}  // namespace e5v::serve
