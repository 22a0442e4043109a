#include "vectors/vector_file_reader.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "npy_bytes.h"
#include "temporary_folder.h"
#include "vectors/vector_file.h"

namespace e5v::vectors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

using Rows = std::vector<std::vector<float>>;

/// A file that a run has written, in each format.
class Reader : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path write(const Rows& rows, bool named = true) const {
    const std::filesystem::path path = folder_.path() / GetParam();
    const VectorFormat format = *format_of(path);
    VectorFile file(path, {format, std::ssize(rows[0]), {}});
    for (std::size_t i = 0; i < rows.size(); ++i) file.add(named ? Json("id " + std::to_string(i)) : Json(i), rows[i]);
    file.flush();
    file.complete();
    VectorFile::publish(path, format);
    return path;
  }
  bool is_mapped() const { return std::string_view(GetParam()) != "v.jsonl"; }

  test::TemporaryFolder folder_;
};

TEST_P(Reader, GivesBackRowsAndIds) {
  const VectorFileReader file(write({{1, 2, 3}, {0.1f, -0.5f, 1e-30f}}));
  EXPECT_EQ(file.rows(), 2);
  EXPECT_EQ(file.width(), 3);
  std::vector<double> row(3);
  file.array().read(1, row);
  EXPECT_THAT(row, ElementsAre(0.1f, -0.5f, 1e-30f));
  EXPECT_THAT(*file.ids(), ElementsAre("id 0", "id 1"));
  EXPECT_FALSE(file.has_unit_rows());
  EXPECT_THAT(*VectorFileReader(write({{1}}, false)).ids(), ElementsAre("0"));
}

TEST_P(Reader, UnitVectorsStayWhereTheyAreAndOthersAreScaled) {
  const UnitVectors scaled{VectorFileReader(write({{0, 1}, {0.6f, -0.8f}}))};
  EXPECT_FALSE(scaled.is_copy());
  EXPECT_EQ(scaled.matrix().row<float>(1)[1], -0.8f);
  EXPECT_EQ(scaled.matrix().data, scaled.file().array().numbers);
  const UnitVectors others{VectorFileReader(write({{0, 2}, {3, 4}}))};
  EXPECT_TRUE(others.is_copy());
  EXPECT_EQ(others.matrix().row<float>(0)[1], 1);
  EXPECT_FLOAT_EQ(others.matrix().row<float>(1)[1], 0.8f);
}

TEST_P(Reader, StaysValidWhenItIsMoved) {
  VectorFileReader first(write({{0, 1}}));
  const VectorFileReader second = std::move(first);
  EXPECT_EQ(second.array().rows, 1);
  std::vector<double> row(2);
  second.array().read(0, row);
  EXPECT_THAT(row, ElementsAre(0, 1));
}

TEST_P(Reader, RefusesVectorsWithoutADirection) {
  const auto expect = [&](const Rows& rows, const char* part) {
    EXPECT_THAT([&] { VectorFileReader(write(rows)); },
                ThrowsMessage<InvalidInput>(testing::AllOf(HasSubstr(GetParam()), HasSubstr(part))));
  };
  expect({{1, 2}, {0, 0}}, "row 1 (from 0) is all zeros, so that it has no direction");
  if (is_mapped()) expect({{1, 2}, {1, NAN}}, "row 1 (from 0) holds NaN or infinity");
}

TEST_P(Reader, RefusesFilesOfOtherKindsAndNone) {
  const auto path = folder_.write(GetParam(), "neither an array nor JSON");
  EXPECT_THAT([&] { VectorFileReader{path}; }, ThrowsMessage<InvalidInput>(HasSubstr("[" + path.string())));
  EXPECT_THAT([&] { VectorFileReader{folder_.path() / "none" / GetParam()}; },
              ThrowsMessage<InvalidInput>(HasSubstr("none/")));
}

INSTANTIATE_TEST_SUITE_P(Formats, Reader, testing::Values("v.npy", "v.jsonl", "v.safetensors"));

TEST(VectorFileReader, AnotherEndingIsTakenForNpy) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(VectorFileReader(folder.write("v.bin", test::npy(test::kTwoByThree, test::kSix))).rows(), 2);
  EXPECT_THAT([&] { VectorFileReader(folder.write("v.txt", "some other text")); },
              ThrowsMessage<InvalidInput>(HasSubstr("v.txt] is no .npy file")));
}

TEST(VectorFileReader, IdsOfANpyFileAreBesideItOrNotThere) {
  const test::TemporaryFolder folder;
  const VectorFileReader file(folder.write("v.npy", test::npy(test::kTwoByThree, test::kSix)));
  EXPECT_EQ(file.ids(), std::nullopt);
  folder.write("v.npy.ids.txt", "a\nb\n");
  EXPECT_THAT(*file.ids(), ElementsAre("a", "b"));
  folder.write("v.npy.ids.txt", "a\n");
  EXPECT_THAT([&] { file.ids(); }, ThrowsMessage<InvalidInput>(HasSubstr("v.npy.ids.txt] has 1 ids, expected 2")));
}

TEST(UnitVectors, MayHaveBeenOfOtherTypes) {
  const test::TemporaryFolder folder;
  const auto expect = [&](const std::string& content) {
    const UnitVectors vectors{VectorFileReader(folder.write("x.npy", content))};
    EXPECT_TRUE(vectors.is_copy());
    for (const auto& [column, value] : {std::pair(0, 0.6f), std::pair(1, 0.0f), std::pair(2, -0.8f)})
      EXPECT_FLOAT_EQ(vectors.matrix().row<float>(1)[column], value);
    EXPECT_EQ(vectors.matrix().row<float>(0)[1], 1);
  };
  const std::string shape = ", 'fortran_order': False, 'shape': (2, 3), }";
  expect(test::npy<std::uint16_t>("{'descr': '<f2'" + shape, {0, 0x3C00, 0, 0x4200, 0, 0xC400}));  // 1; 3 and -4
  expect(test::npy<double>("{'descr': '<f8'" + shape, {0, 1, 0, 0.6, 0, -0.8}));
}

}  // namespace
}  // namespace e5v::vectors
