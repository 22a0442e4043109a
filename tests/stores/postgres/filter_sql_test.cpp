#include "stores/postgres/filter_sql.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::stores::postgres {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

std::vector<std::string> texts_of(const std::vector<Value>& values) {
  std::vector<std::string> texts;
  for (const Value& value : values) texts.push_back(*value.bytes);
  return texts;
}

// What the conditions mean is tested with a server (store_test).
TEST(FilterSqlTest, ValuesAreParameters) {
  std::vector<Value> values{Value::of("first")};
  const std::string sql = filter_sql(
      {.from = "2019", .to = "2020-01", .camera = "x' OR 1", .folder = "/p/'q", .min_rating = 3, .min_megapixels = 12},
      values);
  EXPECT_THAT(texts_of(values), ElementsAre("first", "/p/'q/", "/p/'q0", "2019", "2020-01~", "x' OR 1", "3", "12"));
  EXPECT_THAT(sql, Not(HasSubstr("OR 1")));
  EXPECT_THAT(sql, HasSubstr("(f.path >= $2::text AND f.path < $3::text)"));
  EXPECT_THAT(sql, HasSubstr("AND p.taken >= $4::text AND p.taken < $5::text"));
  EXPECT_THAT(sql, EndsWith("p.width::bigint * p.height >= $8::double precision * 1e6::double precision"));
}

TEST(FilterSqlTest, WithoutAFilterAPhotoNeedsAFile) {
  std::vector<Value> values;
  EXPECT_EQ(filter_sql({}, values), "EXISTS (SELECT 1 FROM e5v.files f WHERE f.hash = p.hash AND f.state = 'done')");
  EXPECT_TRUE(values.empty());
}

TEST(FilterSqlTest, BadDatesAreRefused) {
  std::vector<Value> values;
  EXPECT_THAT([&] { filter_sql({.from = "July"}, values); },
              ThrowsMessage<InvalidInput>(HasSubstr("[filter] expected a date")));
}

}  // namespace
}  // namespace e5v::stores::postgres
