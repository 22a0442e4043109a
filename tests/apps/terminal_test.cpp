#include "terminal.h"

#include <gmock/gmock.h>

#include <clocale>

namespace e5v::app {
namespace {

class Terminal : public testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(Terminal, Widths) {
  EXPECT_EQ(display_width(""), 0);
  EXPECT_EQ(display_width("cat"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);  // a combining accent
  EXPECT_EQ(display_width("a\nb"), 3);
}

TEST_F(Terminal, FittedIsAsWideAsAsked) {
  EXPECT_EQ(fitted("cat", 5), "cat  ");
  EXPECT_EQ(fitted("cat", 3), "cat");
  EXPECT_EQ(fitted("cats", 3), "ca…");
  EXPECT_EQ(fitted("日本語", 5), "日本…");
  EXPECT_EQ(fitted("日本語", 4), "日… ");  // half a character does not fit
  EXPECT_EQ(fitted("a\tb\n", 4), "a b ");
  EXPECT_EQ(fitted("\xff", 2), "\uFFFD ");
  EXPECT_EQ(fitted("cat", 0), "");
}

TEST_F(Terminal, OneLine) {
  EXPECT_EQ(one_line("a\nb\x1b[2J\x7f"), "a\\nb\\u{1b}[2J\\u{7f}");
  EXPECT_EQ(one_line("naïve 日本"), "naïve 日本");
  EXPECT_EQ(one_line("\xff"), "\uFFFD");
}

TEST_F(Terminal, WrappedBreaksAtBlanks) {
  EXPECT_EQ(wrapped("one two three", 7, 0), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 9, 2), "one two\n  three");
  EXPECT_EQ(wrapped("one\n\n  as it is, whatever its length\ntwo", 9, 0),
            "one\n\n  as it is, whatever its length\ntwo");
  EXPECT_EQ(wrapped("incomprehensibilities", 5, 0), "incomprehensibilities");
  EXPECT_EQ(wrapped("", 5, 0), "");
}

}  // namespace
}  // namespace e5v::app
