#pragma once
#include <gmock/gmock.h>

#include <functional>
#include <string>

#include "model/config.h"

namespace e5v::model::test {

inline ModelConfig parse(const Json& json) { return parse_config(json, "dir/config.json"); }

/// Expects a ModelError of that file about a key.
inline void expect_error_of(const std::function<void()>& action, const std::string& key, const std::string& rest) {
  using namespace testing;
  EXPECT_THAT(action, ThrowsMessage<ModelError>(
                          AllOf(StartsWith("[dir/config.json] \"" + key + "\": expected "), HasSubstr(rest))));
}

inline void expect_error(const Json& json, const std::string& key, const std::string& rest) {
  SCOPED_TRACE(json.dump().substr(0, 300));
  expect_error_of([&] { parse(json); }, key, rest);
}

/// A LLaVA-NeXT config in which one key differs; `pointer` is like "/text_config/hidden_size".
inline Json llava_with(const std::string& pointer, const Json& value) {
  Json json = {{"model_type", "llava_next"},
               {"text_config", Json::object()},
               {"vision_config", {{"image_size", 336}, {"patch_size", 14}}}};
  json[Json::json_pointer(pointer)] = value;
  return json;
}

}  // namespace e5v::model::test
