#pragma once
#include <map>
#include <string>
#include <vector>

#include "serve/images.h"
#include "serve/model_set.h"
#include "serve/object_reader.h"

/// Readers of inputs in the formats that several dialects share.
namespace e5v::serve {

/// An input and its field in the request.
struct NamedInput {
  RequestInput input;
  std::string field;
};

/// The files of a form by their names.
using Uploads = std::map<std::string, SharedFile, std::less<>>;
inline constexpr std::string_view kUpload = "upload:";

/// The options for reading inputs.
struct InputReading {
  const ServedModel& model;
  const ImagePolicy& images;
  /// The maximum length of a list of inputs. It is checked before the elements are read.
  std::size_t max_items = 2048;
  /// Whether a string is an image (infinity's "modality": "image") instead of a text.
  bool strings_are_images = false;
  /// The files that "upload:NAME" refers to in the fields "image" and "images" of an object. Null: there are none, and
  /// such a text is no image.
  const Uploads* uploads = nullptr;
};

/// Reads "input" of an OpenAI request: a string, a list of strings, token ids, a list of lists of these, objects
/// {"text"?, "image"?} (Jina, SGLang), or lists of messages (vLLM). Throws a Refusal.
std::vector<NamedInput> inputs_of(const Json& value, const std::string& field, const InputReading& reading);

/// Reads one element of such a list. Throws a Refusal.
RequestInput input_of(const Json& value, const std::string& field, const InputReading& reading);

/// Reads "messages" of a vLLM request: a chat, or a list of chats. Throws a Refusal.
std::vector<NamedInput> chats_of(const Json& value, const std::string& field, const InputReading& reading);

/// Reads {"text"?, "image"?, "images"?, "prompt"?}. An image has a form that add_image() accepts, or is an object
/// with the key "url".
RequestInput input_from_object(const Json& object, const std::string& field, const InputReading& reading);

/// Reads a chat: [{"role", "content"}]. The input has the texts and images of all messages in their order; the texts
/// are joined by line ends. A content is a string or a list of parts {"type": "text", "text"} and {"type": "image_url",
/// "image_url": {"url"}}.
RequestInput input_from_messages(const Json& messages, const std::string& field, const InputReading& reading);

/// Reads token ids. Throws a Refusal for other elements.
std::vector<std::int64_t> token_ids_of(const Json& list, const std::string& field);

/// Adds the content of one message to an input.
void add_content(RequestInput& input, const Json& content, const std::string& field, const InputReading& reading);

}  // namespace e5v::serve
