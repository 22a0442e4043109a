#include "vectors/npy.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::vectors {
namespace {

using testing::HasSubstr;

/// A file as NumPy writes it.
template <class T = float>
std::string npy(std::string dictionary, const std::vector<T>& values, char major = 1) {
  const std::size_t before = major == 1 ? 10 : 12;
  dictionary.resize((before + dictionary.size() + 64) / 64 * 64 - before - 1, ' ');
  dictionary += '\n';
  std::string file = std::string("\x93NUMPY") + major + '\0';
  const auto length = static_cast<std::uint32_t>(dictionary.size());
  file.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  file += dictionary;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
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
    EXPECT_EQ(file.array().rows, 2);
    std::vector<double> row(3);
    file.array().read(1, row);
    EXPECT_THAT(row, testing::ElementsAre(4, 5, 6));
  }
}

TEST_F(Npy, ReadsThreeTypesOfNumbers) {
  const auto expect = [&](const std::string& content, bool is_copy) {
    const UnitVectors vectors{NpyFile(folder_.write("x.npy", content))};
    EXPECT_EQ(vectors.is_copy(), is_copy);
    for (const auto& [column, value] : {std::pair(0, 0.6f), std::pair(1, 0.0f), std::pair(2, -0.8f)})
      EXPECT_FLOAT_EQ(vectors.matrix().row<float>(1)[column], value);
    EXPECT_EQ(vectors.matrix().row<float>(0)[1], 1);
  };
  expect(npy<std::uint16_t>("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }",
                            {0, 0x3C00, 0, 0x4200, 0, 0xC400}),
         true);  // 1; 3 and -4
  expect(npy<float>(kTwoByThree, {0, 1, 0, 0.6f, 0, -0.8f}), false);
  expect(npy<double>("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", {0, 1, 0, 0.6, 0, -0.8}), true);
}

TEST_F(Npy, AnyLengthOfAVectorServes) {
  for (const float scale : {1e-40f, 1e-30f, 1e30f, 1e38f}) {
    const UnitVectors vectors{
        NpyFile(folder_.write("x.npy", npy<float>(kTwoByThree, {0, 0.6f * scale, 0.8f * scale, 0, -scale, 0})))};
    EXPECT_NEAR(vectors.matrix().row<float>(0)[1], 0.6f, scale < 1e-38f ? 1e-4 : 1e-6) << scale;
    EXPECT_NEAR(vectors.matrix().row<float>(0)[2], 0.8f, scale < 1e-38f ? 1e-4 : 1e-6) << scale;
    EXPECT_EQ(vectors.matrix().row<float>(1)[1], -1) << scale;
  }
  for (const double scale : {1e-320, 1e-200, 1.7e308}) {
    const UnitVectors vectors{NpyFile(folder_.write(
        "x.npy", npy<double>("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", {scale, -scale})))};
    EXPECT_FLOAT_EQ(vectors.matrix().row<float>(0)[1], -std::sqrt(0.5f)) << scale;
  }
}

TEST_F(Npy, NumbersMayLieAtOddPlaces) {
  std::string content = "\x93NUMPY";
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}";
  content += {'\1', '\0', static_cast<char>(header.size()), '\0'};
  content += header;
  const float values[]{0.6f, 0.8f};
  content.append(reinterpret_cast<const char*>(values), sizeof(values));
  ASSERT_NE(content.size() % sizeof(float), 0u);
  const UnitVectors vectors{NpyFile(folder_.write("x.npy", content))};
  EXPECT_FLOAT_EQ(vectors.matrix().row<float>(0)[1], 0.8f);
}

TEST_F(Npy, VectorsOfLengthOneStayWhereTheyAre) {
  const UnitVectors scaled{NpyFile(folder_.write("x.npy", npy<float>(kTwoByThree, {0, 1, 0, 0.6f, 0, 0.8f})))};
  EXPECT_FALSE(scaled.is_copy());
  EXPECT_EQ(scaled.matrix().row<float>(1)[2], 0.8f);
  const UnitVectors others{NpyFile(folder_.write("x.npy", npy<float>(kTwoByThree, {0, 1, 0, 3, 0, 4})))};
  EXPECT_TRUE(others.is_copy());
  EXPECT_EQ(others.matrix().row<float>(0)[1], 1);
  EXPECT_FLOAT_EQ(others.matrix().row<float>(1)[2], 0.8f);
}

TEST_F(Npy, RefusesWhatItCannotBe) {
  expect_refused("no numpy file at all", "no .npy file");
  expect_refused(npy<float>(kTwoByThree, {1, 2, 3}), "12 bytes of numbers");
  expect_refused(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 5), }", kSix), "24 bytes of numbers");
  for (const std::string type : {">f4", ">f8", "<i4", "<f16", "|u1", "<c8", "|O"})
    expect_refused(npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': (1, 3), }", kSix),
                   "holds numbers of the type \"" + type + "\", expected <f2, <f4 or <f8");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", kSix),
                 "Fortran's order, expected C's; save it with numpy.ascontiguousarray");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", kSix), "two axes");
  expect_refused(npy<float>("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", {}), "empty");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", kSix),
                 "bytes of numbers");
  expect_refused(npy("{'descr': '<f4'}", kSix), "no descr, fortran_order and shape");
  expect_refused(npy(kTwoByThree, kSix, 9), "version 9");
  expect_refused(npy(kTwoByThree, kSix).substr(0, 40), "ends in its header");
  expect_refused(npy<float>(kTwoByThree, {1, 2, 3, 4, NAN, 6}), "row 1 (from 0) holds NaN or infinity");
  expect_refused(npy<float>(kTwoByThree, {1, 2, 3, 4, -INFINITY, 6}), "row 1 (from 0) holds NaN or infinity");
  expect_refused(npy<float>(kTwoByThree, {0, -0.0f, 0, 4, 5, 6}),
                 "row 0 (from 0) is all zeros, so that it has no direction");
  expect_refused(npy<std::uint16_t>("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1), }", {0x3C00, 0x7C00}),
                 "row 1 (from 0) holds NaN or infinity");
}

}  // namespace
}  // namespace e5v::vectors
