#include "text/tokenizer_json.h"

#include <gmock/gmock.h>

#include <string>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::HasSubstr;

std::string refused_file(const std::string& file) {
  return test::message_of([&] { parse_tokenizer_json(file, "t.json"); });
}

TEST(TokenizerJson, TakesTheTwoLargeTablesOutOfTheDocument) {
  const TokenizerJson file = parse_tokenizer_json(R"({"model": {"merges": ["a b", ["b", "a"]], "type": "BPE",
    "vocab": {"ab": 2, "b": 1, "a": 0}}, "version": {"vocab": {"z": 1}, "merges": [5]}})",
                                                  "t.json");
  EXPECT_EQ(file.document, Json::parse(R"({"model": {"merges": [], "type": "BPE", "vocab": {}},
                                           "version": {"vocab": {"z": 1}, "merges": [5]}})"));
  EXPECT_EQ(file.vocabulary.size(), 3);
  EXPECT_EQ(file.vocabulary.id_of("ab"), 2);
  EXPECT_EQ(file.vocabulary.id_of("z"), std::nullopt);
  EXPECT_THAT(file.merges.front(), Json("a b"));
  EXPECT_EQ(file.merges.size(), 2u);
}

TEST(TokenizerJson, WhatIsNotJsonIsRefused) {
  for (const std::string& file :
       {std::string(), std::string("{\"model\": {\"vocab\": {\"a\": 0"), std::string("{}\0", 3)})
    EXPECT_THAT(refused_file(file), HasSubstr("is not JSON")) << file;
}

TEST(TokenizerJson, DeepNestingIsRefused) {
  const std::string deep = std::string(50000, '[') + std::string(50000, ']');
  for (const std::string& file :
       {std::string(100000, '['), R"({"model": )" + deep + "}", R"({"model": {"vocab": {}, "merges": [)" + deep + "]}}",
        R"({"model": {"vocab": {}, "merges": [], "dropout": )" + deep + "}}"})
    EXPECT_THAT(refused_file(file), HasSubstr("is nested too deeply")) << file.substr(0, 60);
}

TEST(TokenizerJson, IdsAreWholeNumbersInRange) {
  const auto id = [](const std::string& value) {
    return refused_file(R"({"model": {"vocab": {"a": )" + value + "}}}");
  };
  EXPECT_EQ(id("4194303"), "no error");
  EXPECT_EQ(id("-1"), R"([t.json] model.vocab gives -1 to "a", expected a whole number in [0, 4194303])");
  EXPECT_THAT(id("4194304"), HasSubstr("gives 4194304"));
  EXPECT_THAT(id("18446744073709551615"), HasSubstr("gives 18446744073709551615"));
  EXPECT_THAT(id("1e30"), HasSubstr("gives 1e+30"));
  EXPECT_THAT(id(R"("0")"), HasSubstr("gives string"));
  EXPECT_THAT(id(R"({"b": {"c": 1}})"), HasSubstr("gives a container"));
  EXPECT_THAT(id("[0]"), HasSubstr("gives a container"));
}

TEST(TokenizerJson, TokensAndIdsAreGivenOnce) {
  EXPECT_THAT(refused_file(R"({"model": {"vocab": {"a\n": 0, "b": 0}}})"),
              HasSubstr(R"(gives the id 0 to "b", which "a\n" has already)"));
  EXPECT_THAT(refused_file(R"({"model": {"vocab": {"a": 0, "a": 1}}})"),
              HasSubstr(R"(gives the id 1 to "a", which has the id 0)"));
}

}  // namespace
}  // namespace e5v::text
