#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/dropout.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <algorithm>

#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kGroup = 128, kBlocks = 16;

// Each 64-bit lane holds a 32-bit counter or number; its upper bits are ignored.
using WordTag = hn::CappedTag<std::uint64_t, 16>;
using Words = hn::Vec<WordTag>;

struct Numbers {
  Words c0, c1, c2, c3;
};

Words product(Words a, std::uint64_t multiplier) {
#if HWY_TARGET == HWY_SCALAR  // a scalar target has no vectors of another type
  return hn::Set(WordTag(), (hn::GetLane(a) & 0xFFFF'FFFF) * multiplier);
#else
  const hn::Repartition<std::uint32_t, WordTag> narrow;
  return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, hn::Set(WordTag(), multiplier)));
#endif
}

/// The generator of base/philox.h, with one stream per lane.
Numbers philox(Numbers n, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const Words product0 = product(n.c0, 0xD251'1F53), product1 = product(n.c2, 0xCD9E'8D57);
    n = {hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), n.c1), hn::Set(WordTag(), key0)), product1,
         hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), n.c3), hn::Set(WordTag(), key1)), product0};
    key0 += 0x9E37'79B9;
    key1 += 0xBB67'AE85;
  }
  return n;
}

/// The factors of as many elements as there are lanes, from 16 bits of each lane's number.
void factors_of(Words halves, const DropoutRule& rule, float* factors) {
  const hn::Rebind<std::uint32_t, WordTag> narrow;
  const hn::Rebind<float, WordTag> floats;
  const auto number = hn::TruncateTo(narrow, hn::And(halves, hn::Set(WordTag(), 0xFFFF)));
  const auto dropped = hn::RebindMask(floats, hn::Lt(number, hn::Set(narrow, rule.limit)));
  hn::StoreU(hn::IfThenZeroElse(dropped, hn::Set(floats, rule.scale)), floats, factors);
}

/// The factors of a group of columns.
void group_factors(std::uint32_t group, const DropoutRule& rule, std::uint64_t name, float* factors) {
  const WordTag words;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(words));
  for (std::int64_t block = 0; block < kBlocks; block += lanes) {
    const auto first = static_cast<std::uint64_t>(group) * kBlocks + static_cast<std::uint64_t>(block);
    const Numbers counters{hn::Iota(words, first), hn::Set(words, rule.key.place), hn::Set(words, name & 0xFFFF'FFFF),
                           hn::Set(words, name >> 32)};
    const Numbers numbers = philox(counters, rule.key.seed, rule.key.step);
    float* to = factors + block;
    for (const Words number : {numbers.c0, numbers.c1, numbers.c2, numbers.c3}) {
      factors_of(number, rule, to);
      factors_of(hn::ShiftRight<16>(number), rule, to + kBlocks);
      to += 2 * kBlocks;
    }
  }
}

/// Runs body(begin, count, factors) for the groups of a row.
template <class Body>
HWY_INLINE void for_factors(const DropoutRule& rule, std::uint64_t name, std::int64_t columns, const Body& body) {
  HWY_ALIGN float factors[kGroup];
  for (std::int64_t begin = 0; begin < columns; begin += kGroup) {
    group_factors(static_cast<std::uint32_t>(begin / kGroup), rule, name, factors);
    body(begin, static_cast<std::size_t>(std::min(kGroup, columns - begin)), static_cast<const float*>(factors));
  }
}

template <class From, class To>
void dropout_row_of(const From* x, const DropoutRule& rule, std::uint64_t name, std::int64_t columns, To* y) {
  for_factors(rule, name, columns, [=](std::int64_t begin, std::size_t count, const float* factors) HWY_ATTR {
    transform(
        count, y + begin, [](auto value, auto factor) HWY_ATTR { return hn::Mul(value, factor); }, x + begin, factors);
  });
}

template <class From>
void add_dropped_row_of(const From* x, const DropoutRule& rule, std::uint64_t name, std::int64_t columns, float* y) {
  for_factors(rule, name, columns, [=](std::int64_t begin, std::size_t count, const float* factors) HWY_ATTR {
    transform(
        count, y + begin, [](auto value, auto factor, auto sum) HWY_ATTR { return hn::MulAdd(value, factor, sum); },
        x + begin, factors, static_cast<const float*>(y + begin));
  });
}

template <class From>
void dropout_row_from(tensor::ConstMatrix x, const DropoutRule& rule, std::uint64_t name, tensor::Matrix y, bool add) {
  const From* from = x.row<From>(0);
  if (y.dtype == tensor::DType::bf16) {
    return dropout_row_of(from, rule, name, x.columns, y.row<tensor::BFloat16>(0));
  }
  if (add) return add_dropped_row_of(from, rule, name, x.columns, y.row<float>(0));
  dropout_row_of(from, rule, name, x.columns, y.row<float>(0));
}

void dropout_row(tensor::ConstMatrix x, const DropoutRule& rule, std::uint64_t name, tensor::Matrix y, bool add) {
  if (x.dtype == tensor::DType::bf16) return dropout_row_from<tensor::BFloat16>(x, rule, name, y, add);
  dropout_row_from<float>(x, rule, name, y, add);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(dropout_row);

void dropout(tensor::ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names, tensor::Matrix y,
             bool add) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(dropout_row)
    (x.row_range(row, 1), rule, names[static_cast<std::size_t>(row)], y.row_range(row, 1), add);
  });
}

}  // namespace e5v::ops::cpu
#endif
