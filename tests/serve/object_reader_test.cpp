#include "serve/object_reader.h"

#include <gmock/gmock.h>

#include "serve/refusal.h"

namespace e5v::serve {
namespace {

template <class Body>
void expect_refusal(Body body, const std::string& message, const std::string& field) {
  try {
    body();
    FAIL() << "expected: " << message;
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.what(), message);
    EXPECT_EQ(refusal.field(), field);
    EXPECT_EQ(refusal.status(), 400);
  }
}

TEST(ObjectReader, ValuesHaveTheirTypes) {
  const Json object = {{"t", "x"}, {"f", true}, {"w", 5}, {"n", nullptr}};
  const ObjectReader reader(object);
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.flag("f"), true);
  EXPECT_EQ(reader.whole("w", 1, 5), 5);
  EXPECT_EQ(reader.choice("t", {"x", "y"}), "x");
  EXPECT_FALSE(reader.text("n"));
  EXPECT_FALSE(reader.whole("missing"));
}

TEST(ObjectReader, ANumberWithoutAFractionIsWhole) {
  const Json object = {{"w", 5.0}, {"n", -2e3}};
  const ObjectReader reader(object);
  EXPECT_EQ(reader.whole("w", 1, 5), 5);
  EXPECT_EQ(reader.whole("n"), -2000);
  EXPECT_EQ(whole_number(9007199254740992.0), 9007199254740992);
  for (const Json& other : {Json(1.5), Json(1e300), Json(-1e17), Json(18446744073709551615u), Json("5"), Json(true)})
    EXPECT_FALSE(whole_number(other)) << other.dump();
}

TEST(ObjectReader, WhatIsWrongIsNamed) {
  const Json object = {{"t", "x"}, {"w", 5}, {"l", {1, 2}}, {"big", 18446744073709551615u}, {"o", Json::object()},
                       {"r", 1.5}};
  const ObjectReader reader(object, "input[3]");
  expect_refusal([&] { reader.text("w"); }, "[input[3].w] expected a string, found 5", "input[3].w");
  expect_refusal([&] { reader.flag("t"); }, "[input[3].t] expected true or false, found \"x\"", "input[3].t");
  expect_refusal([&] { reader.whole("l"); }, "[input[3].l] expected a whole number, found a list of 2", "input[3].l");
  expect_refusal([&] { reader.whole("w", 6); }, "[input[3].w] expected a whole number of at least 6, found 5",
                 "input[3].w");
  expect_refusal([&] { reader.whole("w", 1, 4); }, "[input[3].w] expected a whole number from 1 to 4, found 5",
                 "input[3].w");
  expect_refusal([&] { reader.whole("big"); }, "[input[3].big] expected a whole number, found 18446744073709551615",
                 "input[3].big");
  expect_refusal([&] { reader.whole("r"); }, "[input[3].r] expected a whole number, found 1.5", "input[3].r");
  expect_refusal([&] { reader.choice("t", {"a", "b"}); }, "[input[3].t] expected a or b, found \"x\"", "input[3].t");
  expect_refusal([&] { reader.text("o"); }, "[input[3].o] expected a string, found an object", "input[3].o");
  expect_refusal([&] { ObjectReader(object["l"], "x"); }, "[x] expected an object, found a list of 2", "x");
}

}  // namespace
}  // namespace e5v::serve
