#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace e5v::tensor {
namespace {

TEST(DType, SizesAndNames) {
  EXPECT_EQ(size_of(DType::f64), 8);
  EXPECT_EQ(size_of(dtype_of<float>), static_cast<std::int64_t>(sizeof(float)));
  EXPECT_EQ(size_of(dtype_of<Half>), static_cast<std::int64_t>(sizeof(Half)));
  EXPECT_EQ(size_of(dtype_of<BFloat16>), static_cast<std::int64_t>(sizeof(BFloat16)));
  EXPECT_EQ(size_of(DType::i64), 8);
  EXPECT_EQ(size_of(DType::i32), 4);
  EXPECT_EQ(size_of(DType::i16), 2);
  EXPECT_EQ(size_of(DType::i8), 1);
  EXPECT_EQ(size_of(DType::u8), 1);
  EXPECT_EQ(size_of(DType::boolean), 1);
  EXPECT_EQ(name_of(DType::bf16), "bf16");
  EXPECT_EQ(name_of(DType::boolean), "bool");
  EXPECT_TRUE(is_floating(DType::f16));
  EXPECT_FALSE(is_floating(DType::i8));
}

}  // namespace
}  // namespace e5v::tensor
