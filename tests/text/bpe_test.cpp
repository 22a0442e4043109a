#include "text/bpe.h"

#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <random>

#include "text/tokenizer_json.h"
#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ids = std::vector<std::int32_t>;

/// "a" 0, "b" 1, "ab" 2.
Json letters_model() { return Json::parse(R"({"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})"); }

Bpe bpe(const Json& model) {
  TokenizerJson file = parse_tokenizer_json(Json{{"model", model}}.dump(), "t.json");
  const Section document(file.document, "t.json");
  return {document.at("model"), std::move(file.vocabulary), file.merges};
}

Ids encoded(const Bpe& model, std::string_view piece) {
  Ids ids;
  Bpe::Scratch scratch;
  model.encode(piece, ids, scratch);
  return ids;
}

/// Changes the letters' model in one member and expects a complaint about it.
std::string bpe_refusal(const char* key, const Json& value) {
  Json model = letters_model();
  model[key] = value;
  return test::message_of([&] { bpe(model); });
}

TEST(Bpe, TheLowestRankIsMergedFirstAndOfEqualsTheLeftmost) {
  const Bpe model = bpe(Json::parse(R"({"vocab": {"a": 0, "b": 1, "c": 2, "bc": 3, "ab": 4, "aa": 5, "aaaa": 6},
                                        "merges": ["b c", "a b", "a a", "aa aa"]})"));
  EXPECT_THAT(encoded(model, "abc"), ElementsAre(0, 3));
  EXPECT_THAT(encoded(model, "abb"), ElementsAre(4, 1));
  EXPECT_THAT(encoded(model, "aaa"), ElementsAre(5, 0));
  EXPECT_THAT(encoded(model, "aaaaa"), ElementsAre(6, 0));
  EXPECT_THAT(encoded(model, "aab"), ElementsAre(0, 4));
  EXPECT_THAT(encoded(model, ""), IsEmpty());
}

/// Byte pair encoding as it is defined: looks for the best pair again after each merge.
Ids encoded_naively(const std::map<std::pair<std::int32_t, std::int32_t>, Merge>& merges, Ids ids) {
  for (;;) {
    Merge best{std::numeric_limits<std::int32_t>::max(), 0};
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found != merges.end() && found->second.rank < best.rank) best = found->second, place = i;
    }
    if (best.rank == std::numeric_limits<std::int32_t>::max()) return ids;
    ids[place] = best.id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(Bpe, AgreesWithItsDefinition) {
  std::mt19937 random(5);
  std::vector<std::string> tokens{"a", "b", "c"};
  Json merges = Json::array();
  std::map<std::pair<std::int32_t, std::int32_t>, Merge> known;
  while (tokens.size() < 60) {
    const std::size_t left = random() % tokens.size(), right = random() % tokens.size();
    const std::string merged = tokens[left] + tokens[right];
    if (merged.size() > 6 || std::ranges::find(tokens, merged) != tokens.end()) continue;
    const Merge merge{static_cast<std::int32_t>(known.size()), static_cast<std::int32_t>(tokens.size())};
    known[{static_cast<std::int32_t>(left), static_cast<std::int32_t>(right)}] = merge;
    merges.push_back({tokens[left], tokens[right]});
    tokens.push_back(merged);
  }
  Json vocabulary;
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  const Bpe model = bpe({{"vocab", vocabulary}, {"merges", merges}});
  for (int i = 0; i < 300; ++i) {
    std::string piece;
    Ids characters;
    for (std::size_t k = random() % 40; k > 0; --k) {
      characters.push_back(static_cast<std::int32_t>(random() % 3));
      piece += "abc"[characters.back()];
    }
    EXPECT_EQ(encoded(model, piece), encoded_naively(known, characters)) << piece;
  }
}

TEST(Bpe, MergesMayBePairsAndFieldsMayBeAbsent) {
  Json description = letters_model();
  description["merges"] = Json::parse(R"([["a", "b"]])");
  for (const char* key : {"type", "unk_token", "dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    description[key] = nullptr;
  EXPECT_THAT(encoded(bpe(description), "abba"), ElementsAre(2, 1, 0));
  EXPECT_THAT(encoded(bpe(letters_model()), "abba"), ElementsAre(2, 1, 0));
  description["dropout"] = 0.0;
  description["continuing_subword_prefix"] = "";
  EXPECT_THAT(encoded(bpe(description), "abba"), ElementsAre(2, 1, 0));
}

TEST(Bpe, CharactersWithoutATokenGoOrAreUnknown) {
  Json description = letters_model();
  EXPECT_THAT(encoded(bpe(description), "a?éb"), ElementsAre(2)) << "what is left are neighbours";
  description["vocab"]["u"] = 9;
  description["unk_token"] = "u";
  EXPECT_THAT(encoded(bpe(description), "a?éa"), ElementsAre(0, 9, 9, 0));
  description["fuse_unk"] = true;
  EXPECT_THAT(encoded(bpe(description), "??a?é?"), ElementsAre(9, 0, 9));
}

TEST(Bpe, CharactersWithoutATokenMayBeTheirBytes) {
  Json description = letters_model();
  description["vocab"]["<0xC3>"] = 3;
  description["vocab"]["<0xA9>"] = 4;
  description["unk_token"] = "b";
  EXPECT_FALSE(bpe(description).byte_fallback());
  description["byte_fallback"] = true;
  const Bpe model = bpe(description);
  EXPECT_TRUE(model.byte_fallback());
  EXPECT_THAT(encoded(model, "aéa"), ElementsAre(0, 3, 4, 0));
  EXPECT_THAT(encoded(model, "è"), ElementsAre(1)) << "one of its bytes has no token";
}

TEST(Bpe, MergesMayBeIgnoredWhereThePieceIsAToken) {
  Json description = letters_model();
  description["vocab"]["aba"] = 3;
  EXPECT_THAT(encoded(bpe(description), "aba"), ElementsAre(2, 0));
  description["ignore_merges"] = true;
  EXPECT_THAT(encoded(bpe(description), "aba"), ElementsAre(3));
  EXPECT_THAT(encoded(bpe(description), "abaa"), ElementsAre(2, 0, 0));
}

TEST(Bpe, TheLastCharacterOfAWordCarriesItsSuffix) {
  Json description = letters_model();
  description["end_of_word_suffix"] = "</w>";
  description["vocab"]["b</w>"] = 3;
  description["vocab"]["ab</w>"] = 4;
  description["merges"] = {"a b</w>", "a b"};
  const Bpe model = bpe(description);
  EXPECT_THAT(encoded(model, "abab"), ElementsAre(2, 4));
  EXPECT_THAT(encoded(model, "b"), ElementsAre(3));
  EXPECT_THAT(encoded(model, "ba"), ElementsAre(1)) << "there is no \"a</w>\"";
}

TEST(Bpe, IdsAreAppended) {
  Ids ids{7};
  Bpe::Scratch scratch;
  const Bpe model = bpe(letters_model());
  model.encode("ab", ids, scratch);
  model.encode("b", ids, scratch);
  EXPECT_THAT(ids, ElementsAre(7, 2, 1));
}

TEST(BpeErrors, Merges) {
  const auto merges = [](const char* text) { return bpe_refusal("merges", Json::parse(text)); };
  EXPECT_EQ(bpe_refusal("merges", nullptr), "[t.json] model.merges is missing");
  EXPECT_EQ(merges(R"({"a": "b"})"), "[t.json] model.merges is object, expected an array");
  EXPECT_EQ(merges(R"(["a b", "ab"])"),
            R"([t.json] model.merges[1] is "\"ab\"", expected "left right" or ["left", "right"])");
  for (const char* malformed : {R"(["a b c"])", R"([["a"]])", R"([["a", 1]])", "[7]"})
    EXPECT_THAT(merges(malformed), HasSubstr("model.merges[0] is")) << malformed;
  EXPECT_EQ(merges(R"(["a x"])"), R"([t.json] model.merges[0] needs the token "x", which the vocabulary lacks)");
  EXPECT_THAT(merges(R"(["b a"])"), HasSubstr(R"(needs the token "ba")"));
}

TEST(BpeErrors, Options) {
  EXPECT_EQ(bpe_refusal("vocab", nullptr), "[t.json] model.vocab is missing");
  EXPECT_EQ(bpe_refusal("vocab", Json::array({1})), "[t.json] model.vocab is array, expected an object");
  EXPECT_EQ(bpe_refusal("type", "Unigram"), R"([t.json] model.type is "Unigram"; supported are BPE)");
  EXPECT_EQ(bpe_refusal("type", 1), "[t.json] model.type is number, expected a string");
  EXPECT_EQ(bpe_refusal("dropout", 0.1), R"([t.json] model.dropout is "0.1"; supported are null)");
  EXPECT_THAT(bpe_refusal("continuing_subword_prefix", "##"), HasSubstr(R"(model.continuing_subword_prefix is "##")"));
  EXPECT_EQ(bpe_refusal("end_of_word_suffix", 1), "[t.json] model.end_of_word_suffix is number, expected a string");
  EXPECT_EQ(bpe_refusal("unk_token", "<unk>"), R"([t.json] model.unk_token is "<unk>", which the vocabulary lacks)");
  EXPECT_EQ(bpe_refusal("byte_fallback", 1), "[t.json] model.byte_fallback is number, expected true or false");
}

}  // namespace
}  // namespace e5v::text
