#include "quantize/plan.h"

#include <algorithm>
#include <set>

#include "model/bitsandbytes.h"

namespace e5v::quantize {

using model::Checkpoint;
using model::Nf4Suffix;
using tensor::DType;
using tensor::WeightFormat;

Plan::Plan(const Checkpoint& checkpoint, const model::LlamaConfig& config, const ModelScheme& scheme) {
  for (const Checkpoint::Stored& tensor : checkpoint.tensors()) by_canonical_.emplace(tensor.canonical, tensor);
  std::set<std::string> of_blocks;
  for (std::int64_t block = 0; block < config.layers; ++block) {
    for (const std::string_view norm : kNorms) of_blocks.insert(block_name(block, norm));
    for (const std::string_view matrix : kMatrices) of_blocks.insert(block_name(block, matrix));
  }
  for (const auto& [canonical, tensor] : by_canonical_) {
    if (!of_blocks.contains(canonical)) unchanged_.push_back(tensor);
  }
  // Tensors of wide types come first, which keeps every tensor aligned: the format has no gaps.
  std::stable_sort(unchanged_.begin(), unchanged_.end(),
                   [](const auto& a, const auto& b) { return size_of(a.view.dtype) > size_of(b.view.dtype); });
  for (const Checkpoint::Stored& tensor : unchanged_) {
    specs_.push_back({tensor.stored, tensor.view.dtype, tensor.view.shape});
  }
  for (std::int64_t block = 0; block < config.layers; ++block) add_block(block, scheme);
}

void Plan::add_block(std::int64_t block, const ModelScheme& scheme) {
  for (const std::string_view norm : kNorms) {
    const Checkpoint::Stored& stored = tensor(block, norm);
    specs_.push_back({stored.stored, stored.view.dtype, stored.view.shape});
  }
  for (const std::string_view matrix : kMatrices) {
    const Checkpoint::Stored& stored = tensor(block, matrix);
    const std::int64_t N = stored.view.shape[0], K = stored.view.shape[1];
    const Scheme of_matrix = scheme.matrix(block, matrix);
    if (of_matrix.format == WeightFormat::nf4) {
      add_nf4(stored.stored, N * K);
    } else if (of_matrix.format == WeightFormat::int8) {
      specs_.push_back({stored.stored + "_scale", stored.view.dtype, {N, 1}});
      specs_.push_back({stored.stored, DType::i8, {N, K}});
    } else {
      specs_.push_back({stored.stored + "_shape", DType::i64, {2}});
      specs_.push_back({stored.stored + "_packed", DType::i32, {N, K / 8}});
      specs_.push_back({stored.stored + "_scale", stored.view.dtype, {N, K / of_matrix.group}});
    }
  }
}

/// Adds the tensors in the order in which BlockWriter::write_nf4 writes them.
void Plan::add_nf4(const std::string& name, std::int64_t count) {
  const std::int64_t blocks = (count + tensor::kNf4Block - 1) / tensor::kNf4Block;
  specs_.push_back({name + Nf4Suffix::kCodeMap, DType::f32, {16}});
  specs_.push_back({name + Nf4Suffix::kScaleMap, DType::f32, {256}});
  const std::int64_t nested = (blocks + tensor::kNf4NestedBlock - 1) / tensor::kNf4NestedBlock;
  specs_.push_back({name + Nf4Suffix::kNestedScales, DType::f32, {nested}});
  specs_.push_back({name + Nf4Suffix::kState, DType::u8, {model::kNf4StateBytes}});
  specs_.push_back({name + Nf4Suffix::kScales, DType::u8, {blocks}});
  specs_.push_back({name, DType::u8, {count / 2, 1}});
}

}  // namespace e5v::quantize
