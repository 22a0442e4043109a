#include "serve/vector_encoding.h"

#include <gmock/gmock.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <random>

namespace e5v::serve {
namespace {

using testing::ElementsAre;

std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (const int value : values) result += static_cast<char>(value);
  return result;
}

std::string encoded(std::vector<float> vector, NumberType type, ByteOrder order = ByteOrder::little) {
  std::string out;
  append_bytes(out, vector, type, order);
  return out;
}

TEST(VectorEncoding, JsonNumbersAreReadBackAsTheSameFloats) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> vector = {0, -0.0f, 1, -1e-38f, 3.4e38f, 1.0f / 3};
  for (int i = 0; i < 1000; ++i) vector.push_back(normal(random));
  std::string json;
  append_json(json, vector);
  ASSERT_EQ(json.front(), '[');
  ASSERT_EQ(json.back(), ']');
  const char* at = json.data() + 1;
  for (const float value : vector) {
    float read = 1;
    at = std::from_chars(at, json.data() + json.size(), read).ptr + 1;
    EXPECT_EQ(read, value);
  }
  std::string empty;
  append_json(empty, {});
  EXPECT_EQ(empty, "[]");
}

TEST(VectorEncoding, BytesHaveTheirTypeAndOrder) {
  EXPECT_EQ(encoded({1, -2}, NumberType::float32), bytes({0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}));
  EXPECT_EQ(encoded({1}, NumberType::float32, ByteOrder::big), bytes({0x3f, 0x80, 0, 0}));
  EXPECT_EQ(encoded({1, 0.5f}, NumberType::float16), bytes({0, 0x3c, 0, 0x38}));
  EXPECT_EQ(encoded({1}, NumberType::bfloat16, ByteOrder::big), bytes({0x3f, 0x80}));
  EXPECT_EQ(encoded({1, 448, -0.5f}, NumberType::fp8_e4m3), bytes({0x38, 0x7e, 0xb0}));
}

// The values of torch.tensor(...).to(torch.float8_e5m2).
TEST(VectorEncoding, E5m2IsRoundedToNearestAndTiesToEven) {
  EXPECT_EQ(encoded({1, -1, 0, 0.1f, 1.125f, 1.375f}, NumberType::fp8_e5m2), bytes({0x3c, 0xbc, 0, 0x2e, 0x3c, 0x3e}));
  EXPECT_EQ(encoded({57344, 61439, 61440, 1e6f}, NumberType::fp8_e5m2), bytes({0x7b, 0x7b, 0x7c, 0x7c}));
  EXPECT_EQ(encoded({0x1p-16f, 0x1p-17f, 0x1.8p-17f, 0x3p-16f}, NumberType::fp8_e5m2), bytes({1, 0, 1, 3}));
}

TEST(VectorEncoding, TypesAreFoundByTheirName) {
  EXPECT_EQ(number_type_of("bfloat16"), NumberType::bfloat16);
  EXPECT_FALSE(number_type_of("float64"));
}

TEST(VectorEncoding, WholeNumbersAndBits) {
  const std::vector<float> vector = {0, 1, -1, 0.5f, -0.004f, 2, -3, 1e-9f, -1e-9f};
  EXPECT_THAT(to_int8(vector), ElementsAre(0, 127, -127, 64, -1, 127, -127, 0, 0));
  EXPECT_THAT(to_uint8(vector), ElementsAre(128, 255, 1, 192, 127, 255, 1, 128, 128));
  EXPECT_THAT(to_bits(vector), ElementsAre(0b11010101, 0b00000000));
}

TEST(VectorEncoding, Base64HoldsTheFloats) {
  const std::vector<float> vector = {1, -2};
  EXPECT_EQ(to_base64(vector), "AACAPwAAAMA=");
  EXPECT_EQ(to_base64(vector, NumberType::float16, ByteOrder::big), "PADAAA==");
}

}  // namespace
}  // namespace e5v::serve
