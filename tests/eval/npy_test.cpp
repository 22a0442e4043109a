#include "eval/npy.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

using testing::HasSubstr;

/// A file as NumPy writes it.
std::string npy(std::string dictionary, const std::vector<float>& values, char major = 1) {
  const std::size_t before = major == 1 ? 10 : 12;
  dictionary.resize((before + dictionary.size() + 64) / 64 * 64 - before - 1, ' ');
  dictionary += '\n';
  std::string file = std::string("\x93NUMPY") + major + '\0';
  const auto length = static_cast<std::uint32_t>(dictionary.size());
  file.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  file += dictionary;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

constexpr const char* kTwoByThree = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
const std::vector<float> kSix{1, 2, 3, 4, 5, 6};

class Npy : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  void expect_refused(const std::string& content, const std::string& part) {
    try {
      NpyFile file(folder_.write("x.npy", content));
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
      EXPECT_THAT(error.what(), HasSubstr("x.npy"));
    }
  }
};

TEST_F(Npy, ReadsAllVersions) {
  for (const char major : {'\1', '\2', '\3'}) {
    const NpyFile file(folder_.write("x.npy", npy(kTwoByThree, kSix, major)));
    const tensor::ConstMatrix matrix = file.matrix();
    ASSERT_EQ(matrix.rows, 2);
    ASSERT_EQ(matrix.columns, 3);
    EXPECT_EQ(matrix.row<float>(1)[2], 6);
  }
}

TEST_F(Npy, VectorsOfLengthOneStayWhereTheyAre) {
  const UnitVectors scaled{NpyFile(folder_.write("x.npy", npy(kTwoByThree, {0, 1, 0, 0.6f, 0, 0.8f})))};
  EXPECT_FALSE(scaled.is_copy());
  EXPECT_EQ(scaled.matrix().row<float>(1)[2], 0.8f);
  const UnitVectors others{NpyFile(folder_.write("x.npy", npy(kTwoByThree, {0, 1, 0, 3, 0, 4})))};
  EXPECT_TRUE(others.is_copy());
  EXPECT_EQ(others.matrix().row<float>(0)[1], 1);
  EXPECT_FLOAT_EQ(others.matrix().row<float>(1)[2], 0.8f);
}

TEST_F(Npy, RefusesWhatItCannotBe) {
  expect_refused("no numpy file at all", "no .npy file");
  expect_refused(npy(kTwoByThree, {1, 2, 3}), "12 bytes of numbers");
  expect_refused(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }", kSix), "expected float32");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", kSix), "Fortran");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", kSix), "two axes");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", {}), "empty");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", kSix),
                 "bytes of numbers");
  expect_refused(npy("{'descr': '<f4'}", kSix), "no descr, fortran_order and shape");
  expect_refused(npy(kTwoByThree, kSix, 9), "version 9");
  expect_refused(npy(kTwoByThree, kSix).substr(0, 40), "ends in its header");
  expect_refused(npy(kTwoByThree, {1, 2, 3, 4, NAN, 6}), "row 1 is not finite");
}

}  // namespace
}  // namespace e5v::eval
