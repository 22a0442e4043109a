#include "text/normalizer.h"

#include <gmock/gmock.h>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::HasSubstr;

Normalizer normalizer(const std::string& step) {
  return test::read_part<Normalizer>(R"({"normalizer": )" + step + "}");
}
std::string normalized(const std::string& step, std::string_view text) { return normalizer(step).apply(text).text; }
std::string normalizer_refusal(const std::string& step) {
  return test::refusal_of<Normalizer>(R"({"normalizer": )" + step + "}");
}

TEST(Normalizer, WithoutOneTextsStayAsTheyAre) {
  for (const char* file : {"{}", R"({"normalizer": null})"})
    EXPECT_EQ(test::read_part<Normalizer>(file).apply(" A\u0301 ").text, " A\u0301 ");
}

TEST(Normalizer, PrependLeavesEmptyTextsEmpty) {
  EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "▁"})", "ab"), "▁ab");
  EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "▁"})", ""), "");
}

TEST(Normalizer, ReplaceTakesLiteralsAndExpressions) {
  EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"String": "a."}, "content": "-"})", "a.ab"), "-ab");
  EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "})", "a \n b"), "a b");
}

TEST(Normalizer, StripTellsWhetherTheFrontIsStillThere) {
  const auto stripped = [](const std::string& flags, std::string_view text) {
    const Normalized result = normalizer(R"({"type": "Strip")" + flags + "}").apply(text);
    return std::pair(result.text, result.front_kept);
  };
  EXPECT_EQ(stripped("", " \u00A0a b\n"), std::pair(std::string("a b"), false));
  EXPECT_EQ(stripped("", "a b\n"), std::pair(std::string("a b"), true));
  EXPECT_EQ(stripped(R"(, "strip_left": false)", " a "), std::pair(std::string(" a"), true));
  EXPECT_EQ(stripped(R"(, "strip_right": false)", " a "), std::pair(std::string("a "), false));
  EXPECT_EQ(stripped("", "  "), std::pair(std::string(), false));
}

// As in the reference, a sigma at the end of a word is like any other.
TEST(Normalizer, LowercaseMapsEveryCharacterByItself) {
  EXPECT_EQ(normalized(R"({"type": "Lowercase"})", "ABC ÄÉ ΣΑΣ ДЖ 5"), "abc äé σασ дж 5");
  EXPECT_EQ(normalized(R"({"type": "Lowercase"})", "İ"), "i\u0307");
  EXPECT_EQ(normalized(R"({"type": "Lowercase"})", "ẞ𐐀"), "ß𐐨");
}

TEST(Normalizer, NfcComposes) {
  EXPECT_EQ(normalized(R"({"type": "NFC"})", "e\u0301"), "\u00E9");
  EXPECT_EQ(normalized(R"({"type": "NFC"})", "\u212B"), "\u00C5") << "the sign of Angstrom is a letter";
  EXPECT_EQ(normalized(R"({"type": "NFC"})", "\u1100\u1161"), "\uAC00") << "Hangul";
  EXPECT_EQ(normalized(R"({"type": "NFC"})", "\uFB01 ²"), "\uFB01 ²") << "compatibility is another form";
}

TEST(Normalizer, ASequenceAppliesItsStepsInOrder) {
  const std::string steps = R"({"type": "Sequence", "normalizers": [{"type": "Strip"}, {"type": "Lowercase"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "bc"}, {"type": "Prepend", "prepend": "A"}]})";
  const Normalized result = normalizer(steps).apply(" xA ");
  EXPECT_EQ(result.text, "Axbc");
  EXPECT_FALSE(result.front_kept);
}

TEST(Normalizer, OtherStepsAreRefusedByMessage) {
  EXPECT_EQ(normalizer_refusal(R"("NFC")"), "[t.json] normalizer is string, expected an object");
  EXPECT_EQ(normalizer_refusal("{}"), "[t.json] normalizer.type is missing");
  EXPECT_EQ(normalizer_refusal(R"({"type": "NFKC"})"),
            "[t.json] normalizer.type is \"NFKC\"; supported are Sequence, Prepend, Replace, Strip, Lowercase, NFC");
  EXPECT_THAT(normalizer_refusal(R"({"type": "Sequence", "normalizers": [{"type": "Strip"}, {"type": "NFD"}]})"),
              HasSubstr(R"(normalizer.normalizers[1].type is "NFD")"));
  EXPECT_EQ(normalizer_refusal(R"({"type": "Replace", "pattern": "a", "content": "b"})"),
            "[t.json] normalizer.pattern is string, expected {\"String\": ...} or {\"Regex\": ...}");
}

TEST(Normalizer, DepthAndNumberOfStepsAreBounded) {
  const Json step{{"type", "NFC"}};
  EXPECT_EQ(test::refusal_of<Normalizer>(test::nested("normalizer", step, "normalizers", 7)), "no error");
  EXPECT_THAT(test::refusal_of<Normalizer>(test::nested("normalizer", step, "normalizers", 8)),
              HasSubstr("is nested too deep or too long"));
  EXPECT_EQ(test::refusal_of<Normalizer>(test::repeated("normalizer", step, "normalizers", 64)), "no error");
  EXPECT_EQ(test::refusal_of<Normalizer>(test::repeated("normalizer", step, "normalizers", 65)),
            "[t.json] normalizer.normalizers[64] is nested too deep or too long");
}

// A text may grow by a factor of 32, and 64 KiB besides.
TEST(Normalizer, TextsThatGrowWithoutBoundAreStopped) {
  const auto prefixed = [](std::size_t bytes) {
    return [step = Json{{"type", "Prepend"}, {"prepend", std::string(bytes, 'x')}}.dump()] {
      normalizer(step).apply("a");
    };
  };
  EXPECT_EQ(test::message_of(prefixed(65567)), "no error");
  EXPECT_EQ(test::message_of(prefixed(65568)), "[tokenizer] the normalizer makes a text of 1 bytes grow to 65569");
  const Json doubling{{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  const Normalizer many = test::read_part<Normalizer>(test::repeated("normalizer", doubling, "normalizers", 40));
  EXPECT_EQ(test::message_of([&] { many.apply("aaaa"); }),
            "[tokenizer] a Replace step makes a text grow beyond 65664 bytes");
}

}  // namespace
}  // namespace e5v::text
