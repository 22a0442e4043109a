#include "vectors/vector_format.h"

#include <gmock/gmock.h>

#include <cstring>
#include <limits>

#include "tensor/safetensors.h"

namespace e5v::vectors {
namespace {

TEST(VectorFormat, ByEnding) {
  EXPECT_EQ(format_of("a/b.npy"), VectorFormat::npy);
  EXPECT_EQ(format_of("b.tar.jsonl"), VectorFormat::jsonl);
  EXPECT_EQ(format_of("b.safetensors"), VectorFormat::safetensors);
  for (const char* other : {"b", "b.NPY", "npy", ".npy", "b.npz", ""})
    EXPECT_EQ(format_of(other), std::nullopt) << other;
}

TEST(VectorFormat, HeadsHaveTheirSizeBeforehand) {
  constexpr std::int64_t kMaximum = std::numeric_limits<std::int64_t>::max() / 8;
  for (const VectorFormat format : {VectorFormat::npy, VectorFormat::jsonl, VectorFormat::safetensors}) {
    const VectorLayout layout{format, 1, {{"prompt", "a \"quoted\" one\xff"}}};
    for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000}, kMaximum}) {
      EXPECT_EQ(static_cast<std::int64_t>(layout.head(rows, rows).size()), layout.head_size());
    }
    EXPECT_EQ(layout.head_size() % 64, 0);
  }
}

TEST(VectorFormat, SafetensorsHeadsAreReadWithAllTheirMetadata) {
  const VectorLayout layout{VectorFormat::safetensors, 2, {{"prompt", "a \"quoted\" one"}}};
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  std::string file = layout.head(3, 2, {{"items", "4"}});
  for (int i = 0; i < 3; ++i) append_row(layout.format, i, std::span(numbers).subspan(2 * i, 2), file);
  file += "0\n";
  const auto content = tensor::parse_safetensors(std::as_bytes(std::span(file)), "file");
  EXPECT_EQ(content.tensors.at("embeddings").shape, tensor::Shape({3, 2}));
  EXPECT_EQ(std::memcmp(content.tensors.at("embeddings").data, numbers.data(), 24), 0);
  EXPECT_EQ(content.tensors.at("ids").shape, tensor::Shape({2}));
  EXPECT_EQ(content.metadata.at("prompt"), "a \"quoted\" one");
  EXPECT_EQ(content.metadata.at("items"), "4");
}

}  // namespace
}  // namespace e5v::vectors
