#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Ids = std::vector<std::int32_t>;

const Tokenizer& golden_tokenizer() {
  static const Tokenizer instance = Tokenizer::from_file(e5v::test::golden("ckpt/tiny-small-f32/tokenizer.json"));
  return instance;
}

const Json& strings() {
  static const Json instance = read_json(e5v::test::golden("tokenizer/tokenizer_goldens.json"));
  return instance;
}

TEST(Tokenizer, GivesTheIdsOfAllGoldenStrings) {
  ASSERT_EQ(strings().size(), 446u);
  for (const Json& item : strings()) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(golden_tokenizer().encode(text), item["ids_small"].get<Ids>()) << item["category"] << " " << item["text"];
  }
}

TEST(Tokenizer, ByteLevelTextsComeBackByteForByte) {
  for (const Json& item : strings()) {
    const auto text = item["text"].get<std::string>();
    const Ids ids = golden_tokenizer().encode(text, false);
    EXPECT_EQ(golden_tokenizer().decode(ids), text) << item["text"];
    // A cut inside a character leaves what to_valid_utf8 leaves.
    std::string bytes;
    for (const std::int32_t id : ids) bytes += golden_tokenizer().decode(Ids{id});
    if (bytes == text) continue;  // no token ends inside a character
    for (std::size_t count = 0; count <= ids.size(); ++count) {
      EXPECT_TRUE(is_valid_utf8(golden_tokenizer().decode(std::span(ids).first(count))));
    }
  }
}

// reference_cases.json is written by make_reference_cases.py with Hugging Face's library.
TEST(Tokenizer, AgreesWithTheReferenceOnEveryKindOfStep) {
  const Json cases = read_json(E5V_TEXT_CASES "/reference_cases.json");
  ASSERT_GT(cases.size(), 40u);
  for (const Json& item : cases) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const Tokenizer tokenizer = Tokenizer::from_json(item["tokenizer"].dump(), "case");
    for (const Json& row : item["text_ids_decoded"]) {
      const auto ids = row[1].get<Ids>();
      EXPECT_EQ(tokenizer.encode(row[0].get<std::string>()), ids) << row[0];
      EXPECT_EQ(tokenizer.decode(ids, {.skip_special_tokens = true}), row[2].get<std::string>()) << row[0];
    }
  }
}

Json letters() {
  return Json::parse(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
}

TEST(Tokenizer, ModelMayComeBeforeOrAfterAnything) {
  const Tokenizer tokenizer = Tokenizer::from_json(
      R"({"model": {"merges": ["a b"], "vocab": {"ab": 2, "b": 1, "a": 0}}, "added_tokens":
          [{"id": 9, "content": "<x>", "special": true}], "version": {"vocab": {"z": 1}}})",
      "order");
  EXPECT_THAT(tokenizer.encode("ab<x>b"), ElementsAre(2, 9, 1));
  EXPECT_EQ(tokenizer.size(), 10);
}

TEST(Tokenizer, IdsPiecesAndSize) {
  const Tokenizer& tokenizer = golden_tokenizer();
  EXPECT_EQ(tokenizer.id_of("<image>"), 2304);
  EXPECT_EQ(tokenizer.id_of("<|begin_of_text|>"), 2048);
  EXPECT_EQ(tokenizer.id_of("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer.size(), 2305);
  EXPECT_EQ(tokenizer.piece(2304), "<image>");
  EXPECT_EQ(tokenizer.piece(*tokenizer.id_of("Ġthe")), "Ġthe");
  EXPECT_THROW(tokenizer.piece(2305), InvalidInput);
  EXPECT_THROW(tokenizer.piece(-1), InvalidInput);
  EXPECT_FALSE(tokenizer.byte_fallback());
}

TEST(Tokenizer, DecodeLeavesOutWhatItIsTold) {
  const Tokenizer& tokenizer = golden_tokenizer();
  const Ids ids = tokenizer.encode("It is n't <image> so .");
  EXPECT_EQ(tokenizer.decode(ids), "<|begin_of_text|>It is n't <image> so .");
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special_tokens = true}), "It is n't <image> so .");
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special_tokens = true, .clean_up_spaces = true}), "It isn't <image> so.");
  EXPECT_EQ(tokenizer.decode(Ids{-5, 64, 2304 + 60, 1 << 30}), tokenizer.decode(Ids{64}));
  EXPECT_EQ(tokenizer.decode({}), "");
}

TEST(Tokenizer, EnsureAddedTokenAddsAboveTheVocabulary) {
  Tokenizer tokenizer = Tokenizer::from_json(letters().dump(), "letters");
  EXPECT_TRUE(tokenizer.encode("<image>") == Ids{0});  // just the letter in it
  tokenizer.ensure_added_token("<image>", 128256);
  EXPECT_THAT(tokenizer.encode("a<image>b"), ElementsAre(0, 128256, 1));
  EXPECT_EQ(tokenizer.size(), 128257);
  tokenizer.ensure_added_token("<image>", 5);  // keeps its id
  EXPECT_EQ(tokenizer.id_of("<image>"), 128256);
  tokenizer.ensure_added_token("ab", 77);  // the model's own token keeps its id, too
  EXPECT_EQ(tokenizer.id_of("ab"), 2);
  EXPECT_EQ(tokenizer.decode(Ids{128256}, {.skip_special_tokens = true}), "<image>");
  EXPECT_THROW(tokenizer.ensure_added_token("<other>", 1), ModelError);
  EXPECT_THROW(tokenizer.ensure_added_token("<other>", 128256), ModelError);
  EXPECT_THROW(tokenizer.ensure_added_token("<other>", -1), ModelError);
  EXPECT_THROW(tokenizer.ensure_added_token("<other>", 1 << 30), ModelError);
}

TEST(Tokenizer, TextMustBeUtf8) {
  EXPECT_THROW(golden_tokenizer().encode("a\xFF"), InvalidInput);
  EXPECT_THROW(golden_tokenizer().encode("\xE2\x96"), InvalidInput);
}

TEST(Tokenizer, AFileWithoutAModelIsRefusedByMessage) {
  const auto refusal = [](const std::string& file) {
    return test::message_of([&] { Tokenizer::from_json(file, "t.json"); });
  };
  EXPECT_EQ(refusal("[]"), "[t.json] the document is array, expected an object");
  EXPECT_EQ(refusal("{}"), "[t.json] model is missing");
  EXPECT_EQ(refusal(R"({"model": null})"), "[t.json] model is missing");
  EXPECT_EQ(refusal(R"({"model": [[[]]]})"), "[t.json] model is array, expected an object");
  EXPECT_THAT([] { Tokenizer::from_file(e5v::test::golden("no such file")); },
              ThrowsMessage<ModelError>(HasSubstr("no such file")));
  EXPECT_THAT([] { Tokenizer::from_file(e5v::test::golden("tokenizer")); },
              ThrowsMessage<ModelError>(HasSubstr("is a folder")));
}

TEST(Tokenizer, APatternThatGivesUpOnATokenOfTheFile) {
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

TEST(Tokenizer, MegabytesWithoutABlankTakeSeconds) {
  const std::string pieces[] = {std::string(1 << 20, 'a'), std::string(1 << 20, ' '), std::string(1 << 20, '\n')};
  for (const std::string& text : pieces) {
    const Ids ids = golden_tokenizer().encode(text, false);
    EXPECT_EQ(golden_tokenizer().decode(ids), text);
  }
  const Json hostile = Json::parse(R"({"model": {"vocab": {" ": 0}, "merges": []}, "added_tokens":
      [{"id": 0, "content": " ", "lstrip": true, "rstrip": true}]})");
  EXPECT_FALSE(Tokenizer::from_json(hostile.dump(), "blanks").encode(std::string(1 << 20, ' ')).empty());
}

TEST(Tokenizer, MovesAndServesManyThreads) {
  Tokenizer first = Tokenizer::from_file(e5v::test::golden("ckpt/tiny-small-f32/tokenizer.json"));
  const Tokenizer second = std::move(first);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const Json& item : strings()) {
        EXPECT_EQ(second.encode(item["text"].get<std::string>()), item["ids_small"].get<Ids>());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace e5v::text
