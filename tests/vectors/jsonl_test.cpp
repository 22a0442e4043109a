#include "vectors/jsonl.h"

#include <gmock/gmock.h>

#include <limits>

#include "base/error.h"

namespace e5v::vectors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

JsonRows read(const std::string& text) {
  return read_json_rows(
      [&text, at = std::size_t{0}](std::span<char> buffer) mutable {
        const std::size_t count = text.copy(buffer.data(), buffer.size(), at);
        at += count;
        return count;
      },
      "v.jsonl");
}

TEST(Jsonl, NumbersReadBackAsTheSameFloats) {
  const std::vector<float> values{0.1f, -0.0f, 1e-38f, 1.17549435e-38f, 3.4028235e38f, 1.0f / 3, 16777216, 5e-45f};
  std::string line;
  append_json_row("é\"", values, line);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(Json::parse(line).at("id"), "é\"");
  const JsonRows rows = read(line + line);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.width, 8);
  EXPECT_EQ(std::vector<float>(rows.numbers.begin() + 8, rows.numbers.end()), values);
  EXPECT_THAT(rows.ids, ElementsAre("é\"", "é\""));
}

TEST(Jsonl, LinesKeepTheirOrderWhicheverThreadReadsThem) {
  std::string text;
  for (int i = 0; i < 1000; ++i) append_json_row(i, std::vector<float>{static_cast<float>(i), 1}, text);
  const JsonRows rows = read(text);
  ASSERT_EQ(rows.rows, 1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(rows.numbers[2 * i], static_cast<float>(i));
    EXPECT_EQ(rows.ids[i], std::to_string(i));
  }
}

TEST(Jsonl, IdsOtherKeysAndBlankLinesMayBeThereOrNot) {
  const JsonRows rows = read("{\"embedding\": [1], \"index\": {\"a\": 0}}\n \r\n{\"embedding\":[2e0],\"id\":null}");
  EXPECT_THAT(rows.numbers, ElementsAre(1, 2));
  EXPECT_TRUE(rows.ids.empty());
}

TEST(Jsonl, SaysWhatIsWrongInTheFirstBadLine) {
  const std::string good = "{\"id\": \"a\", \"embedding\": [1, 2]}\n";
  const std::pair<std::string, const char*> cases[] = {
      {"plain text", "[v.jsonl:2] is not JSON"},
      {"[1, 2]", "[v.jsonl:2] expected an object with \"embedding\", found array"},
      {"{\"id\": \"b\"}", "[v.jsonl:2] expected \"embedding\", an array of numbers"},
      {"{\"embedding\": []}", "[v.jsonl:2] expected \"embedding\", an array of numbers"},
      {"{\"embedding\": \"AACAPw==\"}", "[v.jsonl:2] expected \"embedding\", an array of numbers"},
      {"{\"embedding\": [1, null]}", "[v.jsonl:2] \"embedding\" holds null, expected numbers"},
      {"{\"embedding\": [1, -1e39]}", "[v.jsonl:2] \"embedding\" holds -1e+39, which is beyond float32"},
      {"{\"id\": 1.5, \"embedding\": [1, 2]}", "[v.jsonl:2] \"id\": expected a string or an integer, found number"},
      {"{\"embedding\": [1, 2]}", "[v.jsonl:2] has no \"id\", those before it have one"},
      {"{\"id\": 1, \"embedding\": [1]}", "[v.jsonl:2] the vector has 1 numbers, those before it have 2"},
      {std::string((16 << 20) + 1, '1'), "[v.jsonl:2] is longer than the limit of 16777216 bytes"},
  };
  for (const auto& [line, message] : cases) {
    const std::string text = good + line + "\n" + good + "worse\n";
    EXPECT_THAT([&] { read(text); }, testing::ThrowsMessage<InvalidInput>(HasSubstr(message)));
  }
  EXPECT_THAT([&] { read("{\"embedding\": [1, 2]}\n" + good); },
              testing::ThrowsMessage<InvalidInput>("[v.jsonl:2] has an \"id\", those before it have none"));
  EXPECT_THAT([] { read("\n\n"); }, testing::ThrowsMessage<InvalidInput>("[v.jsonl] holds no vectors"));
}

}  // namespace
}  // namespace e5v::vectors
