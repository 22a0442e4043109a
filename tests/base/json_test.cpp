#include "base/json.h"

#include <gmock/gmock.h>

#include "temporary_folder.h"

namespace e5v {
namespace {

using namespace std::string_literals;

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::ThrowsMessage;

TEST(Json, Parses) {
  const Json json = parse_json(R"({"a": [1, 2.5, "x", null, true]})", "origin");
  EXPECT_EQ(json["a"][1], 2.5);
  EXPECT_EQ(json["a"].size(), 5u);
}

TEST(Json, SaysWhereTheTextIsBroken) {
  for (const std::string text : {"", "{", "{\"a\": }", "[1, 2", "{} {}", "nul", "\"\xFF\"", "[1e999]", "{'a': 1}"}) {
    EXPECT_THAT([&] { parse_json(text, "folder/x.json"); },
                ThrowsMessage<InvalidInput>(AllOf(StartsWith("[folder/x.json] is not JSON: "), Not(HasSubstr("\n")),
                                                  Not(HasSubstr("json.exception")))))
        << text;
  }
  EXPECT_THAT([] { parse_json("{\n\"a\": x}", "file"); }, ThrowsMessage<InvalidInput>(HasSubstr("line 2, column 6")));
}

TEST(Json, MessagesDoNotRepeatLongTexts) {
  const auto size_of_message = [](const std::string& text) -> std::size_t {
    try {
      parse_json(text, "body");
    } catch (const InvalidInput& error) {
      return std::string_view(error.what()).size();
    }
    return 0;
  };
  EXPECT_THAT([] { parse_json("\"" + std::string(10'000, 'a') + "\xFF\"", "body"); },
              ThrowsMessage<InvalidInput>(EndsWith("invalid string: ill-formed UTF-8 byte")));
  EXPECT_LT(size_of_message("[1" + std::string(10'000, '0') + "]"), 400u);
  EXPECT_LT(size_of_message("\"" + std::string(10'000, '\x01') + "\""), 400u);
  EXPECT_THAT([] { parse_json("[\"abc\xFF\"]", "body"); }, ThrowsMessage<InvalidInput>(HasSubstr("last read: '\"abc")));
}

TEST(Json, DoesNotStopAtNul) {
  EXPECT_THAT([] { parse_json(std::string("{}\0garbage", 10), "file"); },
              ThrowsMessage<InvalidInput>(HasSubstr("NUL byte")));
}

/// Lists inside each other.
std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

Json parse_by_callback(const std::string& text) {
  return parse_json(text, "file", [](int, Json::parse_event_t, Json&) { return true; });
}

TEST(Json, RefusesDeepNesting) {
  const std::string deepest = nested(kMaxJsonLevels);
  EXPECT_EQ(parse_json(deepest, "file").dump(), deepest);
  EXPECT_EQ(parse_by_callback(deepest).dump(), deepest);
  EXPECT_EQ(parse_ordered_json(deepest, "file").dump(), deepest);
  const auto refusal =
      ThrowsMessage<InvalidInput>("[file] is nested too deeply: more than 128 objects and arrays inside each other");
  for (const std::string& text : {"{\"a\": " + deepest + "}", nested(200'000), std::string(200'000, '[')}) {
    EXPECT_THAT([&] { parse_json(text, "file"); }, refusal);
    EXPECT_THAT([&] { parse_by_callback(text); }, refusal);
    EXPECT_THAT([&] { parse_ordered_json(text, "file"); }, refusal);
  }
}

TEST(Json, BracketsInStringsAreNoNesting) {
  const std::string brackets(1000, '[');
  for (const std::string& content : {brackets, "\\\"" + brackets, "\\\\"s, brackets + "\\\\\\\"" + brackets}) {
    const std::string text = "[\"" + content + "\", []]";
    EXPECT_EQ(parse_json(text, "file"), Json::parse(text));
  }
  std::string beside = "[]";
  for (int i = 0; i < 999; ++i) beside += ",[]";
  EXPECT_EQ(parse_json("[" + beside + "]", "file").size(), 1000u);
}

TEST(Json, OrderedKeepsTheOrder) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": {"d": 2, "c": 3}})", "file").dump(), R"({"b":1,"a":{"d":2,"c":3}})");
  EXPECT_THAT([] { parse_ordered_json("{", "file"); }, ThrowsMessage<InvalidInput>(StartsWith("[file] is not JSON: ")));
}

TEST(Json, ReadsFiles) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(read_json(folder.write("good.json", "[1]")), Json::array({1}));
  const auto bad = folder.write("bad.json", "[1");
  EXPECT_THAT([&] { read_json(bad); }, ThrowsMessage<InvalidInput>(HasSubstr(bad.string())));
  EXPECT_THAT([&] { read_json(folder.path() / "none.json"); }, ThrowsMessage<InvalidInput>(HasSubstr("no such file")));
}

TEST(Json, ValueOrFallback) {
  const Json json = {{"number", 3}, {"text", "x"}, {"null", nullptr}};
  EXPECT_EQ((json_value<int>(json, "number", 7, "o")), 3);
  EXPECT_EQ((json_value<int>(json, "absent", 7, "o")), 7);
  EXPECT_EQ((json_value<int>(json, "null", 7, "o")), 7);
  EXPECT_EQ((json_value<std::string>(json, "text", "y", "o")), "x");
}

TEST(Json, WholeNumbersHaveNoFractionAndTheirRange) {
  EXPECT_EQ(json_as<std::int64_t>(Json(-3), "r", "f"), -3);
  EXPECT_EQ(json_as<std::uint8_t>(Json(255), "r", "f"), 255);
  const auto refuses = [](const Json& value, const char* message) {
    EXPECT_THAT([&] { json_as<std::int64_t>(value, "r", "f"); }, testing::ThrowsMessage<ModelError>(message));
  };
  refuses(6e54, "[f] \"r\" is 6e+54, expected a whole number of at most 64 bits");
  refuses(8.5, "[f] \"r\" is 8.5, expected a whole number of at most 64 bits");
  refuses(std::uint64_t{1} << 63, "[f] \"r\" is 9223372036854775808, expected a whole number of at most 64 bits");
  refuses(true, "[f] \"r\" has an unexpected type: boolean");
}

TEST(Json, ValueOfAnotherType) {
  const Json json = {{"number", "three"}};
  EXPECT_THAT([&] { (json_value<int>(json, "number", 7, "o.json")); },
              ThrowsMessage<ModelError>("[o.json] \"number\" has an unexpected type: string"));
  EXPECT_THROW((json_value<int, InvalidInput>(json, "number", 7, "o")), InvalidInput);
  EXPECT_EQ(json_as<std::string>(json["number"], "number", "o"), "three");
  EXPECT_THAT([&] { json_as<int>(json["number"], "a\nb", "o.json"); },
              ThrowsMessage<ModelError>("[o.json] \"a\\x0ab\" has an unexpected type: string"));
}

}  // namespace
}  // namespace e5v
