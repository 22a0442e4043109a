#include "base/flat_object.h"

#include <gmock/gmock.h>

#include <array>

#include "base/error.h"

namespace e5v {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::array<std::string_view, 3> kKeys{"id", "text", "prompt"};

Json parse(const std::string& line) { return parse_flat_object(line, kKeys, "f:3"); }

TEST(FlatObject, KeepsTheValuesThatItIsGiven) {
  const Json object = parse(R"({"text": "caf\u00e9", "id": 7, "prompt": null})");
  EXPECT_EQ(object, Json::parse(R"({"id": 7, "prompt": null, "text": "café"})"));
  EXPECT_EQ(parse("{}"), Json::object());
}

TEST(FlatObject, RefusesWhatElseALineMayHold) {
  const std::pair<std::string, const char*> cases[] = {
      {"{\"text\": \"\xC3\"}", "[f:3] is not valid UTF-8"},
      {R"({"text": "a"} {})", "[f:3] is not JSON"},
      {R"({"txt": "a"})", R"([f:3] unknown key "txt", expected "id", "text" or "prompt")"},
      {R"({"text": "a", "text": "b"})", R"([f:3] "text" is given twice)"},
      {R"({"text": ["a"]})", R"([f:3] "text": expected a string, found array)"},
      {R"({"id": 1, "prompt": {"text": "a"}})", R"([f:3] "prompt": expected a string, found object)"},
  };
  for (const auto& [line, message] : cases)
    EXPECT_THAT([&bad = line] { parse(bad); }, ThrowsMessage<InvalidInput>(testing::StartsWith(message)));
}

TEST(FlatObject, AFileOfAnotherKindIsToldWhatIsExpected) {
  for (const char* line : {"A plain sentence.", "[{\"text\": \"a\"}]", "\"text\"", ""})
    EXPECT_THAT([&] { parse(line); },
                ThrowsMessage<InvalidInput>(HasSubstr(R"(; each line is one object with "id", "text" or "prompt")")))
        << line;
}

/// The limit of nesting would come later than the memory that such a line takes.
TEST(FlatObject, DeepNestingIsRefusedAtItsFirstLevel) {
  EXPECT_THAT([] { parse("{\"text\": " + std::string(1'000'000, '[')); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected a string, found array")));
}

TEST(FlatObject, StringsAreTakenOutOfIt) {
  Json object = parse(R"({"text": "a", "id": 7, "prompt": null})");
  EXPECT_EQ(take_string(object, "text", "f:3"), "a");
  EXPECT_EQ(take_string(object, "prompt", "f:3"), std::nullopt);
  EXPECT_EQ(take_string(object, "absent", "f:3"), std::nullopt);
  EXPECT_THAT([&] { take_string(object, "id", "f:3"); },
              ThrowsMessage<InvalidInput>(R"([f:3] "id": expected a string, found number)"));
}

}  // namespace
}  // namespace e5v
