#include "text/decoder.h"

#include <gmock/gmock.h>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::HasSubstr;
using Tokens = std::vector<std::string>;

std::string decoded(const std::string& step, const Tokens& tokens) {
  return test::read_part<Decoder>(R"({"decoder": )" + step + "}").apply(tokens);
}
std::string refusal(const std::string& step) { return test::refusal_of<Decoder>(R"({"decoder": )" + step + "}"); }

TEST(Decoder, WithoutOneTokensAreJoinedWithBlanks) {
  EXPECT_EQ(Decoder().apply({"ab", "", "c"}), "ab  c");
  EXPECT_EQ(test::read_part<Decoder>(R"({"decoder": null})").apply({"a", "b"}), "a b");
  EXPECT_EQ(Decoder().apply({}), "");
}

TEST(Decoder, ByteLevelReadsItsAlphabet) {
  EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"ĠaĊ", "Ã", "©"}), " a\né") << "a character in two tokens";
  EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"a", "Ã"}), "a\uFFFD");
  EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"a b", "Ġc"}), "a b c") << "outside the alphabet";
}

TEST(Decoder, ByteFallbackReadsRunsOfBytes) {
  const std::string step = R"({"type": "ByteFallback"})";
  EXPECT_EQ(decoded(step, {"x", "<0xE2>", "<0x96>", "<0x81>", "y"}), "x▁y");
  EXPECT_EQ(decoded(step, {"<0xE2>", "<0x96>", "y"}), "\uFFFD\uFFFDy") << "one for each byte";
  EXPECT_EQ(decoded(step, {"<0x41>", "<0xFF>"}), "\uFFFD\uFFFD") << "the run as a whole is no UTF-8";
  EXPECT_EQ(decoded(step, {"<0xGG>", "<0x4>", "<0x041>", "<0x4G>", "<0x41>"}), "<0xGG><0x4><0x041><0x4G>A");
}

TEST(Decoder, ReplaceStripAndFuse) {
  EXPECT_EQ(decoded(R"({"type": "Replace", "pattern": {"String": "▁"}, "content": " "})", {"▁a", "▁"}), " a ");
  EXPECT_EQ(decoded(R"({"type": "Strip", "content": "-", "start": 2, "stop": 1})", {"---a---", "-", "b-"}), "-a--b");
  EXPECT_EQ(decoded(R"({"type": "Fuse"})", {"a", "b"}), "ab");
}

TEST(Decoder, MetaspaceMarksAreBlanksButForTheFirst) {
  const Tokens tokens{"▁a▁b", "▁c"};
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁"})", tokens), "ab c");
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"})", tokens), "ab c");
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})", tokens), " a b c");
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "add_prefix_space": false})", tokens), " a b c");
}

// The decoder of Llama 2: blanks are stripped off the front of the fused text, not off each token.
TEST(Decoder, ASequenceAppliesItsStepsInOrder) {
  const std::string llama = R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";
  EXPECT_EQ(decoded(llama, {"▁Hel", "lo", "▁▁w", "<0xC3>", "<0xA9>"}), "Hello  wé");
}

TEST(Decoder, OtherStepsAreRefusedByMessage) {
  EXPECT_EQ(refusal(R"("NFC")"), "[t.json] decoder is string, expected an object");
  EXPECT_EQ(refusal("{}"), "[t.json] decoder.type is missing");
  EXPECT_EQ(refusal(R"({"type": "CTC"})"),
            "[t.json] decoder.type is \"CTC\"; supported are Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, "
            "Metaspace");
  EXPECT_EQ(refusal(R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})"),
            "[t.json] decoder.start is -1, expected a whole number in [0, 1024]");
  EXPECT_EQ(refusal(R"({"type": "Strip", "content": "", "start": 1, "stop": 0})"),
            R"([t.json] decoder.content is "", expected one character)");
  EXPECT_EQ(refusal(R"({"type": "Metaspace", "replacement": "ab"})"),
            R"([t.json] decoder.replacement is "ab", expected one character)");
}

TEST(Decoder, DepthAndNumberOfStepsAreBounded) {
  const Json step{{"type", "Fuse"}};
  EXPECT_EQ(test::refusal_of<Decoder>(test::nested("decoder", step, "decoders", 7)), "no error");
  EXPECT_THAT(test::refusal_of<Decoder>(test::nested("decoder", step, "decoders", 8)),
              HasSubstr("is nested too deep or too long"));
  EXPECT_EQ(test::refusal_of<Decoder>(test::repeated("decoder", step, "decoders", 32)), "no error");
  EXPECT_EQ(test::refusal_of<Decoder>(test::repeated("decoder", step, "decoders", 33)),
            "[t.json] decoder.decoders[32] is nested too deep or too long");
}

TEST(Decoder, TextsThatGrowWithoutBoundAreStopped) {
  const Json doubling{{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  const Decoder many = test::read_part<Decoder>(test::repeated("decoder", doubling, "decoders", 30));
  EXPECT_THAT(test::message_of([&] { many.apply({"a", "a"}); }), HasSubstr("a Replace step makes a text grow beyond"));
}

TEST(CleanUpSpaces, BlanksBeforePunctuationAndContractionsGo) {
  EXPECT_EQ(clean_up_spaces("It is n't so , I 'm sure . Is it ? No ! They 've , we 're , he 's"),
            "It isn't so, I'm sure. Is it? No! They've, we're, he's");
  EXPECT_EQ(clean_up_spaces("the dog ' s  ."), "the dog's .") << "one blank at a time";
}

}  // namespace
}  // namespace e5v::text
