#include "tensor/tensor.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

// Sanitizers end the program when memory cannot be had, unless they are told to answer like malloc.
#define E5V_DEFAULT_OPTIONS extern "C" __attribute__((visibility("default"), used)) const char*
E5V_DEFAULT_OPTIONS __asan_default_options() { return "allocator_may_return_null=1"; }
E5V_DEFAULT_OPTIONS __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace e5v::tensor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Tensor, OwnsAlignedMemory) {
  const Tensor tensor(DType::bf16, {3, 7});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0u);
  EXPECT_EQ(tensor.view().bytes().size(), 42u);
  EXPECT_EQ(tensor.elements(), 21);
  EXPECT_EQ(Tensor(DType::f32, {0, 4}).view().bytes().size(), 0u);
}

TEST(Tensor, FromValues) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from(std::span<const float>(values), {2, 3});
  EXPECT_THAT(tensor.as<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(tensor.view().as<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(
      [&] {
        Tensor::from(std::span<const float>(values), {2, 2});
      },
      ThrowsMessage<InvalidInput>("[tensor] 6 values for shape [2, 2]"));
  EXPECT_THAT([&] { tensor.as<Half>(); }, ThrowsMessage<InvalidInput>("[tensor] expected f16, found f32"));
  EXPECT_THAT([&] { tensor.view().as<std::int64_t>(); },
              ThrowsMessage<InvalidInput>("[tensor] expected i64, found f32"));
}

TEST(Buffer, SaysWhenMemoryIsShort) {
  EXPECT_THAT([] { Buffer(std::size_t{1} << 60); }, ThrowsMessage<DeviceError>(HasSubstr("1152921504606846976 bytes")));
}

template <class T>
Tensor converted(const std::vector<float>& values) {
  std::vector<T> narrow;
  for (const float value : values) narrow.push_back(T(value));
  return Tensor::from(std::span<const T>(narrow), {static_cast<std::int64_t>(values.size())});
}

TEST(Tensor, ToF32) {
  std::vector<float> values(200'003);  // several pieces of the parallel loop, the last one short
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i % 255) - 127) / 8;
  for (const Tensor& source : {converted<float>(values), converted<Half>(values), converted<BFloat16>(values)}) {
    const Tensor result = to_f32(source.view());
    EXPECT_EQ(result.shape(), source.shape());
    EXPECT_THAT(result.as<float>(), testing::ElementsAreArray(values));
  }
  EXPECT_THAT([] { to_f32(Tensor(DType::i32, {1}).view()); },
              ThrowsMessage<InvalidInput>("[tensor] expected f32, f16 or bf16, found i32"));
}

template <class T>
void check_finite() {
  std::vector<float> values(100'000, 2);
  EXPECT_TRUE(all_finite(converted<T>(values).view()));
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    for (const std::size_t place : {std::size_t{0}, values.size() / 2, values.size() - 1}) {
      std::vector<float> broken = values;
      broken[place] = bad;
      EXPECT_FALSE(all_finite(converted<T>(broken).view())) << bad << " at " << place;
    }
  }
}

TEST(Tensor, AllFinite) {
  check_finite<float>();
  check_finite<Half>();
  check_finite<BFloat16>();
  check_finite<double>();
  const std::vector<float> largest(1000, std::numeric_limits<float>::max());
  EXPECT_TRUE(all_finite(converted<float>(largest).view()));
  const std::vector<double> beyond_float{1e300, -1e300};
  EXPECT_TRUE(all_finite(Tensor::from(std::span<const double>(beyond_float), {2}).view()));
  Tensor integers(DType::i64, {4});
  std::fill(integers.as<std::int64_t>().begin(), integers.as<std::int64_t>().end(), -1);
  EXPECT_TRUE(all_finite(integers.view()));
}

}  // namespace
}  // namespace e5v::tensor
