#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "golden.h"
#include "text/tokenizer.h"

namespace e5v::text {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void expect_refused(const std::string& content, const std::string& reason) {
  try {
    Tokenizer::from_json(content, "t.json");
    FAIL() << "accepted: " << content.substr(0, 200);
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), AllOf(StartsWith("[t.json] "), HasSubstr(reason), Not(HasSubstr("\n"))));
    EXPECT_LT(std::string(error.what()).size(), 400u);
  }
}

/// Changes one thing in a good file and expects a complaint about it.
void expect_refused(const std::function<void(Json&)>& change, const std::string& reason) {
  Json file = Json::parse(R"({
    "added_tokens": [{"id": 3, "content": "<s>", "special": true}],
    "normalizer": {"type": "Prepend", "prepend": "a"},
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}},
                       {"Sequence": {"id": "A"}}],
                       "special_tokens": {"<s>": {"ids": [3]}}},
    "decoder": {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  EXPECT_NO_THROW(Tokenizer::from_json(file.dump(), "t.json"));
  change(file);
  expect_refused(file.dump(), reason);
}

TEST(TokenizerErrors, NotAFileNotJsonNotAnObject) {
  EXPECT_THROW(Tokenizer::from_file(test::golden("no such file")), ModelError);
  EXPECT_THROW(Tokenizer::from_file(test::golden("tokenizer")), ModelError);
  expect_refused("", "is not JSON");
  expect_refused("{\"model\": {\"vocab\": {\"a\": 0", "is not JSON");
  expect_refused(std::string("{}\0", 3), "is not JSON");
  expect_refused("[]", "the document is array, expected an object");
  expect_refused("{}", "model is missing");
  expect_refused(R"({"model": null})", "model is missing");
  expect_refused(R"({"model": []})", "model is array");
  expect_refused(R"({"model": )" + std::string(100, '[') + std::string(100, ']') + "}", "model is array");
}

TEST(TokenizerErrors, DeepNesting) {
  const std::string deep = std::string(50000, '[') + std::string(50000, ']');
  expect_refused(std::string(100000, '['), "is nested too deeply");
  expect_refused(R"({"model": )" + deep + "}", "is nested too deeply");
  expect_refused(R"({"model": {"vocab": {}, "merges": [)" + deep + "]}}", "is nested too deeply");
  expect_refused(R"({"model": {"vocab": {}, "merges": [], "dropout": )" + deep + "}}", "is nested too deeply");
}

TEST(TokenizerErrors, APatternThatGivesUpOnATokenOfTheFile) {
  Json file = Json::parse(R"({"normalizer": {"type": "Replace", "pattern": {"Regex": "(a|aa)+\\d"}, "content": "x"},
                              "model": {"vocab": {"a": 0}, "merges": []}})");
  const auto add = [&](std::size_t length) {
    const Json token{{"id", 1}, {"content", std::string(length, 'a')}, {"normalized", true}};
    file["added_tokens"] = Json::array({token});
  };
  add(3);
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump(), "t.json");
  EXPECT_THROW(tokenizer.encode(std::string(60, 'b') + std::string(60, 'a')), InvalidInput);
  add(60);
  EXPECT_THROW(Tokenizer::from_json(file.dump(), "t.json"), ModelError);
}

TEST(TokenizerErrors, Vocabulary) {
  const auto vocabulary = [](const char* text) {
    return [text](Json& file) { file["model"]["vocab"] = Json::parse(text); };
  };
  expect_refused([](Json& file) { file["model"].erase("vocab"); }, "model.vocab is missing");
  expect_refused(vocabulary("[1]"), "model.vocab is array, expected an object");
  expect_refused(vocabulary(R"({"a": -1})"), R"(model.vocab gives -1 to "a", expected a whole number in [0, 4194303])");
  expect_refused(vocabulary(R"({"a": 4194304})"), "gives 4194304");
  expect_refused(vocabulary(R"({"a": 18446744073709551615})"), "gives 18446744073709551615");
  expect_refused(vocabulary(R"({"a": 1e30})"), "gives 1e+30");
  expect_refused(vocabulary(R"({"a": "0"})"), "gives string");
  expect_refused(vocabulary(R"({"a": {"b": {"c": 1}}})"), "gives a container");
  expect_refused(vocabulary(R"({"a": [0]})"), "gives a container");
  expect_refused(vocabulary(R"({"a\n": 0, "b": 0})"), R"(gives the id 0 to "b", which "a\n" has already)");
  expect_refused(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})",
                 R"(gives the id 1 to "a", which has the id 0)");
}

TEST(TokenizerErrors, Merges) {
  const auto merges = [](const char* text) {
    return [text](Json& file) { file["model"]["merges"] = Json::parse(text); };
  };
  expect_refused([](Json& file) { file["model"].erase("merges"); }, "model.merges is missing");
  expect_refused(merges(R"({"a": "b"})"), "model.merges is object, expected an array");
  expect_refused(merges(R"(["a b", "ab"])"), "model.merges[1] is");
  expect_refused(merges(R"(["a b c"])"), "model.merges[0] is");
  expect_refused(merges(R"([["a"]])"), "model.merges[0] is");
  expect_refused(merges(R"([["a", 1]])"), "model.merges[0] is");
  expect_refused(merges("[7]"), "model.merges[0] is");
  expect_refused(merges(R"(["a x"])"), R"(model.merges[0] needs the token "x", which the vocabulary lacks)");
  expect_refused(merges(R"(["b a"])"), R"(needs the token "ba")");
}

TEST(TokenizerErrors, ModelOptions) {
  const auto option = [](const char* key, const Json& value) {
    return [key, value](Json& file) { file["model"][key] = value; };
  };
  expect_refused(option("type", "Unigram"), R"(model.type is "Unigram"; supported are BPE)");
  expect_refused(option("type", 1), "model.type is number, expected a string");
  expect_refused(option("dropout", 0.1), "model.dropout is");
  expect_refused(option("continuing_subword_prefix", "##"), R"(model.continuing_subword_prefix is "##")");
  expect_refused(option("end_of_word_suffix", 1), "model.end_of_word_suffix is number, expected a string");
  expect_refused(option("unk_token", "<unk>"), R"(model.unk_token is "<unk>", which the vocabulary lacks)");
  expect_refused(option("byte_fallback", 1), "model.byte_fallback is number, expected true or false");
}

TEST(TokenizerErrors, AddedTokens) {
  const auto token = [](const char* text) {
    return [text](Json& file) { file["added_tokens"].push_back(Json::parse(text)); };
  };
  expect_refused([](Json& file) { file["added_tokens"] = 5; }, "added_tokens is number, expected an array");
  expect_refused(token("7"), "added_tokens[1] is number, expected an object");
  expect_refused(token(R"({"id": 4})"), "added_tokens[1].content is missing");
  expect_refused(token(R"({"content": "x"})"), "added_tokens[1].id is missing");
  expect_refused(token(R"({"id": -4, "content": "x"})"), "added_tokens[1].id is -4, expected a whole number");
  expect_refused(token(R"({"id": 4.5, "content": "x"})"), "added_tokens[1].id is 4.5");
  expect_refused(token(R"({"id": 99999999999, "content": "x"})"), "added_tokens[1].id is 99999999999");
  expect_refused(token(R"({"id": 3, "content": "x"})"), R"(gives the id 3 to "x", which "<s>" has already)");
  expect_refused(token(R"({"id": 4, "content": "<s>"})"), R"(gives the id 4 to "<s>", which has the id 3 already)");
  expect_refused(token(R"({"id": 1, "content": "x"})"), R"(gives the id 1 to "x", which is "b" in the model)");
  expect_refused(token(R"({"id": 9, "content": "ab"})"), R"(gives the id 9 to "ab", which has the id 2 in the model)");
  expect_refused(token(R"({"id": 9, "content": "x", "lstrip": "no"})"), "added_tokens[1].lstrip is string");
  expect_refused(
      [](Json& file) {
        file["added_tokens"].push_back({{"id", 9}, {"content", std::string(2000, 'x')}});
      },
      "2000 bytes");
}

TEST(TokenizerErrors, Steps) {
  const auto part = [](const char* key, const char* text) {
    return [key, text](Json& file) { file[key] = Json::parse(text); };
  };
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    const std::string name = key;
    expect_refused(part(key, R"("NFC")"), name + " is string, expected an object");
    expect_refused(part(key, "{}"), name + ".type is missing");
    expect_refused(part(key, R"({"type": "NFKC"})"), name + R"(.type is "NFKC"; supported are Sequence)");
    expect_refused(
        [&](Json& file) {
          const char* items = name == "normalizer"      ? "normalizers"
                              : name == "pre_tokenizer" ? "pretokenizers"
                              : name == "decoder"       ? "decoders"
                                                        : "processors";
          Json nested = file[key];
          for (int depth = 0; depth < 20; ++depth) nested = {{"type", "Sequence"}, {items, Json::array({nested})}};
          file[key] = nested;
        },
        "nested too deep");
  }
  expect_refused(part("normalizer", R"({"type": "Sequence", "normalizers": [{"type": "Strip"}, {"type": "NFD"}]})"),
                 R"(normalizer.normalizers[1].type is "NFD")");
  expect_refused(part("normalizer", R"({"type": "Replace", "pattern": "a", "content": "b"})"),
                 "normalizer.pattern is string, expected {\"String\": ...} or {\"Regex\": ...}");
  expect_refused(part("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})"),
                 R"(pre_tokenizer.pattern.Regex is "(a", no usable regular expression: missing closing parenthesis)");
  expect_refused(part("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Cut"})"),
                 R"(pre_tokenizer.behavior is "Cut"; supported are Isolated)");
  expect_refused(part("pre_tokenizer", R"({"type": "Metaspace", "replacement": "ab"})"), "expected one character");
  expect_refused(part("pre_tokenizer", R"({"type": "Metaspace", "replacement": "a", "prepend_scheme": "x"})"),
                 "supported are always, first, never");
  expect_refused(part("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"},
                 {"type": "ByteLevel"}]})"),
                 "a second ByteLevel");
  expect_refused(part("decoder", R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})"),
                 "decoder.start is -1");
  expect_refused(part("decoder", R"({"type": "Strip", "content": "", "start": 1, "stop": 0})"),
                 "expected one character");
}

TEST(TokenizerErrors, Templates) {
  const auto single = [](const char* text) {
    return [text](Json& file) { file["post_processor"]["single"] = Json::parse(text); };
  };
  expect_refused(single("{}"), "post_processor.single is object, expected an array");
  expect_refused(single("[]"), "post_processor.single has no text in it");
  expect_refused(single(R"([{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}])"),
                 "post_processor.single[1] is not");
  expect_refused(single(R"([{"Sequence": {"id": "B"}}])"), "post_processor.single[0] is not");
  expect_refused(single(R"([{"SpecialToken": {"id": "</s>"}}])"), "post_processor.special_tokens.</s> is missing");
  expect_refused([](Json& file) { file["post_processor"]["special_tokens"]["<s>"]["ids"] = {-1}; },
                 "post_processor.special_tokens.<s>.ids[0] is -1");
  expect_refused([](Json& file) { file["post_processor"]["special_tokens"]["<s>"]["ids"] = Json::array_t(2000, 3); },
                 "more than 1024 special tokens");
}

TEST(TokenizerErrors, TextsThatGrowWithoutBoundAreStopped) {
  Json doubling = Json::array();
  for (int i = 0; i < 40; ++i) {
    doubling.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
  }
  Json file = Json::parse(R"({"model": {"vocab": {"a": 0}, "merges": []}})");
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", doubling}};
  EXPECT_THROW(Tokenizer::from_json(file.dump(), "t").encode("aaaa"), ModelError);
  file.erase("normalizer");
  Json decoders = Json::array();
  for (int i = 0; i < 30; ++i) decoders.push_back(doubling[0]);
  file["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  EXPECT_THROW(Tokenizer::from_json(file.dump(), "t").decode(std::vector<std::int32_t>{0, 0}), ModelError);
}

}  // namespace
}  // namespace e5v::text
