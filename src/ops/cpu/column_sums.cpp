#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/column_sums.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <algorithm>

#include "base/parallel.h"
#include "ops/cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DoubleTag = hn::ScalableTag<double>;
using TermTag = hn::Rebind<float, DoubleTag>;

void add_row(const float* x, std::size_t count, double* sums) {
  const DoubleTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto term = hn::PromoteTo(d, hn::LoadU(TermTag(), x + j));
    hn::StoreU(hn::Add(hn::LoadU(d, sums + j), term), d, sums + j);
  }
  for (; j < count; ++j) sums[j] += static_cast<double>(x[j]);
}

void add_normed_row(const float* dy, const float* x, RowScaling row, std::size_t count, double* sums) {
  const DoubleTag d;
  const TermTag f;
  const std::size_t lanes = hn::Lanes(d);
  const auto mean = hn::Set(f, row.mean), factor = hn::Set(f, row.factor);
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto normed = hn::Mul(hn::Sub(hn::LoadU(f, x + j), mean), factor);
    const auto term = hn::PromoteTo(d, hn::Mul(hn::LoadU(f, dy + j), normed));
    hn::StoreU(hn::Add(hn::LoadU(d, sums + j), term), d, sums + j);
  }
  for (; j < count; ++j) sums[j] += static_cast<double>(dy[j] * ((x[j] - row.mean) * row.factor));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {
namespace {

/// sums[j] += the sum over all rows of what add_row(row, begin, count, totals) adds to totals[j - begin]. Columns run
/// in parallel and rows in order, so that the number of threads does not matter.
template <class AddRow>
void sum_columns(std::int64_t rows, std::span<float> sums, const AddRow& add_row) {
  constexpr std::int64_t kColumns = 64;
  const auto width = static_cast<std::int64_t>(sums.size());
  parallel_for((width + kColumns - 1) / kColumns, 1, [&](std::int64_t part) {
    double totals[kColumns] = {};
    const std::int64_t begin = part * kColumns, count = std::min(kColumns, width - begin);
    for (std::int64_t row = 0; row < rows; ++row) add_row(row, begin, static_cast<std::size_t>(count), totals);
    for (std::int64_t j = 0; j < count; ++j) sums[static_cast<std::size_t>(begin + j)] += static_cast<float>(totals[j]);
  });
}

}  // namespace

HWY_EXPORT(add_row);
HWY_EXPORT(add_normed_row);

void add_column_sums(tensor::ConstMatrix x, std::span<float> sums) {
  sum_columns(x.rows, sums, [&](std::int64_t row, std::int64_t begin, std::size_t count, double* totals) {
    HWY_DYNAMIC_DISPATCH(add_row)(x.row<float>(row) + begin, count, totals);
  });
}

void add_normed_column_sums(tensor::ConstMatrix dy, tensor::ConstMatrix x, std::span<const RowScaling> rows,
                            std::span<float> sums) {
  sum_columns(x.rows, sums, [&](std::int64_t row, std::int64_t begin, std::size_t count, double* totals) {
    HWY_DYNAMIC_DISPATCH(add_normed_row)
    (dy.row<float>(row) + begin, x.row<float>(row) + begin, rows[static_cast<std::size_t>(row)], count, totals);
  });
}

}  // namespace e5v::ops::cpu
#endif
