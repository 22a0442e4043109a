#include "tensor/stored_matrix.h"

#include <gmock/gmock.h>

namespace e5v::tensor::test {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "no error";
}

TEST(StoredMatrix, KnowsItsShapeAndBytes) {
  const Tensor plain(DType::bf16, {3, 32}), bytes(DType::i8, {3, 32}), row_scales(DType::f32, {3, 1}),
      words(DType::i32, {3, 4}), group_scales(DType::bf16, {3, 2});
  EXPECT_EQ(StoredMatrix(plain.view()).bytes(), 3 * 32 * 2);
  const StoredMatrix int8 = StoredMatrix::int8(bytes.view(), row_scales.view());
  EXPECT_EQ(int8.columns, 32);
  EXPECT_EQ(int8.group(), 32);
  EXPECT_EQ(int8.bytes(), 3 * 32 + 3 * 4);
  const StoredMatrix int4 = StoredMatrix::int4(words.view(), group_scales.view(), 32);
  EXPECT_EQ(int4.rows, 3);
  EXPECT_EQ(int4.group(), 16);
  EXPECT_EQ(int4.bytes(), 3 * 16 + 3 * 2 * 2);
}

TEST(StoredMatrix, RefusesWhatDoesNotFit) {
  const Tensor plain(DType::f32, {3, 32}), bytes(DType::i8, {3, 32}), row_scales(DType::f32, {3, 1}),
      words(DType::i32, {3, 4}), group_scales(DType::bf16, {3, 3}), vector(DType::f32, {3});
  EXPECT_THAT(message_of([&] { StoredMatrix{vector.view()}; }), testing::HasSubstr("[3] has not two axes"));
  EXPECT_THAT(message_of([&] { StoredMatrix{bytes.view()}; }), testing::HasSubstr("is i8, expected f32, f16 or bf16"));
  EXPECT_THAT(message_of([&] { StoredMatrix::int8(plain.view(), row_scales.view()); }),
              testing::HasSubstr("values are f32"));
  EXPECT_THAT(message_of([&] { StoredMatrix::int8(bytes.view(), group_scales.view()); }),
              testing::HasSubstr("3 scales a row, expected one"));
  EXPECT_THAT(message_of([&] { StoredMatrix::int4(words.view(), row_scales.view(), 31 * 8); }),
              testing::HasSubstr("4 words a row, expected 31"));
  EXPECT_THAT(message_of([&] { StoredMatrix::int4(words.view(), group_scales.view(), 32); }),
              testing::HasSubstr("3 scales for 32 columns"));
}

}  // namespace
}  // namespace e5v::tensor::test
