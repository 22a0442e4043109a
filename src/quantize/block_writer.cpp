#include "quantize/block_writer.h"

#include "model/bitsandbytes.h"
#include "ops/nf4.h"
#include "quantize/rounding.h"

namespace e5v::quantize {

using model::Checkpoint;
using model::Nf4Suffix;
using tensor::Tensor;

void BlockWriter::write(std::int64_t index, const RoundedBlock& block) {
  write_norm(plan_.tensor(index, kNorms[0]), block.input_norm);
  write_norm(plan_.tensor(index, kNorms[1]), block.attention_norm);
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    write_matrix(plan_.tensor(index, kMatrices[i]), block.matrices[i]);
  }
}

void BlockWriter::write_nf4(std::int64_t index) {
  for (const std::string_view norm : kNorms) {
    const Checkpoint::Stored& stored = plan_.tensor(index, norm);
    writer_.write(stored.stored, stored.view.bytes());
  }
  for (const std::string_view matrix : kMatrices) {
    const Checkpoint::Stored& stored = plan_.tensor(index, matrix);
    const ops::Nf4Weight weight = ops::quantize_nf4(stored.view);
    const tensor::Nf4Tables& tables = weight.matrix.nf4_tables;
    const std::string state =
        model::nf4_state(stored.view.dtype, weight.matrix.rows, weight.matrix.columns, tables.offset);
    writer_.write(stored.stored + Nf4Suffix::kCodeMap, tables.code_map.bytes());
    writer_.write(stored.stored + Nf4Suffix::kScaleMap, tables.scale_map.bytes());
    writer_.write(stored.stored + Nf4Suffix::kNestedScales, tables.nested_scales.bytes());
    writer_.write(stored.stored + Nf4Suffix::kState, std::as_bytes(std::span(state)));
    writer_.write(stored.stored + Nf4Suffix::kScales, weight.matrix.scales.bytes());
    writer_.write(stored.stored, weight.matrix.values.bytes());
  }
}

void BlockWriter::write_norm(const Checkpoint::Stored& stored, const Tensor& norm) {
  const Tensor result(stored.view.dtype, norm.shape());
  for (std::int64_t i = 0; i < norm.elements(); ++i) store(result, i, norm.as<float>()[static_cast<std::size_t>(i)]);
  write(stored.stored, result);
}

void BlockWriter::write_matrix(const Checkpoint::Stored& stored, const QuantizedWeight& weight) {
  if (weight.matrix.format == tensor::WeightFormat::int8) {
    write(stored.stored + "_scale", weight.scales);
    return write(stored.stored, weight.values);
  }
  const std::array<std::int64_t, 2> shape{weight.matrix.rows, weight.matrix.columns};
  writer_.write(stored.stored + "_shape", std::as_bytes(std::span(shape)));
  write(stored.stored + "_packed", weight.values);
  write(stored.stored + "_scale", weight.scales);
}

}  // namespace e5v::quantize
