#include "vectors/byte_scores.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "ops/dots.h"
#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/quantize.h"
#include "tensor/stored_matrix.h"
#include "vectors/bounds.h"

namespace e5v::vectors {
namespace {

using tensor::DType;

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

tensor::ConstMatrix ByteRows::bytes(std::int64_t begin, std::int64_t count) const {
  return tensor::matrix_of(bytes_.view()).row_range(begin, count);
}

std::span<const float> ByteRows::scales(std::int64_t begin, std::int64_t count) const {
  return scales_.as<float>().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
}

ByteScores::ByteScores(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates)
    : queries_(queries_QD), candidates_(std::move(candidates)) {
  constexpr std::int64_t kFew = 8;
  if (queries_QD.rows > kFew) return;
  for (std::int64_t i = 0; i < queries_QD.rows; ++i)
    rounded_.push_back(ops::round_vector({queries_QD.row<float>(i), static_cast<std::size_t>(queries_QD.columns)}));
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
  auto scores = std::make_unique<ByteScores>(queries_QD, std::move(candidates));
  if (scores->rounded_.empty()) ops::int8_rounding(queries_QD, lost);
  for (std::size_t i = 0; i < scores->rounded_.size(); ++i) lost[i] = scores->rounded_[i].lost;
  const float longest = largest(candidate_lengths) + largest(errors), query = largest(query_lengths);
  for (std::size_t i = 0; i < lost.size(); ++i)
    lost[i] = kMargin * longest * (lost[i] + 12 * kUnit * (query_lengths[i] + lost[i]));
  for (float& error : errors) error *= kMargin * query;
  return {std::move(scores), std::move(lost), std::move(errors)};
}

void ByteScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  const std::int64_t count = out_QC.columns;
  const tensor::ConstMatrix bytes_CD = candidates_->bytes(candidate, count);
  const std::span<const float> scales_C = candidates_->scales(candidate, count);
  if (!rounded_.empty()) {
    for (std::int64_t q = 0; q < out_QC.rows; ++q)
      ops::byte_dots(rounded_[static_cast<std::size_t>(query + q)], bytes_CD, scales_C,
                     {out_QC.row<float>(q), static_cast<std::size_t>(count)});
    return;
  }
  const tensor::StoredMatrix part =
      tensor::StoredMatrix::int8({bytes_CD.data, DType::i8, {count, bytes_CD.columns}},
                                 {reinterpret_cast<const std::byte*>(scales_C.data()), DType::f32, {count, 1}});
  ops::matmul(queries_.row_range(query, out_QC.rows), ops::Weight({&part, 1}, ops::Arithmetic::int8), {}, out_QC);
}

}  // namespace e5v::vectors
