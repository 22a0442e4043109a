#include "stores/postgres/copy_rows.h"

#include <gmock/gmock.h>

#include <array>

namespace e5v::stores::postgres {
namespace {

using namespace std::string_literals;

TEST(CopyRowsTest, BytesAreThoseOfTheDocumentation) {
  CopyRows copy;
  copy.begin_row(7);
  copy.add_bigint(-2);
  copy.add_integer(258);
  copy.add_smallint(-1);
  copy.add_double(1.5);
  copy.add_null();
  copy.add_text("ab");
  copy.add_halfvec(std::array{tensor::Half(1), tensor::Half(-2)});
  EXPECT_EQ(copy.rows(), 1);
  EXPECT_EQ(copy.data(),
            "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"s
            "\0\7"s
            "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe"s
            "\0\0\0\4\0\0\1\2"s
            "\0\0\0\2\xff\xff"s
            "\0\0\0\x08\x3f\xf8\0\0\0\0\0\0"s
            "\xff\xff\xff\xff"s
            "\0\0\0\2ab"s
            "\0\0\0\x08\0\2\0\0\x3c\0\xc0\0"s
            "\xff\xff"s);
}

TEST(CopyRowsTest, TextsAreWhatTheServerTakes) {
  CopyRows copy, expected, null;
  copy.add_text("a\0b\xff"s);
  expected.add_text("a\uFFFDb\uFFFD");
  EXPECT_EQ(copy.data(), expected.data());
  null.add_null();
  CopyRows empty;
  empty.add_text_or_null("");
  EXPECT_EQ(empty.data(), null.data());
}

}  // namespace
}  // namespace e5v::stores::postgres
