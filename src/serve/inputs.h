#pragma once
#include <string>
#include <vector>

#include "serve/images.h"
#include "serve/model_set.h"
#include "serve/object_reader.h"

/// What requests call inputs, in the forms that several dialects share.
namespace e5v::serve {

/// An input and where it stands in the request.
struct NamedInput {
  Input input;
  std::string field;
};

/// How inputs are read.
struct InputReading {
  const ServedModel& model;
  const ImagePolicy& images;
  /// What a string is: a text, or an image (infinity's "modality": "image").
  bool strings_are_images = false;
};

/// The value of "input" of an OpenAI request: a string, a list of strings, token ids, a list of lists of these, objects
/// {"text"?, "image"?} (Jina, SGLang), or lists of messages (vLLM). Throws a Refusal.
std::vector<NamedInput> inputs_of(const Json& value, const std::string& field, const InputReading& reading);

/// One input: an element of such a list. Throws a Refusal.
Input input_of(const Json& value, const std::string& field, const InputReading& reading);

/// The value of "messages" of a vLLM request: a chat, or a list of chats. Throws a Refusal.
std::vector<NamedInput> chats_of(const Json& value, const std::string& field, const InputReading& reading);

/// {"text"?, "image"?, "images"?, "prompt"?}. An image is what image_of() takes, or an object with that under "url".
Input input_from_object(const Json& object, const std::string& field, const InputReading& reading);

/// A chat: [{"role", "content"}]. The texts and images of all messages, in their order; the texts are joined by a line
/// end. A content is a string or a list of parts {"type": "text", "text"} and {"type": "image_url", "image_url":
/// {"url"}}.
Input input_from_messages(const Json& messages, const std::string& field, const InputReading& reading);

/// Token ids. Throws a Refusal for a list of anything else.
std::vector<std::int64_t> token_ids_of(const Json& list, const std::string& field);

/// The content of one message, added to an input.
void add_content(Input& input, const Json& content, const std::string& field, const InputReading& reading);

}  // namespace e5v::serve
