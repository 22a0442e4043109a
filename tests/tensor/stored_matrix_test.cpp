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

TEST(StoredMatrix, Nf4KnowsItsParts) {
  const Tensor codes(DType::u8, {3 * 352 / 2, 1}), scales(DType::u8, {17}), nested(DType::f32, {1}),
      code_map(DType::f32, {16}), scale_map(DType::f32, {256}), few(DType::u8, {16}), floats(DType::f32, {17});
  const Nf4Tables tables{code_map.view(), scale_map.view(), nested.view(), 0.5f};
  const StoredMatrix nf4 = StoredMatrix::nf4(codes.view(), scales.view(), tables, 3, 352);
  EXPECT_EQ(nf4.bytes(), 3 * 176 + 17 + 4 * (1 + 16 + 256));
  EXPECT_EQ(name_of(nf4.format), "nf4");
  EXPECT_EQ(nf4.columns, 352);
  const auto error = [&](const Tensor& bytes, const Tensor& of_blocks, const Nf4Tables& t, std::int64_t columns) {
    return message_of([&] { StoredMatrix::nf4(bytes.view(), of_blocks.view(), t, 3, columns); });
  };
  EXPECT_EQ(error(codes, scales, tables, 350), "[weight] nf4 matrix [3, 350], expected columns in multiples of 8");
  EXPECT_EQ(error(codes, scales, tables, 360), "[weight] codes are u8 [528, 1], expected u8 [540]");
  EXPECT_EQ(error(codes, few, tables, 352), "[weight] scales are u8 [16], expected u8 [17]");
  EXPECT_EQ(error(codes, floats, tables, 352), "[weight] scales are f32 [17], expected u8 [17]");
  EXPECT_EQ(error(codes, scales, {code_map.view(), scale_map.view(), floats.view(), 0}, 352),
            "[weight] scales of scales are f32 [17], expected f32 [1]");
  EXPECT_EQ(error(codes, scales, {scale_map.view(), scale_map.view(), nested.view(), 0}, 352),
            "[weight] values of codes are f32 [256], expected f32 [16]");
}

TEST(StoredMatrix, RefusesWhatDoesNotFit) {
  const Tensor plain(DType::f32, {3, 32}), bytes(DType::i8, {3, 32}), row_scales(DType::f32, {3, 1}),
      words(DType::i32, {3, 4}), group_scales(DType::bf16, {3, 3}), vector(DType::f32, {3});
  EXPECT_THAT(message_of([&] { StoredMatrix{vector.view()}; }),
              testing::HasSubstr("expected two axes, found the shape [3]"));
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
