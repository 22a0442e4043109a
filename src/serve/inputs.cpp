#include "serve/inputs.h"

#include <algorithm>

#include "serve/refusal.h"
#include "serve/request_options.h"

namespace e5v::serve {
namespace {

std::string element(const std::string& field, std::size_t index) { return fmt::format("{}[{}]", field, index); }

bool are_ids(const Json& list) {
  return !list.empty() && std::ranges::all_of(list, [](const Json& value) { return whole_number(value).has_value(); });
}

bool are_messages(const Json& list) {
  return !list.empty() &&
         std::ranges::all_of(list, [](const Json& value) { return value.is_object() && value.contains("role"); });
}

void add_text(RequestInput& input, const std::string& text) {
  if (!input.text) {
    input.text = text;
  } else {
    *input.text += '\n';
    *input.text += text;
  }
}

RequestInput from_string(const std::string& text, const std::string& field, const InputReading& reading) {
  if (!reading.strings_are_images) return RequestInput::from_text(text);
  RequestInput input;
  add_image(input, text, field, reading.images);
  return input;
}

/// Adds an image of the request or of its form.
void add_given_image(RequestInput& input, const std::string& text, const std::string& field,
                     const InputReading& reading) {
  if (reading.uploads == nullptr || !text.starts_with(kUpload)) return add_image(input, text, field, reading.images);
  const std::string_view name = std::string_view(text).substr(kUpload.size());
  const auto found = reading.uploads->find(name);
  if (found == reading.uploads->end())
    refuse_field(field, "expected the name of an uploaded file, found {}", in_quotes(name, 60));
  input.images.push_back({.file = found->second, .field = field});
}

/// Adds an image: a string, or an object with the key "url".
void add_image_of(RequestInput& input, const Json& value, const std::string& field, const InputReading& reading) {
  if (!value.is_object()) return add_given_image(input, text_of(value, field), field, reading);
  const ObjectReader object(value, field);
  const Json* address = object.find("url");
  if (address == nullptr) refuse_field(object.name_of("url"), "expected an image, found nothing");
  add_given_image(input, text_of(*address, object.name_of("url")), object.name_of("url"), reading);
}

void add_part(RequestInput& input, const Json& value, const std::string& field, const InputReading& reading) {
  const ObjectReader part(value, field);
  const std::string type = part.text("type").value_or("");
  if (type == "text" || type == "input_text") {
    const Json* text = part.find("text");
    if (text == nullptr) refuse_field(part.name_of("text"), "expected a string, found nothing");
    return add_text(input, text_of(*text, part.name_of("text")));
  }
  if (type == "image_url" || type == "image" || type == "input_image") {
    for (const char* key : {"image_url", "image", "url"}) {
      if (const Json* image = part.find(key)) {
        return add_image_of(input, *image, part.name_of(key), reading);
      }
    }
    refuse_field(part.name_of("image_url"), "expected an image, found nothing");
  }
  refuse_field(part.name_of("type"), "expected text or image_url, found {}", in_quotes(type, 60));
}

}  // namespace

std::vector<std::int64_t> token_ids_of(const Json& list, const std::string& field) {
  if (!list.is_array()) refuse_field(field, "expected a list of token ids, found {}", found_text(list));
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::optional<std::int64_t> id = whole_number(list[i]);
    if (!id) refuse_field(element(field, i), "expected a token id, found {}", found_text(list[i]));
    ids.push_back(*id);
  }
  return ids;
}

void add_content(RequestInput& input, const Json& content, const std::string& field, const InputReading& reading) {
  if (content.is_string()) return add_text(input, content.get_ref<const std::string&>());
  if (!content.is_array()) refuse_field(field, "expected a string or a list of parts, found {}", found_text(content));
  for (std::size_t i = 0; i < content.size(); ++i) add_part(input, content[i], element(field, i), reading);
}

RequestInput input_from_object(const Json& object, const std::string& field, const InputReading& reading) {
  const ObjectReader reader(object, field);
  RequestInput input;
  input.text = reader.text("text");
  input.prompt = prompt_of(reader, "prompt");
  if (const Json* image = reader.find("image")) {
    add_image_of(input, *image, reader.name_of("image"), reading);
  }
  if (const Json* images = reader.find("images")) {
    const std::string name = reader.name_of("images");
    if (!images->is_array()) refuse_field(name, "expected a list of images, found {}", found_text(*images));
    for (std::size_t i = 0; i < images->size(); ++i) add_image_of(input, (*images)[i], element(name, i), reading);
  }
  if (!input.text && input.images.empty()) refuse_field(field, "expected text, image or both, found neither");
  return input;
}

RequestInput input_from_messages(const Json& messages, const std::string& field, const InputReading& reading) {
  if (!messages.is_array() || messages.empty())
    refuse_field(field, "expected a list of messages, found {}", found_text(messages));
  RequestInput input;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const ObjectReader message(messages[i], element(field, i));
    if (!message.text("role")) refuse_field(message.name_of("role"), "expected a string, found nothing");
    const Json* content = message.find("content");
    if (content == nullptr) continue;  // the turn that the model would write
    add_content(input, *content, message.name_of("content"), reading);
  }
  if (!input.text && input.images.empty()) refuse_field(field, "expected a text or an image, found neither");
  return input;
}

RequestInput input_of(const Json& value, const std::string& field, const InputReading& reading) {
  if (value.is_string()) return from_string(value.get_ref<const std::string&>(), field, reading);
  if (value.is_object()) return input_from_object(value, field, reading);
  if (value.is_array() && are_ids(value))
    return RequestInput::from_text(reading.model.text_of(token_ids_of(value, field), field));
  if (value.is_array() && are_messages(value)) return input_from_messages(value, field, reading);
  refuse_field(field, "expected a string, token ids, an object with text or image, or messages, found {}",
               found_text(value));
}

std::vector<NamedInput> inputs_of(const Json& value, const std::string& field, const InputReading& reading) {
  std::vector<NamedInput> inputs;
  const bool one = !value.is_array() || are_ids(value) || are_messages(value);
  if (one) {
    inputs.push_back({input_of(value, field, reading), field});
    return inputs;
  }
  check_count(value.size(), reading.max_items, field);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string name = element(field, i);
    inputs.push_back({input_of(value[i], name, reading), name});
  }
  return inputs;
}

std::vector<NamedInput> chats_of(const Json& value, const std::string& field, const InputReading& reading) {
  if (!value.is_array() || value.empty())
    refuse_field(field, "expected a list of messages, found {}", found_text(value));
  std::vector<NamedInput> inputs;
  if (!value.front().is_array()) {
    inputs.push_back({input_from_messages(value, field, reading), field});
    return inputs;
  }
  check_count(value.size(), reading.max_items, field);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string name = element(field, i);
    inputs.push_back({input_from_messages(value[i], name, reading), name});
  }
  return inputs;
}

}  // namespace e5v::serve
