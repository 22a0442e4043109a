#include "vectors/byte_scores.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/parallel.h"
#include "ops/dots.h"
#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/quantize.h"

namespace e5v::vectors {
namespace {

using tensor::DType;

constexpr float kUnit = 0x1p-24f;        // what f32 rounds a number by at most, as a share of it
constexpr float kMargin = 1 + 0x1p-10f;  // for the rounding of the bounds themselves

float largest(std::span<const float> values) { return values.empty() ? 0 : *std::ranges::max_element(values); }

/// The length of what rounding has taken from a row.
float lost_of(std::span<const float> row, const std::int8_t* bytes, float scale) {
  double sum = 0;
  for (std::size_t d = 0; d < row.size(); ++d) {
    const double difference = double{row[d]} - double{scale} * bytes[d];
    sum += difference * difference;
  }
  return kMargin * static_cast<float>(std::sqrt(sum));
}

}  // namespace

std::vector<float> lengths_of(tensor::ConstMatrix rows_ND) {
  std::vector<ops::RowPair> pairs;
  for (std::int64_t i = 0; i < rows_ND.rows; ++i) pairs.push_back({i, i});
  std::vector<double> squares(pairs.size());
  ops::dots(rows_ND, rows_ND, pairs, squares);
  std::vector<float> lengths;
  for (const double square : squares) lengths.push_back(kMargin * static_cast<float>(std::sqrt(square)));
  return lengths;
}

std::vector<float> float_errors(const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths,
                                std::int64_t width) {
  const float share = kMargin * static_cast<float>(width + 8) * kUnit * largest(candidate_lengths);
  std::vector<float> errors;
  for (const float length : query_lengths) errors.push_back(share * length);
  return errors;
}

bool ByteRows::serve(tensor::ConstMatrix rows_CD) {
  constexpr int kMinBits = 256;  // of the CPU's vectors: AVX2
  constexpr std::int64_t kMinWidth = 512, kMaxWidth = 32768;
  return ops::vector_bits() >= kMinBits && rows_CD.columns >= kMinWidth && rows_CD.columns <= kMaxWidth;
}

ByteRows::ByteRows(tensor::ConstMatrix rows_CD)
    : bytes_(DType::i8, {rows_CD.rows, rows_CD.columns}),
      scales_(DType::f32, {rows_CD.rows, 1}),
      lost_(static_cast<std::size_t>(rows_CD.rows)) {
  ops::quantize_rows(rows_CD, tensor::matrix_of(bytes_), scales_.as<float>());
  parallel_for(rows_CD.rows, 64, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    lost_[at] = lost_of({rows_CD.row<float>(i), static_cast<std::size_t>(rows_CD.columns)},
                        tensor::matrix_of(bytes_.view()).row<std::int8_t>(i), scales_.as<float>()[at]);
  });
}

tensor::StoredMatrix ByteRows::range(std::int64_t begin, std::int64_t count) const {
  const tensor::ConstMatrix rows_CD = tensor::matrix_of(bytes_.view()).row_range(begin, count);
  const tensor::ConstMatrix scales_C = tensor::matrix_of(scales_.view()).row_range(begin, count);
  return tensor::StoredMatrix::int8({rows_CD.data, DType::i8, {count, rows_CD.columns}},
                                    {scales_C.data, DType::f32, {count, 1}});
}

bool ByteScores::serve(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD) {
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
  constexpr double kMinProducts = 2.5e8;
  const double products = static_cast<double>(queries_QD.rows) * static_cast<double>(candidates_CD.rows) *
                          static_cast<double>(queries_QD.columns);
  return ByteRows::serve(candidates_CD) && products >= kMinProducts &&
         candidates_CD.rows <= kMaxBytes / candidates_CD.columns;
}

Screen ByteScores::screen(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates,
                          const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths) {
  std::vector<float> lost(query_lengths.size()), errors = candidates->lost();
  ops::int8_rounding(queries_QD, lost);
  const float longest = largest(candidate_lengths) + largest(errors), query = largest(query_lengths);
  for (std::size_t i = 0; i < lost.size(); ++i)
    lost[i] = kMargin * longest * (lost[i] + 12 * kUnit * (query_lengths[i] + lost[i]));
  for (float& error : errors) error *= kMargin * query;
  return {std::make_unique<ByteScores>(queries_QD, std::move(candidates)), std::move(lost), std::move(errors)};
}

void ByteScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  const tensor::StoredMatrix part = candidates_->range(candidate, out_QC.columns);
  ops::matmul(queries_.row_range(query, out_QC.rows), ops::Weight({&part, 1}, ops::Arithmetic::int8), {}, out_QC);
}

}  // namespace e5v::vectors
