#include "option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace e5v::app {
namespace {

enum class Colour { none, white, black };

/// The fields that a table sets, with defaults that no other part of the program has.
struct Fields {
  int count = 7, unset = 0;
  double share = 0.25;
  bool loud = false;
  std::string name = "noon", empty;
  std::filesystem::path folder = "somewhere";
  Colour colour = Colour::black, automatic = Colour::none;
  std::string shape = "round";
  std::vector<std::string> parts{"a", "b"}, seen;
};

class OptionTable : public testing::Test {
 protected:
  OptionTable() {
    const std::vector<std::pair<std::string, Colour>> colours{{"white", Colour::white}, {"black", Colour::black}};
    add_table(app_, {
                        {"--count", whole(fields_.count, 1, 9), "the count"},
                        {"--unset", whole(fields_.unset, 1, 9), "the other count", "as many as there are"},
                        {"--share", real(fields_.share, 0, 1), "the share"},
                        {"--loud", flag(fields_.loud), "speak up"},
                        {"--name", text(fields_.name, "NAME"), "the name"},
                        {"--empty", text(fields_.empty, "NAME"), "the other name"},
                        {"--folder", path(fields_.folder, "DIR").required(), "the folder"},
                        {"--colour", choice(fields_.colour, colours, "COLOUR"), "the colour"},
                        {"--automatic", choice(fields_.automatic, colours, "COLOUR"), "the other colour", "by day"},
                        {"--shape", choice(fields_.shape, {"round", "square"}, "SHAPE"), "the shape"},
                        {"--parts", names(fields_.parts, "PARTS", {"a", "b", "c"}), "the parts"},
                        {"--seen", repeated([this](const std::string& value) { fields_.seen.push_back(value); }, "X"),
                         "a thing that was seen"},
                    });
  }

  std::string default_of(const char* name) { return app_.get_option(name)->get_default_str(); }

  /// The error of a command line, or nothing.
  std::string parse(std::vector<std::string> words) {
    words.push_back("--folder=here");
    std::reverse(words.begin(), words.end());
    try {
      app_.parse(words);
      return "";
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
  }

  Fields fields_;
  CLI::App app_{"test", "test"};
};

TEST_F(OptionTable, DefaultsAreTheFieldsValues) {
  EXPECT_EQ(default_of("--count"), "7");
  EXPECT_EQ(default_of("--share"), "0.25");
  EXPECT_EQ(default_of("--name"), "noon");
  EXPECT_EQ(default_of("--folder"), "somewhere");
  EXPECT_EQ(default_of("--colour"), "black");
  EXPECT_EQ(default_of("--shape"), "round");
  EXPECT_EQ(default_of("--parts"), "a,b");
}

TEST_F(OptionTable, FieldsWithoutAValueShowWhatHoldsInstead) {
  EXPECT_EQ(default_of("--unset"), "as many as there are");
  EXPECT_EQ(default_of("--automatic"), "by day");
  EXPECT_EQ(default_of("--empty"), "");
  EXPECT_EQ(default_of("--loud"), "");
}

TEST_F(OptionTable, ValuesReachTheirFields) {
  EXPECT_EQ(parse({"--count=3", "--unset=9", "--share=1", "--loud", "--name=x", "--colour=white", "--shape=square",
                   "--parts=c,a", "--seen=1", "--seen=2"}),
            "");
  EXPECT_EQ(fields_.count, 3);
  EXPECT_EQ(fields_.unset, 9);
  EXPECT_EQ(fields_.share, 1);
  EXPECT_TRUE(fields_.loud);
  EXPECT_EQ(fields_.name, "x");
  EXPECT_EQ(fields_.folder, "here");
  EXPECT_EQ(fields_.colour, Colour::white);
  EXPECT_EQ(fields_.shape, "square");
  EXPECT_THAT(fields_.parts, testing::ElementsAre("c", "a"));
  EXPECT_THAT(fields_.seen, testing::ElementsAre("1", "2"));
}

TEST_F(OptionTable, ValuesOutsideOfTheRangeAreNamed) {
  using testing::HasSubstr;
  EXPECT_THAT(parse({"--count=0"}), HasSubstr("--count: expected a whole number from 1 to 9, found 0"));
  EXPECT_THAT(parse({"--count=1.5"}), HasSubstr("--count: expected a whole number from 1 to 9, found 1.5"));
  EXPECT_THAT(parse({"--share=1.01"}), HasSubstr("--share: expected a number from 0 to 1, found 1.01"));
  EXPECT_THAT(parse({"--shape=rond"}), HasSubstr("--shape: expected round or square, found rond, did you mean round?"));
  EXPECT_THAT(parse({"--parts=a,d"}), HasSubstr("--parts: expected a, b or c, found d"));
  EXPECT_THAT(parse({"--parts=a,a"}), HasSubstr("--parts: a is named twice"));
}

TEST(ProblemOfChoice, ListsTheNames) {
  EXPECT_EQ(problem_of_choice("white", {"white", "drop"}), "");
  EXPECT_EQ(problem_of_choice("blue", {"white", "drop"}), "expected white or drop, found blue");
  EXPECT_EQ(problem_of_choice("f23", {"f32", "bf16", "fp8"}),
            "expected f32, bf16 or fp8, found f23, did you mean f32?");
}

}  // namespace
}  // namespace e5v::app
