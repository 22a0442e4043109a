#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>

#include <string>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PreTokenizer pre_tokenizer(const std::string& step) {
  return test::read_part<PreTokenizer>(R"({"pre_tokenizer": )" + step + "}");
}

/// The pieces of a text, led by ^ where one begins with the text.
std::vector<std::string> pieces(const PreTokenizer& tokenizer, std::string_view text, bool at_text_start = true) {
  std::vector<std::string> found;
  tokenizer.apply({text, at_text_start},
                  [&](Piece piece) { found.push_back((piece.at_text_start ? "^" : "") + std::string(piece.text)); });
  return found;
}
std::vector<std::string> pieces(const std::string& step, std::string_view text, bool at_text_start = true) {
  return pieces(pre_tokenizer(step), text, at_text_start);
}

std::string pre_tokenizer_refusal(const std::string& step) {
  return test::refusal_of<PreTokenizer>(R"({"pre_tokenizer": )" + step + "}");
}

TEST(PreTokenizer, WithoutOneATextIsOnePiece) {
  EXPECT_THAT(pieces(test::read_part<PreTokenizer>("{}"), "a b"), ElementsAre("^a b"));
  EXPECT_THAT(pieces(test::read_part<PreTokenizer>(R"({"pre_tokenizer": null})"), "a b", false), ElementsAre("a b"));
}

TEST(PreTokenizer, SplitTreatsMatchesAsItIsTold) {
  const auto split = [](const char* behavior, bool invert) {
    return pieces(fmt::format(R"({{"type": "Split", "pattern": {{"String": "-"}}, "behavior": "{}", "invert": {}}})",
                              behavior, invert),
                  "a--b");
  };
  EXPECT_THAT(split("Isolated", false), ElementsAre("^a", "-", "-", "b"));
  EXPECT_THAT(split("Removed", false), ElementsAre("^a", "b"));
  EXPECT_THAT(split("MergedWithPrevious", false), ElementsAre("^a-", "-", "b"));
  EXPECT_THAT(split("MergedWithNext", false), ElementsAre("^a", "-", "-b"));
  EXPECT_THAT(split("Contiguous", false), ElementsAre("^a", "--", "b"));
  EXPECT_THAT(split("Removed", true), ElementsAre("-", "-"));
  EXPECT_THAT(split("MergedWithNext", true), ElementsAre("^a-", "-", "b"));
}

// Examples of the documentation of Hugging Face's library, here and below.
TEST(PreTokenizer, ByteLevelCutsAsGpt2AndWritesItsAlphabet) {
  EXPECT_THAT(pieces(R"({"type": "ByteLevel"})", "Hello my friend, it's 10"),
              ElementsAre("^ĠHello", "Ġmy", "Ġfriend", ",", "Ġit", "'s", "Ġ10"));
  const std::string bare = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": )";
  EXPECT_THAT(pieces(bare + "true}", "Hello  né\n"), ElementsAre("^Hello", "Ġ", "ĠnÃ©", "Ċ"));
  EXPECT_THAT(pieces(bare + "false}", "Hello my"), ElementsAre("^HelloĠmy"));
  EXPECT_THAT(pieces(R"({"type": "ByteLevel"})", " my"), ElementsAre("^Ġmy")) << "the blank is there already";
}

TEST(PreTokenizer, MetaspaceMarksBlanks) {
  const auto metaspace = [](const std::string& options, bool at_text_start = true) {
    return pieces(R"({"type": "Metaspace", "replacement": "▁")" + options + "}", "Hello  my", at_text_start);
  };
  EXPECT_THAT(metaspace(""), ElementsAre("^▁Hello", "▁", "▁my"));
  EXPECT_THAT(metaspace(R"(, "split": false)"), ElementsAre("^▁Hello▁▁my"));
  EXPECT_THAT(metaspace(R"(, "prepend_scheme": "never")"), ElementsAre("^Hello", "▁", "▁my"));
  EXPECT_THAT(metaspace(R"(, "add_prefix_space": false)"), ElementsAre("^Hello", "▁", "▁my"));
  EXPECT_THAT(metaspace(R"(, "prepend_scheme": "first")"), ElementsAre("^▁Hello", "▁", "▁my"));
  EXPECT_THAT(metaspace(R"(, "prepend_scheme": "first")", false), ElementsAre("Hello", "▁", "▁my"));
  EXPECT_THAT(metaspace(R"(, "prepend_scheme": "always")", false), ElementsAre("▁Hello", "▁", "▁my"));
}

TEST(PreTokenizer, WhiteSpaceWordsDigitsAndPunctuation) {
  EXPECT_THAT(pieces(R"({"type": "Whitespace"})", "Hello y'all, né_1 !?"),
              ElementsAre("^Hello", "y", "'", "all", ",", "né_1", "!?"));
  EXPECT_THAT(pieces(R"({"type": "WhitespaceSplit"})", " Hello,\ty'all "), ElementsAre("Hello,", "y'all"));
  EXPECT_THAT(pieces(R"({"type": "Digits"})", "Call 123 me"), ElementsAre("^Call ", "123", " me"));
  EXPECT_THAT(pieces(R"({"type": "Digits", "individual_digits": true})", "Call 123"),
              ElementsAre("^Call ", "1", "2", "3"));
  EXPECT_THAT(pieces(R"({"type": "Punctuation"})", "Hey, friend?!"), ElementsAre("^Hey", ",", " friend", "?", "!"));
  EXPECT_THAT(pieces(R"({"type": "Punctuation", "behavior": "MergedWithPrevious"})", "1+1=2"),
              ElementsAre("^1+", "1=", "2"));
}

TEST(PreTokenizer, ASequenceCutsThePiecesOfThePieces) {
  EXPECT_THAT(pieces(R"({"type": "Sequence", "pretokenizers": [{"type": "Whitespace"},
                         {"type": "Digits", "individual_digits": true}]})",
                     "Call 911!"),
              ElementsAre("^Call", "9", "1", "1", "!"));
}

TEST(PreTokenizer, AnEmptyTextHasNoPieces) {
  for (const char* type : {"Whitespace", "WhitespaceSplit", "Digits", "Punctuation"})
    EXPECT_TRUE(pieces(fmt::format(R"({{"type": "{}"}})", type), "").empty()) << type;
}

TEST(PreTokenizer, OtherStepsAreRefusedByMessage) {
  EXPECT_EQ(pre_tokenizer_refusal(R"("NFC")"), "[t.json] pre_tokenizer is string, expected an object");
  EXPECT_EQ(pre_tokenizer_refusal("{}"), "[t.json] pre_tokenizer.type is missing");
  EXPECT_THAT(pre_tokenizer_refusal(R"({"type": "BertPreTokenizer"})"),
              HasSubstr(R"(pre_tokenizer.type is "BertPreTokenizer"; supported are Sequence, Split, ByteLevel)"));
  EXPECT_THAT(pre_tokenizer_refusal(R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})"),
              HasSubstr(R"(pre_tokenizer.pattern.Regex is "(a", no usable regular expression: missing closing)"));
  EXPECT_THAT(pre_tokenizer_refusal(R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Cut"})"),
              HasSubstr(R"(pre_tokenizer.behavior is "Cut"; supported are Isolated, Removed)"));
  EXPECT_EQ(pre_tokenizer_refusal(R"({"type": "Metaspace", "replacement": "ab"})"),
            R"([t.json] pre_tokenizer.replacement is "ab", expected one character)");
  EXPECT_THAT(pre_tokenizer_refusal(R"({"type": "Metaspace", "replacement": "a", "prepend_scheme": "x"})"),
              HasSubstr(R"(pre_tokenizer.prepend_scheme is "x"; supported are always, first, never)"));
  EXPECT_EQ(
      pre_tokenizer_refusal(R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]})"),
      "[t.json] pre_tokenizer.pretokenizers[1] is a second ByteLevel, expected one at most");
}

TEST(PreTokenizer, DepthAndNumberOfStepsAreBounded) {
  const Json step{{"type", "Digits"}};
  EXPECT_EQ(test::refusal_of<PreTokenizer>(test::nested("pre_tokenizer", step, "pretokenizers", 7)), "no error");
  EXPECT_THAT(test::refusal_of<PreTokenizer>(test::nested("pre_tokenizer", step, "pretokenizers", 8)),
              HasSubstr("is nested too deep or too long"));
  EXPECT_EQ(test::refusal_of<PreTokenizer>(test::repeated("pre_tokenizer", step, "pretokenizers", 32)), "no error");
  EXPECT_EQ(test::refusal_of<PreTokenizer>(test::repeated("pre_tokenizer", step, "pretokenizers", 33)),
            "[t.json] pre_tokenizer.pretokenizers[32] is nested too deep or too long");
}

}  // namespace
}  // namespace e5v::text
