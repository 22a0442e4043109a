#include "text/section.h"

#include <gmock/gmock.h>

#include "text/tokenizer_parts.h"

namespace e5v::text {
namespace {

using test::message_of;

class SectionTest : public testing::Test {
 protected:
  const Json json_ = Json::parse(R"({"a": {"b": [{"c": 1}, {"c": "x"}]}, "none": null, "yes": true,
                                     "number": 3, "half": 0.5, "minus": -1, "most": 4194303, "more": 4194304})");
  const Section document_{json_, "t.json"};
};

TEST(Shown, IsQuotedOnOneLineAndCut) {
  EXPECT_EQ(shown("a\n\"b\""), R"("a\n\"b\"")");
  EXPECT_EQ(shown(""), R"("")");
  EXPECT_EQ(shown(std::string(60, 'x')), '"' + std::string(60, 'x') + '"');
  EXPECT_EQ(shown(std::string(61, 'x')), '"' + std::string(60, 'x') + "\"...");
  EXPECT_EQ(shown(std::string(59, 'x') + "é"), '"' + std::string(59, 'x') + "\uFFFD\"...") << "cut inside a character";
}

TEST_F(SectionTest, KnowsItsPlace) {
  EXPECT_EQ(document_.where(), "[t.json] the document");
  const std::vector<Section> items = document_.at("a").items("b");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].where(), "[t.json] a.b[1]");
  EXPECT_EQ(items[1].at("c").where(), "[t.json] a.b[1].c");
  EXPECT_EQ(items[1].text("c"), "x");
  EXPECT_EQ(items[0].at("c").id(), 1);
}

TEST_F(SectionTest, AMemberThatIsNullIsAbsent) {
  EXPECT_TRUE(document_.has("a"));
  EXPECT_FALSE(document_.has("none"));
  EXPECT_FALSE(document_.has("other"));
  EXPECT_FALSE(document_.at("number").has("a")) << "a number has no members";
  EXPECT_EQ(message_of([&] { document_.at("none"); }), "[t.json] none is missing");
  EXPECT_EQ(message_of([&] { document_.at("a").at("z"); }), "[t.json] a.z is missing");
  EXPECT_EQ(message_of([&] { document_.at("number").at("z"); }), "[t.json] number is number, expected an object");
}

TEST_F(SectionTest, OtherTypesAreRefusedByMessage) {
  EXPECT_EQ(message_of([&] { document_.items("a"); }), "[t.json] a is object, expected an array");
  EXPECT_EQ(message_of([&] { document_.text("number"); }), "[t.json] number is number, expected a string");
  EXPECT_EQ(message_of([&] { document_.flag("number", true); }), "[t.json] number is number, expected true or false");
  EXPECT_EQ(message_of([&] { document_.at("a").id(); }),
            "[t.json] a is object, expected a whole number in [0, 4194303]");
}

TEST_F(SectionTest, FlagsHaveAFallback) {
  EXPECT_TRUE(document_.flag("yes", false));
  EXPECT_TRUE(document_.flag("none", true));
  EXPECT_FALSE(document_.flag("other", false));
}

TEST_F(SectionTest, IdsAndCountsAreWholeAndInRange) {
  EXPECT_EQ(document_.at("most").id(), 4194303);
  EXPECT_EQ(message_of([&] { document_.at("more").id(); }),
            "[t.json] more is 4194304, expected a whole number in [0, 4194303]");
  EXPECT_EQ(document_.at("number").count(3), 3);
  EXPECT_EQ(message_of([&] { document_.at("number").count(2); }),
            "[t.json] number is 3, expected a whole number in [0, 2]");
  EXPECT_EQ(message_of([&] { document_.at("half").count(2); }),
            "[t.json] half is 0.5, expected a whole number in [0, 2]");
  EXPECT_EQ(message_of([&] { document_.at("minus").count(2); }),
            "[t.json] minus is -1, expected a whole number in [0, 2]");
}

TEST_F(SectionTest, SaysWhatIsSupported) {
  EXPECT_EQ(message_of([&] {
              document_.at("a").unsupported("type", "x\ty", {"p", "q"});
            }),
            R"([t.json] a.type is "x\ty"; supported are p, q)");
}

}  // namespace
}  // namespace e5v::text
