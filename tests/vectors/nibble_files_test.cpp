#include "vectors/nibble_files.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "random_vectors.h"
#include "temporary_folder.h"

namespace e5v::vectors {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_equal(const NibbleRows& found, const NibbleRows& expected) {
  EXPECT_EQ(found.width, expected.width);
  EXPECT_THAT(found.high, ElementsAreArray(expected.high));
  EXPECT_THAT(found.low, ElementsAreArray(expected.low));
  EXPECT_THAT(std::as_bytes(found.bounds), ElementsAreArray(std::as_bytes(expected.bounds)));
}

class NibbleFilesTest : public testing::Test {
 protected:
  e5v::test::TemporaryFolder folder_;
  tensor::Tensor vectors_ = e5v::test::random_vectors(50, 200);
  tensor::ConstMatrix matrix_ = tensor::matrix_of(vectors_.view());

  /// The first rows in memory.
  NibbleRows expected(std::int64_t rows) {
    buffer_.clear();
    buffer_.append(matrix_.row_range(0, rows));
    return buffer_.rows();
  }

  NibbleBuffer buffer_{200};
};

TEST_F(NibbleFilesTest, HoldWhatWasAppended) {
  {
    NibbleFiles files(folder_.path(), 200, 0);
    files.append(matrix_.row_range(0, 30));
    files.append(matrix_.row_range(30, 20));
    files.sync();
    EXPECT_EQ(files.rows(), 50);
  }
  expect_equal(MappedNibbles::open(folder_.path(), 200, 50)->rows(), expected(50));
  expect_equal(MappedNibbles::open(folder_.path(), 200, 7)->rows(), expected(7));
  EXPECT_EQ(MappedNibbles::open(folder_.path(), 200, 0)->rows().rows(), 0);
  EXPECT_FALSE(MappedNibbles::open(folder_.path(), 200, 51));
}

TEST_F(NibbleFilesTest, RowsOfAnInterruptedProcessAreCutOff) {
  NibbleFiles(folder_.path(), 200, 0).append(matrix_);
  NibbleFiles files(folder_.path(), 200, 20);
  EXPECT_EQ(files.rows(), 20);
  files.append(matrix_.row_range(20, 10));
  expect_equal(MappedNibbles::open(folder_.path(), 200, 30)->rows(), expected(30));
  EXPECT_FALSE(MappedNibbles::open(folder_.path(), 200, 31));
}

/// A row that is missing in one file is missing.
TEST_F(NibbleFilesTest, AreEmptiedIfTheyHaveTooFewRows) {
  for (const char* name : {"rounded.high", "rounded.low", "rounded.bounds"}) {
    NibbleFiles(folder_.path(), 200, 0).append(matrix_);
    std::filesystem::resize_file(folder_.path() / name, std::filesystem::file_size(folder_.path() / name) - 1);
    EXPECT_FALSE(MappedNibbles::open(folder_.path(), 200, 50)) << name;
    EXPECT_TRUE(MappedNibbles::open(folder_.path(), 200, 49)) << name;
    EXPECT_EQ(NibbleFiles(folder_.path(), 200, 50).rows(), 0) << name;
  }
  EXPECT_FALSE(MappedNibbles::open(folder_.path() / "absent", 200, 0));
}

TEST_F(NibbleFilesTest, AFolderThatDoesNotExistIsAnError) {
  EXPECT_THAT([&] { const NibbleFiles files(folder_.path() / "absent", 200, 0); },
              ThrowsMessage<InvalidInput>(HasSubstr("rounded.high] cannot be written: ")));
}

}  // namespace
}  // namespace e5v::vectors
