#include "library/vector_rows.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class VectorRowsTest : public testing::Test {
 protected:
  /// Adds vectors (i, 0.5) from `first` to `last` to the first `rows` rows.
  void write(int rows, int first, int last) const {
    VectorRowWriter writer(path(), 2, rows);
    for (int i = first; i <= last; ++i)
      EXPECT_EQ(writer.add(std::vector{static_cast<float>(i), 0.5f}), rows + i - first);
    writer.flush();
  }
  std::filesystem::path path() const { return folder_.path() / "vectors.f16"; }
  test::TemporaryFolder folder_;
};

TEST_F(VectorRowsTest, RowsAreThoseThatWereAdded) {
  write(0, 1, 3);
  EXPECT_EQ(rows_in(path(), 2), 3);
  const VectorRows rows(path(), 2, 3);
  EXPECT_EQ(static_cast<float>(rows.row(2)[0]), 3);
  EXPECT_EQ(static_cast<float>(rows.row(2)[1]), 0.5f);
  EXPECT_THAT([&] { rows.row(3); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a row below 3, found 3")));
}

TEST_F(VectorRowsTest, WhatFollowsTheNamedRowsIsCut) {
  write(0, 1, 3);
  write(1, 8, 9);
  const VectorRows rows(path(), 2, 3);
  EXPECT_EQ(static_cast<float>(rows.row(0)[0]), 1);
  EXPECT_EQ(static_cast<float>(rows.row(1)[0]), 8);
}

TEST_F(VectorRowsTest, AddedRowsAreNotWrittenBeforeTheFlush) {
  VectorRowWriter writer(path(), 2, 0);
  writer.add(std::vector{1.f, 2.f});
  EXPECT_EQ(rows_in(path(), 2), 0);
  writer.flush();
  EXPECT_EQ(rows_in(path(), 2), 1);
}

TEST_F(VectorRowsTest, MissingRowsAreNamed) {
  EXPECT_EQ(rows_in(path(), 2), 0);
  EXPECT_EQ(VectorRows(path(), 2, 0).rows(), 0);
  write(0, 1, 1);
  EXPECT_THAT([&] { VectorRows(path(), 2, 2); },
              ThrowsMessage<InvalidInput>(HasSubstr("vectors.f16] has 4 bytes, expected 2 rows of 4")));
  EXPECT_THAT([&] { VectorRowWriter(path(), 2, 1).add(std::vector{1.f}); },
              ThrowsMessage<InvalidInput>(HasSubstr("1 numbers for a vector of 2")));
}

}  // namespace
}  // namespace e5v::library
