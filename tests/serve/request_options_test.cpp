#include "serve/request_options.h"

#include "serve/refusal.h"
#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

/// With the model of 128 values.
class RequestOptionsOfAModel : public ServiceTest {
 protected:
  static RequestOptions read(const Json& body) { return options_of(ObjectReader(body), *model()); }

  /// Status, field and message of the refusal.
  template <class Function>
  static void expect_refusal(const Function& function, const std::string& field, const std::string& message) {
    try {
      function();
      ADD_FAILURE() << "expected a refusal: " << message;
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.status(), 400);
      EXPECT_EQ(refusal.field(), field);
      EXPECT_EQ(refusal.what(), message);
    }
  }
};

TEST_F(RequestOptionsOfAModel, AbsentAndNullKeepTheDefaults) {
  const RunOptions run;
  const PrepareOptions prepare;
  for (const Json& body :
       {Json::object(), Json{{"prompt", nullptr}, {"normalize", nullptr}, {"dimensions", nullptr}}}) {
    const RequestOptions options = read(body);
    EXPECT_EQ(options.run.prompt, run.prompt);
    EXPECT_EQ(options.run.normalize, run.normalize);
    EXPECT_EQ(options.run.dimensions, run.dimensions);
    EXPECT_EQ(options.prepare.truncate, prepare.truncate);
    EXPECT_EQ(options.prepare.max_tiles, prepare.max_tiles);
  }
}

TEST_F(RequestOptionsOfAModel, EachHasItsField) {
  const RequestOptions options = read(
      {{"prompt", "sts"}, {"normalize", false}, {"truncate", true}, {"max_tiles", 2}, {"dimensions", 7}, {"x", 1}});
  EXPECT_EQ(options.run.prompt, "sts");
  EXPECT_FALSE(options.run.normalize);
  EXPECT_TRUE(options.prepare.truncate);
  EXPECT_EQ(options.prepare.max_tiles, 2);
  EXPECT_EQ(options.run.dimensions, 7);
}

TEST_F(RequestOptionsOfAModel, ValuesOutOfRangeAreRefusedByTheirField) {
  EXPECT_EQ(read({{"dimensions", 128}}).run.dimensions, 128);
  expect_refusal(
      [] {
        read({{"dimensions", 129}});
      },
      "dimensions", "[dimensions] expected a whole number from 1 to 128, found 129");
  expect_refusal(
      [] {
        read({{"dimensions", 0}});
      },
      "dimensions", "[dimensions] expected a whole number from 1 to 128, found 0");
  EXPECT_EQ(read({{"max_tiles", PrepareOptions::kMaxTiles}}).prepare.max_tiles, PrepareOptions::kMaxTiles);
  EXPECT_THROW(read({{"max_tiles", PrepareOptions::kMaxTiles + 1}}), Refusal);
  EXPECT_THROW(read({{"max_tiles", 0}}), Refusal);
  EXPECT_THROW(read({{"normalize", "yes"}}), Refusal);
  EXPECT_THROW(read({{"truncate", 1}}), Refusal);
  EXPECT_THROW(read({{"prompt", 1}}), Refusal);
}

/// Dialects have other names for it, and messages use theirs.
TEST_F(RequestOptionsOfAModel, DimensionsHaveTheNameOfTheDialect) {
  RequestOptions options;
  const Json body = {{"output_dimension", 5}}, wrong = {{"output_dimension", 1000}};
  set_dimensions(options, ObjectReader(body), "output_dimension", *model());
  EXPECT_EQ(options.run.dimensions, 5);
  set_dimensions(options, ObjectReader(body), "dimensions", *model());
  EXPECT_EQ(options.run.dimensions, 5);  // absent: stays
  expect_refusal([&] { set_dimensions(options, ObjectReader(wrong), "output_dimension", *model()); },
                 "output_dimension", "[output_dimension] expected a whole number from 1 to 128, found 1000");
}

TEST_F(RequestOptionsOfAModel, PromptsAreShort) {
  const std::string longest(65536, 'x');
  EXPECT_EQ(read({{"prompt", longest}}).run.prompt, longest);
  expect_refusal(
      [&] {
        read({{"prompt", longest + "x"}});
      },
      "prompt", "[prompt] expected a prompt of at most 65536 bytes, found 65537");
  const Json item = {{"prompt_name", longest + "x"}};
  expect_refusal([&] { prompt_of(ObjectReader(item, "items[0]"), "prompt_name"); }, "items[0].prompt_name",
                 "[items[0].prompt_name] expected a prompt of at most 65536 bytes, found 65537");
  EXPECT_FALSE(prompt_of(ObjectReader(item), "prompt"));
  expect_refusal([] { prompt_of(Json(1), "prompts"); }, "prompts", "[prompts] expected a string, found 1");
}

TEST_F(RequestOptionsOfAModel, ItemsHaveTheOptionsAndTheirFields) {
  EmbeddingCall call{.model = model()};
  const RequestOptions options = read({{"dimensions", 5}, {"truncate", true}});
  add_items(call, {{RequestInput::from_text("a"), "x[0]"}, {RequestInput::from_text("b"), "x[1]"}}, options);
  add_items(call, {{RequestInput::from_text("c"), "y"}}, {});
  ASSERT_EQ(call.items.size(), 3u);
  EXPECT_EQ(call.items[1].input.text, "b");
  EXPECT_EQ(call.items[1].field, "x[1]");
  EXPECT_EQ(call.items[1].run.dimensions, 5);
  EXPECT_TRUE(call.items[1].prepare.truncate);
  EXPECT_EQ(call.items[2].field, "y");
  EXPECT_FALSE(call.items[2].prepare.truncate);
}

TEST_F(RequestOptionsOfAModel, RequestsHaveAtLeastOneItemAndNotTooMany) {
  EXPECT_NO_THROW(check_count(1, 3, "input"));
  EXPECT_NO_THROW(check_count(3, 3, "input"));
  expect_refusal([] { check_count(0, 3, "texts"); }, "texts", "[texts] expected at least one input, found none");
  expect_refusal([] { check_count(4, 3, "input"); }, "input", "[input] expected at most 3 inputs, found 4");
}

}  // namespace
}  // namespace e5v::serve
