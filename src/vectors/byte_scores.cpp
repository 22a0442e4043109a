#include "vectors/byte_scores.h"

#include <algorithm>
#include <cmath>

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

std::vector<float> float_errors(const VectorLengths& lengths, std::int64_t width) {
  const float share = kMargin * static_cast<float>(width + 8) * kUnit * largest(lengths.candidates);
  std::vector<float> errors;
  for (const float length : lengths.queries) errors.push_back(share * length);
  return errors;
}

bool ByteScores::serve(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD) {
  constexpr int kLeastBits = 256;  // of vectors: AVX2
  constexpr std::int64_t kLeastWidth = 512, kWidest = 32768, kMostBytes = std::int64_t{1} << 30;
  constexpr double kLeastProducts = 2.5e8;
  const double products = static_cast<double>(queries_QD.rows) * static_cast<double>(candidates_CD.rows) *
                          static_cast<double>(queries_QD.columns);
  return ops::vector_bits() >= kLeastBits && queries_QD.columns >= kLeastWidth && queries_QD.columns <= kWidest &&
         products >= kLeastProducts && candidates_CD.rows <= kMostBytes / candidates_CD.columns;
}

Screen ByteScores::screen(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD,
                          const VectorLengths& lengths) {
  // Not make_unique, which would need the constructor to be public.
  std::unique_ptr<ByteScores> scores(new ByteScores(queries_QD, candidates_CD));
  std::vector<float> lost(lengths.queries.size()), candidates = scores->lost_candidates(candidates_CD);
  ops::int8_rounding(queries_QD, lost);
  const float longest = largest(lengths.candidates) + largest(candidates), query = largest(lengths.queries);
  for (std::size_t i = 0; i < lost.size(); ++i)
    lost[i] = kMargin * longest * (lost[i] + 12 * kUnit * (lengths.queries[i] + lost[i]));
  for (float& error : candidates) error *= kMargin * query;
  return {std::move(scores), std::move(lost), std::move(candidates)};
}

ByteScores::ByteScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD)
    : queries_(queries_QD),
      bytes_(DType::i8, {candidates_CD.rows, candidates_CD.columns}),
      scales_(DType::f32, {candidates_CD.rows, 1}) {
  ops::quantize_rows(candidates_CD, tensor::matrix_of(bytes_), scales_.as<float>());
}

tensor::StoredMatrix ByteScores::rounded(std::int64_t begin, std::int64_t count) const {
  const tensor::ConstMatrix rows_CD = tensor::matrix_of(bytes_.view()).row_range(begin, count);
  const tensor::ConstMatrix scales_C = tensor::matrix_of(scales_.view()).row_range(begin, count);
  return tensor::StoredMatrix::int8({rows_CD.data, DType::i8, {count, rows_CD.columns}},
                                    {scales_C.data, DType::f32, {count, 1}});
}

std::vector<float> ByteScores::lost_candidates(tensor::ConstMatrix candidates_CD) const {
  std::vector<float> lost(static_cast<std::size_t>(candidates_CD.rows));
  parallel_for(candidates_CD.rows, 64, [&](std::int64_t i) {
    const float* row = candidates_CD.row<float>(i);
    const auto* bytes = tensor::matrix_of(bytes_.view()).row<std::int8_t>(i);
    const float scale = scales_.as<float>()[static_cast<std::size_t>(i)];
    double sum = 0;
    for (std::int64_t d = 0; d < candidates_CD.columns; ++d) {
      const double difference = double{row[d]} - double{scale} * bytes[d];
      sum += difference * difference;
    }
    lost[static_cast<std::size_t>(i)] = kMargin * static_cast<float>(std::sqrt(sum));
  });
  return lost;
}

void ByteScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  const tensor::StoredMatrix part = rounded(candidate, out_QC.columns);
  ops::matmul(queries_.row_range(query, out_QC.rows), ops::Weight({&part, 1}, ops::Arithmetic::int8), {}, out_QC);
}

}  // namespace e5v::vectors
