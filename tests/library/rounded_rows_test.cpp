#include "library/rounded_rows.h"

#include <gmock/gmock.h>

#include "library/vector_rows.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRoundedWidth = 64;

class RoundedRowsTest : public testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "vectors-3.f16"; }
  fs::path high() const { return rounded_folder(path()) / "rounded.high"; }
  /// Appends a vector to the first rows.
  void add(std::int64_t rows, float value) const {
    VectorRowWriter writer(path(), kRoundedWidth, rows);
    std::vector<float> vector(kRoundedWidth, 0.1f);
    vector[static_cast<std::size_t>(value * 10)] = value;
    writer.add(vector);
    writer.flush();
  }
  /// Whether the files hold the rounded form of the vectors, and nothing else.
  bool is_right(std::int64_t rows) const {
    const VectorRows vectors(path(), kRoundedWidth, rows);
    const RoundedRows rounded(path(), vectors.matrix());
    vectors::NibbleBuffer expected(kRoundedWidth);
    if (rows > 0) expected.append(vectors.matrix());
    return rounded.is_mapped() && std::ranges::equal(rounded.rows().high, expected.rows().high) &&
           std::ranges::equal(rounded.rows().low, expected.rows().low) &&
           vectors::NibbleFiles(rounded_folder(path()), kRoundedWidth, rows).rows() == rows;
  }
  test::TemporaryFolder folder_;
};

TEST_F(RoundedRowsTest, TheyGrowWithTheVectors) {
  EXPECT_EQ(rounded_folder("/a/vectors-12.f16"), "/a/rounded-12");
  add(0, 0.5f), add(1, 0.7f);
  EXPECT_TRUE(is_right(2));
}

TEST_F(RoundedRowsTest, RowsThatAreNotNamedAreCutAndReplaced) {
  add(0, 0.5f), add(1, 0.7f);
  add(1, 0.3f);
  EXPECT_TRUE(is_right(2));
}

TEST_F(RoundedRowsTest, MissingAndShortFilesAreMadeAnew) {
  add(0, 0.5f), add(1, 0.7f);
  for (const char* name : {"rounded.high", "rounded.low", "rounded.bounds"}) {
    fs::resize_file(rounded_folder(path()) / name, 10);
    open_rounded(path(), kRoundedWidth, 2);
    EXPECT_TRUE(is_right(2)) << name;
  }
  fs::remove_all(rounded_folder(path()));
  fs::create_directory(folder_.path() / "rounded-3.new");
  folder_.write("rounded-3.new/rounded.high", "of a killed process");
  open_rounded(path(), kRoundedWidth, 2);
  EXPECT_TRUE(is_right(2));
  EXPECT_FALSE(fs::exists(folder_.path() / "rounded-3.new"));
}

TEST_F(RoundedRowsTest, AReaderWithoutTheFilesRoundsInMemory) {
  add(0, 0.5f), add(1, 0.7f);
  fs::remove(high());
  const VectorRows vectors(path(), kRoundedWidth, 2);
  const RoundedRows rounded(path(), vectors.matrix());
  EXPECT_FALSE(rounded.is_mapped());
  EXPECT_EQ(rounded.rows().rows(), 2);
  EXPECT_FALSE(fs::exists(high())) << "readers write nothing";
}

}  // namespace
}  // namespace e5v::library
