#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "model/llama.h"

/// A reader for llama2.c's model and tokenizer files (version 0), for tests alone: a tiny language model whose weights
/// are really trained. Source of the layout: github.com/karpathy/llama2.c, export.py, legacy_export.
namespace e5v::model::test {

class Stories {
 public:
  explicit Stories(const std::filesystem::path& folder) : bytes_(read_file(folder / "stories260K.bin")) {
    std::int32_t header[7];
    std::memcpy(header, bytes_.data(), sizeof header);
    config.width = header[0];
    config.mlp_width = header[1];
    config.layers = header[2];
    config.heads = header[3];
    config.kv_heads = header[4];
    config.vocabulary = header[5];
    config.max_positions = header[6];
    config.head_width = config.width / config.heads;
    config.rms_eps = 1e-5f;
    config.rope_theta = 10000;
    next_ = reinterpret_cast<const float*>(bytes_.data() + sizeof header);
    read_weights();
    read_pieces(folder / "tok512.bin");
  }

  LlamaConfig config;
  LlamaWeights weights;  ///< the head is the embedding table
  std::vector<std::string> pieces;

 private:
  tensor::TensorView take(std::int64_t rows, std::int64_t columns) {
    const tensor::TensorView view{reinterpret_cast<const std::byte*>(next_), tensor::DType::f32, {rows, columns}};
    next_ += rows * columns;
    return view;
  }
  tensor::TensorView take_vector(std::int64_t size) {
    tensor::TensorView view = take(1, size);
    view.shape = {size};
    return view;
  }

  void read_weights() {
    const std::int64_t D = config.width, KE = config.kv_heads * config.head_width, F = config.mlp_width;
    weights.embedding = take(config.vocabulary, D);
    weights.blocks.resize(static_cast<std::size_t>(config.layers));
    for (auto& block : weights.blocks) block.input_norm = take_vector(D);
    for (auto& block : weights.blocks) block.q = in_halves(take(D, D));
    for (auto& block : weights.blocks) block.k = in_halves(take(KE, D));
    for (auto& block : weights.blocks) block.v = take(KE, D);
    for (auto& block : weights.blocks) block.o = take(D, D);
    for (auto& block : weights.blocks) block.attention_norm = take_vector(D);
    for (auto& block : weights.blocks) block.gate = take(F, D);
    for (auto& block : weights.blocks) block.down = take(D, F);
    for (auto& block : weights.blocks) block.up = take(F, D);
    weights.norm = take_vector(D);
  }

  /// llama2.c rotates neighbouring pairs of a head, Hugging Face's layout its halves: the same rotation after the rows
  /// of the projection are put into that order.
  tensor::TensorView in_halves(const tensor::TensorView& rows) {
    tensor::Tensor& ordered = reordered_.emplace_back(tensor::DType::f32, rows.shape);
    const std::int64_t half = config.head_width / 2, D = rows.shape[1];
    for (std::int64_t row = 0; row < rows.shape[0]; ++row) {
      const std::int64_t in_head = row % config.head_width, head = row - in_head;
      const std::int64_t source = head + (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
      std::copy_n(rows.as<float>().data() + source * D, D, ordered.as<float>().data() + row * D);
    }
    return ordered.view();
  }

  void read_pieces(const std::filesystem::path& path) {
    const std::string file = read_file(path);
    std::size_t at = sizeof(std::int32_t);  // the length of the longest piece
    while (at < file.size()) {
      std::int32_t length = 0;
      std::memcpy(&length, file.data() + at + sizeof(float), sizeof length);  // behind the score
      at += sizeof(float) + sizeof length;
      pieces.push_back(file.substr(at, static_cast<std::size_t>(length)));
      at += static_cast<std::size_t>(length);
    }
  }

  std::string bytes_;
  const float* next_ = nullptr;
  std::vector<tensor::Tensor> reordered_;
};

}  // namespace e5v::model::test
