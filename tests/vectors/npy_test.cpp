#include "vectors/npy.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "npy_bytes.h"

namespace e5v::vectors {
namespace {

using test::kSix;
using test::kTwoByThree;
using test::npy;

VectorArray parse(const std::string& file) { return parse_npy(std::as_bytes(std::span(file)), "x.npy"); }

void expect_refused(const std::string& content, const std::string& part) {
  const auto refused = testing::AllOf(testing::StartsWith("[x.npy] "), testing::HasSubstr(part));
  EXPECT_THAT([&] { parse(content); }, testing::ThrowsMessage<InvalidInput>(refused));
}

TEST(Npy, ReadsAllVersions) {
  for (const char major : {'\1', '\2', '\3'}) {
    const std::string file = npy(kTwoByThree, kSix, major);
    const VectorArray array = parse(file);
    EXPECT_EQ(array.rows, 2);
    std::vector<double> row(3);
    array.read(1, row);
    EXPECT_THAT(row, testing::ElementsAre(4, 5, 6));
  }
}

TEST(Npy, ReadsThreeTypesOfNumbers) {
  const auto first = [](const std::string& file) {
    std::vector<double> row(2);
    parse(file).read(0, row);
    return row;
  };
  const std::string shape = ", 'fortran_order': False, 'shape': (1, 2), }";
  EXPECT_THAT(first(npy<std::uint16_t>("{'descr': '<f2'" + shape, {0x4200, 0xC400})), testing::ElementsAre(3, -4));
  EXPECT_THAT(first(npy<float>("{'descr': '<f4'" + shape, {0.1f, -4})), testing::ElementsAre(0.1f, -4));
  EXPECT_THAT(first(npy<double>("{'descr': '<f8'" + shape, {0.1, 1e300})), testing::ElementsAre(0.1, 1e300));
}

TEST(Npy, ReadsTheHeadsThatItWrites) {
  for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{1'000'000'000'000}}) {
    const std::string head = npy_head(rows, 3);
    EXPECT_EQ(head.size(), 128u);
    if (rows > 1) {
      expect_refused(head, "expected 1000000000000 x 3 of f32");
      continue;
    }
    const std::string file = head + std::string(12, '\0');
    const VectorArray array = parse(file);
    EXPECT_EQ(array.rows, 1);
    EXPECT_EQ(array.columns, 3);
    EXPECT_EQ(array.dtype, tensor::DType::f32);
    EXPECT_EQ(array.numbers, reinterpret_cast<const std::byte*>(file.data()) + 128);
  }
}

TEST(Npy, RefusesWhatItCannotBe) {
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
}

}  // namespace
}  // namespace e5v::vectors
