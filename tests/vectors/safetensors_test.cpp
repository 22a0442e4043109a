#include "vectors/safetensors.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/json.h"
#include "temporary_folder.h"

namespace e5v::vectors {
namespace {

using tensor::DType;
using tensor::TensorMap;

TEST(Safetensors, TheHeaderDescribesVectorsAndIds) {
  const Json header = Json::parse(safetensors_header(3, 2, 7, {{"compute", "f32 \xff"}}));
  EXPECT_EQ(header.at("embeddings"), Json::parse(R"({"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]})"));
  EXPECT_EQ(header.at("ids"), Json::parse(R"({"dtype": "U8", "shape": [7], "data_offsets": [24, 31]})"));
  EXPECT_EQ(header.at("__metadata__").at("compute"), "f32 \xEF\xBF\xBD") << "what is no UTF-8 does not break the file";
}

TEST(Safetensors, VectorsAreThoseOfTheirName) {
  const float numbers[6]{};
  const TensorMap tensors{{"embeddings", {reinterpret_cast<const std::byte*>(numbers), DType::f32, {2, 3}}},
                          {"ids", {reinterpret_cast<const std::byte*>("a\nb\n"), DType::u8, {4}}}};
  const VectorArray array = embeddings_of(tensors, "v");
  EXPECT_EQ(array.numbers, reinterpret_cast<const std::byte*>(numbers));
  EXPECT_EQ(array.rows, 2);
  EXPECT_EQ(array.columns, 3);
  EXPECT_EQ(id_text_of(tensors), "a\nb\n");
}

TEST(Safetensors, OtherTensorsAreRefused) {
  const auto expect = [](const TensorMap& tensors, const char* message) {
    EXPECT_THAT([&] { embeddings_of(tensors, "v"); }, testing::ThrowsMessage<InvalidInput>(message));
  };
  expect({{"weight", {nullptr, DType::f32, {2, 3}}}},
         "[v] has no tensor \"embeddings\", expected vectors under this name");
  expect({{"embeddings", {nullptr, DType::i8, {2, 3}}}}, "[v] \"embeddings\" is i8, expected f16, bf16, f32 or f64");
  expect({{"embeddings", {nullptr, DType::f32, {6}}}}, "[v] \"embeddings\" has the shape [6], expected two axes");
  expect({{"embeddings", {nullptr, DType::f32, {0, 3}}}}, "[v] is empty: [0, 3]");
  EXPECT_EQ(id_text_of({}), std::nullopt);
  EXPECT_EQ(id_text_of({{"ids", {nullptr, DType::i64, {2}}}}), std::nullopt);  // another program's
}

TEST(Safetensors, ABrokenFileIsInvalidInput) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("v.safetensors", "no tensors");
  EXPECT_THAT([&] { open_safetensors(path); },
              testing::ThrowsMessage<InvalidInput>(testing::StartsWith("[" + path + "] ")));
}

}  // namespace
}  // namespace e5v::vectors
