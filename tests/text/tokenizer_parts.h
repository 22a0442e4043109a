#pragma once
#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "text/section.h"

// The parts of a tokenizer.json, each read by itself from the text of such a file.

namespace e5v::test {

/// A part (Normalizer, Decoder, ...) of the file "t.json".
template <class Part>
Part read_part(std::string_view file) {
  const Json document = Json::parse(file);
  return Part(text::Section(document, "t.json"));
}

/// The message of the ModelError that a call ends in: one short line that names the file. "no error" without one.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const ModelError& error) {
    const std::string message = error.what();
    EXPECT_THAT(message, testing::AllOf(testing::StartsWith("[t"), testing::Not(testing::HasSubstr("\n"))));
    EXPECT_LT(message.size(), 400u);
    return message;
  }
  return "no error";
}

template <class Part>
std::string refusal_of(std::string_view file) {
  return message_of([&] { read_part<Part>(file); });
}

/// The file {key: step}, where `depth` sequences stand around the step. `items` is what these call their elements.
inline std::string nested(const char* key, Json step, const char* items, int depth) {
  for (int i = 0; i < depth; ++i) step = {{"type", "Sequence"}, {items, Json::array({step})}};
  return Json{{key, step}}.dump();
}

/// The file {key: a sequence of `count` times the same step}.
inline std::string repeated(const char* key, const Json& step, const char* items, std::size_t count) {
  return Json{{key, {{"type", "Sequence"}, {items, Json::array_t(count, step)}}}}.dump();
}

}  // namespace e5v::test
