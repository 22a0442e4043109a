#include "text/added_tokens.h"

#include <gmock/gmock.h>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Added tokens beside a model that knows "a" as 0 and "ab" as 2, in a file that lowers the case of texts.
class AddedTokensTest : public testing::Test {
 protected:
  AddedTokensTest() {
    model_.add("a", 0, "model");
    model_.add("ab", 2, "model");
  }

  /// `list` is the file's added_tokens.
  AddedTokens read(const std::string& list) const {
    const Json document = Json::parse(R"({"added_tokens": )" + list + R"(, "normalizer": {"type": "Lowercase"}})");
    const Section section(document, "t.json");
    return {section, model_, Normalizer(section)};
  }
  std::string refusal(const std::string& list) const {
    return test::message_of([&] { read(list); });
  }

  /// The parts of a text: ids as "#3", stretches as they are.
  static std::vector<std::string> parts(const AddedTokens& tokens, std::string_view text, bool normalized = false) {
    std::vector<std::string> found;
    tokens.split(text, normalized, [&](std::string_view stretch, std::optional<std::int32_t> id) {
      found.push_back(id ? "#" + std::to_string(*id) : std::string(stretch));
    });
    return found;
  }

  Vocabulary model_;
};

TEST_F(AddedTokensTest, TheLeftmostIsCutOutAndOfThoseTheLongest) {
  const AddedTokens tokens = read(R"([{"id": 3, "content": "<s>", "special": true},
                                      {"id": 4, "content": "<s><s>", "special": true},
                                      {"id": 5, "content": "s>x", "special": true}])");
  EXPECT_THAT(parts(tokens, "u<s>v"), ElementsAre("u", "#3", "v"));
  EXPECT_THAT(parts(tokens, "<s><s><s>x"), ElementsAre("#4", "#3", "x"));
  EXPECT_THAT(parts(tokens, "s>xs>"), ElementsAre("#5", "s>"));
  EXPECT_TRUE(parts(tokens, "").empty());
  EXPECT_THAT(parts(AddedTokens(), "<s>"), ElementsAre("<s>"));
}

TEST_F(AddedTokensTest, WhiteSpaceGoesWithTheTokensThatTakeIt) {
  const AddedTokens tokens = read(R"([{"id": 3, "content": "[L]", "lstrip": true, "normalized": false},
                                      {"id": 4, "content": "[R]", "rstrip": true, "normalized": false}])");
  EXPECT_THAT(parts(tokens, "u \n[L] v"), ElementsAre("u", "#3", " v"));
  EXPECT_THAT(parts(tokens, "u [R]\u00A0\nv"), ElementsAre("u ", "#4", "v"));
  EXPECT_THAT(parts(tokens, "[R]  [L]"), ElementsAre("#4", "#3")) << "the white space goes once";
  EXPECT_THAT(parts(tokens, "  [L]"), ElementsAre("#3"));
  EXPECT_THAT(parts(tokens, "[R]  "), ElementsAre("#4"));
}

TEST_F(AddedTokensTest, SingleWordsStandAlone) {
  const AddedTokens tokens = read(R"([{"id": 3, "content": "dog", "single_word": true, "normalized": false}])");
  EXPECT_THAT(parts(tokens, "dog, a dog-house"), ElementsAre("#3", ", a ", "#3", "-house"));
  for (const char* word : {"dogs", "hotdog", "dog_", "1dog", "édog", "dog\u0301"})
    EXPECT_THAT(parts(tokens, word), ElementsAre(word));
}

TEST_F(AddedTokensTest, NormalizedTokensAreLookedForInTheNormalizedText) {
  const AddedTokens tokens = read(R"([{"id": 3, "content": "Dog"},
                                      {"id": 4, "content": "Cat", "special": true},
                                      {"id": 5, "content": "Cow", "special": true, "normalized": true}])");
  EXPECT_THAT(parts(tokens, "Dog Cat Cow dog", false), ElementsAre("Dog ", "#4", " Cow dog"));
  EXPECT_THAT(parts(tokens, "dog cat cow Dog", true), ElementsAre("#3", " cat ", "#5", " Dog"));
}

TEST_F(AddedTokensTest, AreKnownByIdAndContent) {
  const AddedTokens tokens = read(R"([{"id": 9, "content": "<x>", "special": true}, {"id": 2, "content": "ab"},
                                      {"id": 5, "content": "<y>", "special": true}, {"id": 7, "content": ""}])");
  EXPECT_EQ(tokens.vocabulary().id_of("<x>"), 9);
  EXPECT_EQ(tokens.vocabulary().token_of(2), "ab") << "a token of the model may be an added one";
  EXPECT_EQ(tokens.vocabulary().token_of(7), std::nullopt) << "an empty one matches nothing";
  for (const std::int32_t id : {5, 9}) EXPECT_TRUE(tokens.is_special(id));
  for (const std::int32_t id : {0, 2, 7, 10}) EXPECT_FALSE(tokens.is_special(id));
}

TEST_F(AddedTokensTest, MayBeAbsent) {
  const Json document = Json::object();
  const AddedTokens tokens(Section(document, "t.json"), model_, {});
  EXPECT_EQ(tokens.vocabulary().size(), 0);
  EXPECT_EQ(read("null").vocabulary().size(), 0);
}

TEST_F(AddedTokensTest, MalformedOnesAreRefusedByMessage) {
  EXPECT_EQ(refusal("5"), "[t.json] added_tokens is number, expected an array");
  EXPECT_EQ(refusal("[7]"), "[t.json] added_tokens[0] is number, expected an object");
  EXPECT_EQ(refusal(R"([{"id": 4}])"), "[t.json] added_tokens[0].content is missing");
  EXPECT_EQ(refusal(R"([{"content": "x"}])"), "[t.json] added_tokens[0].id is missing");
  for (const char* id : {"-4", "4.5", "99999999999"})
    EXPECT_EQ(refusal(fmt::format(R"([{{"id": {}, "content": "x"}}])", id)),
              fmt::format("[t.json] added_tokens[0].id is {}, expected a whole number in [0, 4194303]", id));
  EXPECT_EQ(refusal(R"([{"id": 9, "content": "x", "lstrip": "no"}])"),
            "[t.json] added_tokens[0].lstrip is string, expected true or false");
}

TEST_F(AddedTokensTest, MeaningsThatAreTakenAreRefusedByMessage) {
  const std::string first = R"([{"id": 3, "content": "<s>"}, )";
  EXPECT_THAT(refusal(first + R"({"id": 3, "content": "x"}])"),
              HasSubstr(R"(added_tokens[1] gives the id 3 to "x", which "<s>" has already)"));
  EXPECT_THAT(refusal(first + R"({"id": 4, "content": "<s>"}])"),
              HasSubstr(R"(added_tokens[1] gives the id 4 to "<s>", which has the id 3 already)"));
  EXPECT_EQ(refusal(R"([{"id": 0, "content": "x"}])"),
            R"([t.json] added_tokens[0] gives the id 0 to "x", which is "a" in the model)");
  EXPECT_EQ(refusal(R"([{"id": 9, "content": "ab"}])"),
            R"([t.json] added_tokens[0] gives the id 9 to "ab", which has the id 2 in the model)");
}

TEST_F(AddedTokensTest, LongOnesAreRefusedByMessage) {
  const auto of_length = [&](std::size_t bytes) {
    return refusal(Json::array({Json{{"id", 9}, {"content", std::string(bytes, 'x')}}}).dump());
  };
  EXPECT_EQ(of_length(1024), "no error");
  EXPECT_THAT(of_length(1025), HasSubstr("\"... with 1025 bytes, more than the limit of 1024"));
}

}  // namespace
}  // namespace e5v::text
