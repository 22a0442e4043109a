#include "http/multipart.h"

#include <gtest/gtest.h>

namespace e5v::http {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

TEST(Multipart, PartsHaveNameFileTypeAndContent) {
  const std::string body =
      "--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nbut red\r\n"
      "--XX\r\ncontent-disposition: form-data; filename=\"a \\\"b\\\".png\"; name=image\r\nContent-Type: "
      "image/png\r\n\r\n"
      "\x89PNG\r\n--X\r\n--XX--\r\n";
  const auto parts = parse_form(kType, body);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "text");
  EXPECT_EQ((*parts)[0].filename, "");
  EXPECT_EQ((*parts)[0].content, "but red");
  EXPECT_EQ((*parts)[1].name, "image");
  EXPECT_EQ((*parts)[1].filename, "a \"b\".png");
  EXPECT_EQ((*parts)[1].type, "image/png");
  EXPECT_EQ((*parts)[1].content, "\x89PNG\r\n--X");
}

TEST(Multipart, APreambleAQuotedBoundaryAndAnEmptyContentAreRead) {
  const auto parts = parse_form("multipart/form-data; charset=utf-8; boundary=\"a b\"",
                                "hello\r\n--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--a b--");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 1u);
  EXPECT_EQ((*parts)[0].content, "");
}

TEST(Multipart, AnEmptyFormHasNoParts) {
  const auto parts = parse_form(kType, "--XX--\r\n");
  ASSERT_TRUE(parts);
  EXPECT_TRUE(parts->empty());
}

TEST(Multipart, WhatIsNoneIsRefused) {
  const std::string part = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nb";
  EXPECT_FALSE(parse_form("multipart/form-data", part + "\r\n--XX--"));           // no boundary
  EXPECT_FALSE(parse_form(kType, ""));                                            // nothing
  EXPECT_FALSE(parse_form(kType, part));                                          // no end
  EXPECT_FALSE(parse_form(kType, "--XX"));                                        // cut
  EXPECT_FALSE(parse_form(kType, "--XX\r\nContent-Type: a\r\n\r\nb\r\n--XX--"));  // no name
  EXPECT_TRUE(
      parse_form(kType, "--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nb\r\n--XX--"));  // an empty one
  EXPECT_FALSE(parse_form(kType, "--XX\r\nContent-Disposition: form-data; name=a"));               // no content
  EXPECT_FALSE(parse_form("multipart/form-data; boundary=" + std::string(71, 'x'), part));
}

}  // namespace
}  // namespace e5v::http
