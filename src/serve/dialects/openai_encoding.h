#pragma once
#include <string>
#include <string_view>

#include "http/message.h"
#include "serve/embedding_call.h"
#include "serve/object_reader.h"
#include "serve/vector_encoding.h"

/// How answers in the dialects of OpenAI and vLLM hold vectors.
namespace e5v::serve {

/// What a request asks for.
struct Encoding {
  enum class Form { numbers, base64, bytes, bytes_only } form = Form::numbers;
  NumberType type = NumberType::float32;
  ByteOrder order = ByteOrder::little;
  std::string type_name = "float32", order_name = "native";

  /// Whether the body of the answer is the bytes of the vectors, not JSON.
  bool is_bytes() const { return form == Form::bytes || form == Form::bytes_only; }
};

/// The fields encoding_format, embed_dtype and endianness. Throws a Refusal.
Encoding encoding_of(const ObjectReader& body);

/// Throws a Refusal if the header field of bytes_answer() cannot describe this number of inputs.
void check_inputs(const Encoding& encoding, std::size_t inputs);

/// Appends a vector as a JSON value: a list of numbers, or their bytes as base64. The encoding must not be bytes.
void append_value(std::string& out, std::span<const float> vector, const Encoding& encoding);

/// vLLM's answer in bytes: the vectors one after another, and, unless only bytes are wanted, what they are in the
/// header field "metadata". `prefix` is that of the answer's id.
http::Response bytes_answer(const EmbeddingCall& call, const EmbeddedCall& embedded, const Encoding& encoding,
                            std::string_view prefix);

}  // namespace e5v::serve
