#include "model/config_fields.h"

#include <gmock/gmock.h>

#include <limits>

#include "model/config_files.h"

namespace e5v::model::test {
namespace {

using testing::ThrowsMessage;

constexpr Range<std::int64_t> kWhole{-3, 10};
constexpr Range<double> kReal{0.5, 2};

TEST(Fields, AbsentAndNullKeysTakeTheFallback) {
  const Json json = {{"none", nullptr}};
  const Fields fields(json, "f");
  for (const char* key : {"none", "absent"}) {
    EXPECT_FALSE(fields.has(key));
    EXPECT_EQ(fields.integer(key, 77, kWhole), 77);  // a fallback may lie outside
    EXPECT_EQ(fields.real(key, 9.0, kReal), 9);
    EXPECT_EQ(fields.text(key, "x"), "x");
    EXPECT_TRUE(fields.flag(key, true));
    EXPECT_FALSE(fields.child(key));
  }
  EXPECT_NE(fields.find("none"), nullptr);
  EXPECT_EQ(fields.find("absent"), nullptr);
}

TEST(Fields, ValuesAreReadWithinTheirRange) {
  const Json json = {{"low", -3}, {"high", 10}, {"half", 0.5}, {"two", 2}, {"text", ""}, {"flag", false}};
  const Fields fields(json, "f");
  EXPECT_EQ(fields.integer("low", std::nullopt, kWhole), -3);
  EXPECT_EQ(fields.integer("high", std::nullopt, kWhole), 10);
  EXPECT_EQ(fields.real("half", std::nullopt, kReal), 0.5);
  EXPECT_EQ(fields.real("two", std::nullopt, kReal), 2);
  EXPECT_EQ(fields.text("text", "x"), "");
  EXPECT_FALSE(fields.flag("flag", true));
}

TEST(Fields, WrongValuesNameKeyRangeAndValue) {
  const auto expect_message = [](const Json& value, const auto& read, const std::string& message) {
    const Json json = {{"k", value}};
    EXPECT_THAT([&] { read(Fields(json, "f")); }, ThrowsMessage<ModelError>("[f] \"k\": expected " + message));
  };
  const auto integer = [](const Fields& fields) { fields.integer("k", 1, kWhole); };
  const auto real = [](const Fields& fields) { fields.real("k", 1.0, kReal); };
  const auto text = [](const Fields& fields) { fields.text("k", "x"); };
  const auto flag = [](const Fields& fields) { fields.flag("k", false); };
  expect_message(11, integer, "an integer in [-3, 10], found 11");
  expect_message(-4, integer, "an integer in [-3, 10], found -4");
  expect_message(1.0, integer, "an integer in [-3, 10], found 1.0");
  expect_message(true, integer, "an integer in [-3, 10], found true");
  // As a signed number it would be -1, which is in the range.
  expect_message(std::numeric_limits<std::uint64_t>::max(), integer,
                 "an integer in [-3, 10], found 18446744073709551615");
  expect_message(0.49, real, "a number in [0.5, 2], found 0.49");
  expect_message(std::numeric_limits<double>::quiet_NaN(), real, "a number in [0.5, 2], found null");
  expect_message("1", real, "a number in [0.5, 2], found \"1\"");
  expect_message(3, text, "a string, found 3");
  expect_message(Json::array({1, 2}), text, "a string, found a list of 2");
  expect_message(1, flag, "true or false, found 1");
  expect_message({{"a", 1}}, flag, "true or false, found an object");
}

TEST(Fields, WithoutAFallbackTheKeyMustBeThere) {
  const Json json = {{"none", nullptr}};
  const Fields fields(json, "f");
  EXPECT_THAT([&] { fields.integer("absent", std::nullopt, kWhole); },
              ThrowsMessage<ModelError>("[f] \"absent\": expected an integer in [-3, 10], found nothing"));
  EXPECT_THAT([&] { fields.real("none", std::nullopt, kReal); },
              ThrowsMessage<ModelError>("[f] \"none\": expected a number in [0.5, 2], found null"));
  EXPECT_THAT([&] { fields.text("absent", std::nullopt); },
              ThrowsMessage<ModelError>("[f] \"absent\": expected a string, found nothing"));
}

TEST(Fields, ChildrenNameTheObjectsAroundThem) {
  const Json json = {{"a", {{"b", {{"c", 5}}}}}, {"d", 1}};
  const Fields fields(json, "f");
  const Fields inner = fields.child("a")->child("b").value();
  EXPECT_EQ(inner.origin(), "f");
  EXPECT_EQ(inner.integer("c", std::nullopt, {0, 5}), 5);
  EXPECT_THAT(
      [&] {
        inner.integer("c", std::nullopt, {0, 4});
      },
      ThrowsMessage<ModelError>("[f] \"a.b.c\": expected an integer in [0, 4], found 5"));
  EXPECT_THAT([&] { fields.child("d"); }, ThrowsMessage<ModelError>("[f] \"d\": expected an object, found 1"));
  EXPECT_THAT([&] { Fields(json["d"], "f"); }, ThrowsMessage<ModelError>("[f] expected an object, found 1"));
}

TEST(Fields, ChecksShowTheDefaultOfAnAbsentKey) {
  const Json json = {{"k", "v"}};
  const Fields fields(json, "f");
  EXPECT_NO_THROW(fields.check(true, "k", "w"));
  EXPECT_THAT([&] { fields.check(false, "k", "w", "d"); },
              ThrowsMessage<ModelError>("[f] \"k\": expected w, found \"v\""));
  EXPECT_THAT([&] { fields.check(false, "absent", "w", "d"); },
              ThrowsMessage<ModelError>("[f] \"absent\": expected w, found d"));
}

TEST(Fields, MessagesAreShortAndOnOneLine) {
  try {
    parse(llava_with("/text_config/model_type", std::string(100'000, 'x') + "\n"));
    ADD_FAILURE() << "no exception";
  } catch (const ModelError& error) {
    EXPECT_LT(std::string(error.what()).size(), 200u);
  }
}

}  // namespace
}  // namespace e5v::model::test
