#include "base/json.h"

#include <gmock/gmock.h>

#include "temporary_folder.h"

namespace e5v {
namespace {

using testing::AllOf;
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

TEST(Json, DoesNotStopAtNul) {
  EXPECT_THAT([] { parse_json(std::string("{}\0garbage", 10), "file"); },
              ThrowsMessage<InvalidInput>(HasSubstr("NUL byte")));
}

TEST(Json, SurvivesDeepNesting) {
  constexpr std::size_t kDepth = 200'000;
  EXPECT_THROW(parse_json(std::string(kDepth, '['), "file"), InvalidInput);
  EXPECT_TRUE(parse_json(std::string(kDepth, '[') + std::string(kDepth, ']'), "file").is_array());
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

TEST(Json, ValueOfAnotherType) {
  const Json json = {{"number", "three"}};
  EXPECT_THAT([&] { (json_value<int>(json, "number", 7, "o.json")); },
              ThrowsMessage<ModelError>("[o.json] \"number\" has an unexpected type: string"));
  EXPECT_THROW((json_value<int, InvalidInput>(json, "number", 7, "o")), InvalidInput);
}

}  // namespace
}  // namespace e5v
