// Legend: N rows, K columns.
#include "model/compressed_matrix.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "ops/quantize.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Shape;
using tensor::Tensor;
using tensor::WeightFormat;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Scope = RoundingArgs::Span;

/// The tensors of one module, and its group.
struct Module {
  std::map<std::string, Tensor, std::less<>> tensors;
  QuantizedGroup group{"g", {}, std::nullopt};

  FindModulePart part() const {
    const auto views = std::make_shared<std::map<std::string, tensor::TensorView, std::less<>>>();
    for (const auto& [name, tensor] : tensors) views->emplace(name, tensor.view());
    return [views](std::string_view name) -> const tensor::TensorView* {
      const auto found = views->find(name);
      return found == views->end() ? nullptr : &found->second;
    };
  }
  CompressedMatrix read(std::int64_t N, std::int64_t K, DType decoded = DType::f32) const {
    return read_compressed(part(), group, "file: up_proj", N, K, decoded);
  }
  WeightFormat format() const { return compressed_format(group, part()); }
};

/// Bit by bit, what compressed-tensors' pack_to_int32 does word by word: unsigned numbers without gaps, the lowest bit
/// first.
std::vector<std::int32_t> packed(const std::vector<unsigned>& numbers, int bits) {
  std::vector<std::uint32_t> words((numbers.size() * static_cast<std::size_t>(bits) + 31) / 32);
  std::size_t bit = 0;
  for (const unsigned number : numbers) {
    for (int b = 0; b < bits; ++b, ++bit) words[bit / 32] |= (number >> b & 1u) << bit % 32;
  }
  return {words.begin(), words.end()};
}

Tensor floats(const std::vector<float>& values, const Shape& shape) {
  return Tensor::from<float>(std::span<const float>(values), shape);
}

/// Returns the stored number at each position, within the range of signed numbers with `bits` bits.
int number_at(std::int64_t row, std::int64_t column, int bits) {
  const int count = 1 << bits;
  return static_cast<int>((row * 29 + column * 13 + 7) % count) - count / 2;
}

/// A module [N, K] of packed numbers with a positive scale for each place of `scales`.
Module packed_module(std::int64_t N, std::int64_t K, int bits, const Shape& scales) {
  Module module;
  module.group.weights.bits = bits;
  std::vector<std::int32_t> words;
  for (std::int64_t n = 0; n < N; ++n) {
    std::vector<unsigned> row;
    for (std::int64_t k = 0; k < K; ++k)
      row.push_back(static_cast<unsigned>(number_at(n, k, bits) + (1 << (bits - 1))));
    const auto own = packed(row, bits);
    words.insert(words.end(), own.begin(), own.end());
  }
  const std::int64_t width = static_cast<std::int64_t>(words.size()) / N;
  module.tensors["weight_packed"] = Tensor::from<std::int32_t>(std::span<const std::int32_t>(words), {N, width});
  std::vector<float> values;
  for (std::int64_t i = 0; i < scales.elements(); ++i) values.push_back(0.25f * static_cast<float>(i % 5 + 1));
  module.tensors["weight_scale"] = floats(values, scales);
  return module;
}

/// A module [N, K] of 8-bit integers with a scale for each row.
Module integer_module(std::int64_t N, std::int64_t K) {
  Module module;
  Tensor values(DType::i8, {N, K});
  for (std::int64_t i = 0; i < N * K; ++i)
    values.as<std::int8_t>()[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(number_at(i / K, i % K, 8));
  module.tensors["weight"] = std::move(values);
  module.tensors["weight_scale"] = floats(std::vector<float>(static_cast<std::size_t>(N), 0.5f), {N, 1});
  return module;
}

/// Compares with (number - zero) * scale in double.
template <class ZeroAt>
void expect_decoded(const Module& module, std::int64_t N, std::int64_t K, std::int64_t height, std::int64_t width,
                    const ZeroAt& zero_at) {
  const CompressedMatrix found = module.read(N, K);
  ASSERT_EQ(found.matrix.format, WeightFormat::plain);
  ASSERT_EQ(found.matrix.values.shape, (Shape{N, K}));
  const auto scales = module.tensors.at("weight_scale").as<float>();
  const std::int64_t S = (K + width - 1) / width;
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t k = 0; k < K; ++k) {
      const std::int64_t scale = n / height * S + k / width;
      const double expected = (number_at(n, k, module.group.weights.bits) - zero_at(n / height, k / width)) *
                              double{scales[static_cast<std::size_t>(scale)]};
      ASSERT_FLOAT_EQ(found.matrix.values.as<float>()[static_cast<std::size_t>(n * K + k)],
                      static_cast<float>(expected))
          << n << " " << k;
    }
  }
}

double no_zero(std::int64_t, std::int64_t) { return 0; }

/// Numbers of 3, 5, 6 and 7 bits cross the borders of words.
TEST(CompressedMatrix, PackedNumbersOfAnyWidthAreDecoded) {
  for (const int bits : {2, 3, 5, 6, 7}) {
    SCOPED_TRACE(bits);
    Module module = packed_module(5, 44, bits, {5, 1});
    expect_decoded(module, 5, 44, 1, 44, no_zero);
    module = packed_module(5, 44, bits, {5, 4});
    module.group.weights.span = Scope::group, module.group.weights.group = 11;
    expect_decoded(module, 5, 44, 1, 11, no_zero);
  }
}

/// The last blocks of rows and columns are smaller.
TEST(CompressedMatrix, BlocksMayBeCutOffAtTheEnds) {
  Module module = integer_module(7, 10);
  module.group.weights.span = Scope::block, module.group.weights.block = {3, 4};
  module.tensors["weight_scale"] = floats({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3});
  expect_decoded(module, 7, 10, 3, 4, no_zero);
}

/// Zero points are packed along the rows, other than the weights.
TEST(CompressedMatrix, ZeroPointsAreSubtracted) {
  constexpr std::int64_t N = 11, K = 16;
  Module module = packed_module(N, K, 4, {N, 2});
  module.group.weights.span = Scope::group, module.group.weights.group = 8, module.group.weights.symmetric = false;
  const auto zero_at = [](std::int64_t n, std::int64_t s) { return static_cast<double>(number_at(s * 5 + 1, n, 4)); };
  std::vector<std::int32_t> words(4);  // two words of rows, two columns
  for (std::int64_t s = 0; s < 2; ++s) {
    std::vector<unsigned> column;
    for (std::int64_t n = 0; n < N; ++n) column.push_back(static_cast<unsigned>(zero_at(n, s) + 8));
    const auto own = packed(column, 4);
    for (std::size_t w = 0; w < 2; ++w) words[w * 2 + static_cast<std::size_t>(s)] = own[w];
  }
  module.tensors["weight_zero_point"] = Tensor::from<std::int32_t>(std::span<const std::int32_t>(words), {2, 2});
  expect_decoded(module, N, K, 1, 8, zero_at);

  module = integer_module(3, 4);
  module.group.weights.symmetric = false;
  module.tensors["weight_zero_point"] =
      Tensor::from<std::int8_t>(std::span<const std::int8_t>(std::vector<std::int8_t>{-128, 0, 5}), {3, 1});
  expect_decoded(module, 3, 4, 1, 4, [](std::int64_t n, std::int64_t) { return n == 0 ? -128 : n == 1 ? 0 : 5; });
}

TEST(CompressedMatrix, FloatsAreDecodedInTheTypeThatIsAskedFor) {
  Module module;
  module.group.weights.floating = true, module.group.weights.span = Scope::tensor;
  Tensor values(DType::f8_e4m3, {2, 2});
  const std::array<std::uint8_t, 4> codes{0x38, 0xC0, 0x01, 0x7E};  // 1, -2, 2^-9, 448
  std::memcpy(values.data(), codes.data(), codes.size());
  module.tensors["weight"] = std::move(values);
  module.tensors["weight_scale"] = floats({0.5f}, {1});
  EXPECT_THAT(module.read(2, 2).matrix.values.as<float>(), testing::ElementsAre(0.5f, -1, 0.0009765625f, 224));
  EXPECT_EQ(module.read(2, 2, DType::bf16).matrix.values.dtype, DType::bf16);
  EXPECT_EQ(static_cast<float>(module.read(2, 2, DType::bf16).matrix.values.as<tensor::BFloat16>()[3]), 224);
}

/// Integers without zero points are multiplied as they are stored.
TEST(CompressedMatrix, StoredIntegersAreBorrowed) {
  const Module integers = integer_module(3, 20);
  CompressedMatrix found = integers.read(3, 20);
  EXPECT_EQ(found.matrix.format, WeightFormat::int8);
  EXPECT_EQ(found.matrix.values.data, integers.tensors.at("weight").data());
  EXPECT_TRUE(found.memory.empty());

  Module fours = packed_module(3, 16, 4, {3, 2});
  fours.group.weights.span = Scope::group, fours.group.weights.group = 8;
  found = fours.read(3, 16);
  EXPECT_EQ(found.matrix.format, WeightFormat::int4);
  EXPECT_EQ(found.matrix.values.data, fours.tensors.at("weight_packed").data());
  const Tensor wide(DType::f32, {3, 16});
  ops::expand_rows(found.matrix, 0, matrix_of(wide));
  for (std::int64_t i = 0; i < 48; ++i) {
    const float scale = fours.tensors.at("weight_scale").as<float>()[static_cast<std::size_t>(i / 8)];
    EXPECT_FLOAT_EQ(wide.as<float>()[static_cast<std::size_t>(i)],
                    static_cast<float>(number_at(i / 16, i % 16, 4)) * scale);
  }
}

/// One scale of the whole tensor becomes one of each row, and 8 packed bits become bytes.
TEST(CompressedMatrix, OtherIntegersAreCopiedIntoTheFormOfKernels) {
  Module module = packed_module(3, 20, 8, {1});
  module.group.weights.span = Scope::tensor;
  const CompressedMatrix found = module.read(3, 20);
  ASSERT_EQ(found.matrix.format, WeightFormat::int8);
  EXPECT_EQ(found.matrix.scales.shape, (Shape{3, 1}));
  EXPECT_THAT(found.matrix.scales.as<float>(), testing::Each(0.25f));
  for (std::int64_t i = 0; i < 60; ++i) {
    EXPECT_EQ(found.matrix.values.as<std::int8_t>()[static_cast<std::size_t>(i)], number_at(i / 20, i % 20, 8)) << i;
  }
}

TEST(CompressedMatrix, FormatFollowsFromTheScheme) {
  Module module = packed_module(2, 24, 4, {2, 2});
  module.group.weights.span = Scope::group;
  module.group.weights.group = 12;
  EXPECT_EQ(module.format(), WeightFormat::plain);  // no whole words in a group
  module.group.weights.group = 8;
  EXPECT_EQ(module.format(), WeightFormat::int4);
  module.group.weights.symmetric = false;
  EXPECT_EQ(module.format(), WeightFormat::plain);
  module.group.weights = {.span = Scope::channel, .bits = 4};
  EXPECT_EQ(module.format(), WeightFormat::plain);  // the last word may have unused bits: nothing says otherwise
  module.tensors["weight_shape"] =
      Tensor::from<std::int64_t>(std::span<const std::int64_t>(std::vector<std::int64_t>{2, 24}), {2});
  EXPECT_EQ(module.format(), WeightFormat::int4);
  module.group.weights.bits = 8;
  EXPECT_EQ(module.format(), WeightFormat::int8);
  module.group.weights.span = Scope::block;
  EXPECT_EQ(module.format(), WeightFormat::plain);
  module.group.weights = {.floating = true};
  EXPECT_EQ(module.format(), WeightFormat::plain);
}

TEST(CompressedMatrix, WithoutAConfigTheTensorsTell) {
  const Module fours = packed_module(2, 24, 4, {2, 3});
  const QuantizedGroup group = implied_group(fours.part(), 24);
  EXPECT_EQ(group.weights.bits, 4);
  EXPECT_EQ(group.weights.group, 8);
  EXPECT_EQ(group.weights.span, Scope::group);
  const Module integers = integer_module(2, 4);
  EXPECT_EQ(implied_group(integers.part(), 4).weights.span, Scope::channel);
  EXPECT_EQ(implied_group(integers.part(), 4).weights.bits, 8);
  EXPECT_TRUE(is_compressed(fours.part()) && is_compressed(integers.part()));
  Module plain;
  plain.tensors["weight"] = floats({1}, {1, 1});
  EXPECT_FALSE(is_compressed(plain.part()));
}

TEST(CompressedMatrix, RoundingOfInputsIsThatOfTheGroup) {
  using Scale = tensor::InputRounding::Scale;
  Module module = integer_module(2, 12);
  EXPECT_EQ(module.read(2, 12).matrix.inputs.scale, Scale::none);
  module.group.inputs = RoundingArgs{.span = Scope::token, .bits = 4, .dynamic = true};
  EXPECT_EQ(module.read(2, 12).matrix.inputs.scale, Scale::row);
  EXPECT_EQ(module.read(2, 12).matrix.inputs.bits, 4);
  module.group.inputs = RoundingArgs{.span = Scope::group, .dynamic = true, .group = 6};
  EXPECT_EQ(module.read(2, 12).matrix.inputs.group, 6);
  module.group.inputs->group = 5;
  EXPECT_THAT([&] { module.read(2, 12); },
              ThrowsMessage<ModelError>("[file: up_proj] groups of 5 inputs do not divide the 12 (config_groups.g)"));
  module.group.inputs = RoundingArgs{.span = Scope::tensor, .symmetric = false};
  module.tensors["input_scale"] = floats({0.125f}, {1});
  EXPECT_THAT([&] { module.read(2, 12); }, ThrowsMessage<ModelError>(HasSubstr("\"input_zero_point\" is missing")));
  module.tensors["input_zero_point"] =
      Tensor::from<std::int8_t>(std::span<const std::int8_t>(std::vector<std::int8_t>{-7}), {1});
  EXPECT_EQ(module.read(2, 12).matrix.inputs.scale, Scale::given);
  EXPECT_EQ(module.read(2, 12).matrix.inputs.given_scale, 0.125f);
  EXPECT_EQ(module.read(2, 12).matrix.inputs.given_zero, -7);
  for (const float scale : {0.0f, -1.0f, std::nanf(""), INFINITY}) {
    module.tensors["input_scale"] = floats({scale}, {1});
    EXPECT_THAT([&] { module.read(2, 12); },
                ThrowsMessage<ModelError>(HasSubstr("\"input_scale\": expected a positive number, found")))
        << scale;
  }
  module.tensors["input_scale"] = floats({1, 1}, {2});
  EXPECT_THAT([&] { module.read(2, 12); },
              ThrowsMessage<ModelError>("[file: up_proj] tensor \"input_scale\": expected one number, found [2]"));
}

TEST(CompressedMatrix, TensorsThatContradictTheGroupAreRefusedByName) {
  const auto expect_error = [](const Module& module, const std::string& message) {
    EXPECT_THAT([&] { module.read(3, 16); }, ThrowsMessage<ModelError>("[file: up_proj] " + message));
  };
  Module module = integer_module(3, 16);
  module.group.weights.floating = true;
  expect_error(module, "tensor \"weight\": expected f8_e4m3 [3, 16] for config_groups.g (8 bits), found i8 [3, 16]");
  module = integer_module(4, 16);
  expect_error(module, "tensor \"weight\": expected i8 [3, 16] for config_groups.g (8 bits), found i8 [4, 16]");
  module = integer_module(3, 16);
  module.tensors["weight_packed"] = Tensor(DType::i32, {3, 4});
  expect_error(module, "expected one of \"weight\" and \"weight_packed\", found both");
  module = packed_module(3, 16, 4, {3, 1});
  module.group.weights.bits = 8;
  expect_error(module, "tensor \"weight_packed\": expected i32 [3, 4] for config_groups.g (8 bits), found i32 [3, 2]");
  module = packed_module(3, 16, 4, {3, 1});
  module.group.weights.floating = true;
  expect_error(module, "tensor \"weight_packed\": packed floats are not supported");
  module = packed_module(3, 16, 4, {3, 2});
  module.group.weights.span = Scope::group, module.group.weights.group = 16;
  expect_error(
      module,
      "tensor \"weight_scale\": expected f32, f16 or bf16 [3, 1] for config_groups.g (4 bits), found f32 [3, 2]");
  module.group.weights.group = 12;
  expect_error(module, "groups of 12 columns do not divide the 16 columns (config_groups.g)");
  module = integer_module(3, 16);
  module.tensors.erase("weight_scale");
  expect_error(module, "tensor \"weight_scale\" is missing, which config_groups.g (8 bits) needs");
  module = integer_module(3, 16);
  module.group.weights.symmetric = false;
  expect_error(module, "tensor \"weight_zero_point\" is missing, which config_groups.g (8 bits) needs");
  module.tensors["weight_zero_point"] = Tensor(DType::i8, {4, 1});
  expect_error(module, "tensor \"weight_zero_point\": expected i8 [3, 1], found i8 [4, 1]");
  module = integer_module(3, 16);
  module.tensors["weight_g_idx"] = Tensor(DType::i32, {16});
  expect_error(module, "tensor \"weight_g_idx\": columns in another order (actorder) are not supported");
}

/// The shape that a file states is in words of 32 or 64 bits.
TEST(CompressedMatrix, StatedShapesAreThoseOfTheModel) {
  Module module = packed_module(3, 16, 3, {3, 1});
  const auto state = [&](std::int64_t N, std::int64_t K) {
    module.tensors["weight_shape"] = Tensor::from<std::int64_t>(std::span<const std::int64_t>(std::vector{N, K}), {2});
  };
  state(3, 16);
  EXPECT_NO_THROW(module.read(3, 16));
  module.tensors["weight_shape"] =
      Tensor::from<std::int32_t>(std::span<const std::int32_t>(std::vector<std::int32_t>{3, 16}), {2});
  EXPECT_NO_THROW(module.read(3, 16));
  state(3, 17);
  EXPECT_THAT(
      [&] { module.read(3, 16); },
      ThrowsMessage<ModelError>("[file: up_proj] tensor \"weight_shape\" does not say [3, 16], as config.json does"));
}

TEST(CompressedMatrix, ZeroPointsOfSymmetricSchemesMustBeZero) {
  Module module = integer_module(3, 16);
  const auto read_with = [&](std::int8_t zero) {
    Tensor zeros(DType::i8, {3, 1});
    std::ranges::fill(zeros.as<std::int8_t>(), zero);
    module.tensors["weight_zero_point"] = std::move(zeros);
    return module.read(3, 16);
  };
  EXPECT_NO_THROW(read_with(0));
  EXPECT_THAT([&] { read_with(5); },
              ThrowsMessage<ModelError>(
                  "[file: up_proj] tensor \"weight_zero_point\" is not zero, but config_groups.g is symmetric"));
}

}  // namespace
}  // namespace e5v::model::test
