#include "tensor/stored_matrix.h"

namespace e5v::tensor {
namespace {

bool is_plain_type(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

void check_scales(const TensorView& scales, std::int64_t rows) {
  require(is_plain_type(scales.dtype) && scales.shape.rank() == 2 && scales.shape[0] == rows && scales.shape[1] > 0,
          "[weight] scales are {} {}, expected f32, f16 or bf16 and {} rows", name_of(scales.dtype),
          scales.shape.text(), rows);
}

void check_part(const TensorView& part, std::string_view what, DType type, std::int64_t elements) {
  require(part.dtype == type && part.elements() == elements, "[weight] {} are {} {}, expected {} [{}]", what,
          name_of(part.dtype), part.shape.text(), name_of(type), elements);
}

std::int64_t size_in_bytes(const TensorView& part) { return static_cast<std::int64_t>(part.bytes().size()); }

}  // namespace

std::string_view name_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::plain: return "plain";
    case WeightFormat::int8: return "int8";
    case WeightFormat::int4: return "int4";
    case WeightFormat::nf4: return "nf4";
  }
  return "unknown";
}

StoredMatrix::StoredMatrix(const TensorView& plain) : values(plain) {
  require(plain.shape.rank() == 2, "[weight] expected two axes, found the shape {}", plain.shape.text());
  require(is_plain_type(plain.dtype), "[weight] is {}, expected f32, f16 or bf16", name_of(plain.dtype));
  rows = plain.shape[0];
  columns = plain.shape[1];
}

StoredMatrix StoredMatrix::int8(const TensorView& values, const TensorView& scales) {
  require(values.dtype == DType::i8 && values.shape.rank() == 2, "[weight] values are {} {}, expected i8 of two axes",
          name_of(values.dtype), values.shape.text());
  check_scales(scales, values.shape[0]);
  require(scales.shape[1] == 1, "[weight] {} scales a row, expected one", scales.shape[1]);
  StoredMatrix matrix;
  matrix.values = values, matrix.scales = scales;
  matrix.rows = values.shape[0], matrix.columns = values.shape[1];
  matrix.format = WeightFormat::int8;
  return matrix;
}

StoredMatrix StoredMatrix::int4(const TensorView& values, const TensorView& scales, std::int64_t columns) {
  require(values.dtype == DType::i32 && values.shape.rank() == 2, "[weight] values are {} {}, expected i32 of two axes",
          name_of(values.dtype), values.shape.text());
  require(values.shape[1] == (columns + 7) / 8, "[weight] {} words a row, expected {} for {} columns", values.shape[1],
          (columns + 7) / 8, columns);
  check_scales(scales, values.shape[0]);
  require(columns % scales.shape[1] == 0 && columns / scales.shape[1] % 8 == 0,
          "[weight] {} scales for {} columns: groups are no multiple of 8", scales.shape[1], columns);
  StoredMatrix matrix;
  matrix.values = values, matrix.scales = scales;
  matrix.rows = values.shape[0], matrix.columns = columns;
  matrix.format = WeightFormat::int4;
  return matrix;
}

StoredMatrix StoredMatrix::nf4(const TensorView& codes, const TensorView& scales, const Nf4Tables& tables,
                               std::int64_t rows, std::int64_t columns) {
  require(rows > 0 && columns > 0 && columns % 8 == 0,
          "[weight] nf4 matrix [{}, {}], expected columns in multiples of 8", rows, columns);
  const std::int64_t blocks = (rows * columns + kNf4Block - 1) / kNf4Block;
  check_part(codes, "codes", DType::u8, rows * columns / 2);
  check_part(scales, "scales", tables.nested() ? DType::u8 : DType::f32, blocks);
  check_part(tables.code_map, "values of codes", DType::f32, 16);
  if (tables.nested()) {
    check_part(tables.scale_map, "values of scales", DType::f32, 256);
    check_part(tables.nested_scales, "scales of scales", DType::f32, (blocks + kNf4NestedBlock - 1) / kNf4NestedBlock);
  }
  StoredMatrix matrix;
  matrix.values = codes, matrix.scales = scales, matrix.nf4_tables = tables;
  matrix.rows = rows, matrix.columns = columns;
  matrix.format = WeightFormat::nf4;
  return matrix;
}

std::int64_t StoredMatrix::bytes() const {
  std::int64_t total = size_in_bytes(values);
  if (format != WeightFormat::plain) total += size_in_bytes(scales);
  if (format != WeightFormat::nf4) return total;
  total += size_in_bytes(nf4_tables.code_map);
  return nf4_tables.nested() ? total + size_in_bytes(nf4_tables.scale_map) + size_in_bytes(nf4_tables.nested_scales)
                             : total;
}

}  // namespace e5v::tensor
