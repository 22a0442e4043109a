#include "tensor/arena.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace e5v::tensor {
namespace {

bool aligned(const Matrix& matrix) { return reinterpret_cast<std::uintptr_t>(matrix.data) % 64 == 0; }

TEST(Arena, GivesDistinctAlignedMatrices) {
  Arena arena;
  std::vector<Matrix> matrices;
  for (int i = 1; i < 200; ++i) {
    const Matrix matrix = arena.matrix(i % 2 == 0 ? DType::f32 : DType::bf16, i, 33);
    EXPECT_TRUE(aligned(matrix));
    EXPECT_EQ(matrix.rows, i);
    EXPECT_EQ(matrix.columns, 33);
    EXPECT_EQ(matrix.stride, 33);
    std::fill_n(matrix.data, matrix.rows * matrix.columns * size_of(matrix.dtype), static_cast<std::byte>(i));
    matrices.push_back(matrix);
  }
  for (int i = 1; i < 200; ++i) {  // nobody wrote into another's memory
    const Matrix& matrix = matrices[static_cast<std::size_t>(i - 1)];
    const std::int64_t bytes = matrix.rows * matrix.columns * size_of(matrix.dtype);
    EXPECT_TRUE(
        std::all_of(matrix.data, matrix.data + bytes, [&](std::byte b) { return b == static_cast<std::byte>(i); }));
  }
}

TEST(Arena, ScopesGiveBackInReverse) {
  Arena arena;
  const Matrix first = arena.matrix(DType::f32, 1, 16);
  std::byte* inner = nullptr;
  for (int i = 0; i < 3; ++i) {
    const Arena::Scope scope(arena);
    const Matrix matrix = arena.matrix(DType::f32, 4, 16);
    if (inner == nullptr) inner = matrix.data;
    EXPECT_EQ(matrix.data, inner);
    const Arena::Scope nested(arena);
    EXPECT_NE(arena.matrix(DType::f32, 1, 1).data, inner);
  }
  EXPECT_NE(first.data, inner);
}

TEST(Arena, TakesNothingMoreAfterTheFirstPass) {
  Arena arena;
  const auto pass = [&] {
    const Arena::Scope scope(arena);
    for (int i = 0; i < 10; ++i) arena.matrix(DType::f32, 1000, 300);
  };
  EXPECT_EQ(arena.capacity(), 0u);
  pass();
  const std::size_t capacity = arena.capacity();
  EXPECT_GE(capacity, 12'000'000u);
  pass();
  EXPECT_EQ(arena.capacity(), capacity);
  const Arena::Scope scope(arena);  // one block by now: the whole pass is contiguous
  const Matrix first = arena.matrix(DType::f32, 1000, 300), second = arena.matrix(DType::f32, 1000, 300);
  EXPECT_EQ(second.data - first.data, 1000 * 300 * 4);
}

TEST(Arena, EmptyMatrices) {
  Arena arena;
  const Matrix matrix = arena.matrix(DType::f32, 0, 5);
  EXPECT_EQ(matrix.rows, 0);
  EXPECT_EQ(arena.matrix(DType::f32, 1, 1).rows, 1);
}

}  // namespace
}  // namespace e5v::tensor
