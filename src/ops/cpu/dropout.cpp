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

// A counter or number of 32 bits lies in each 64-bit lane; what is above them is not looked at.
using WordTag = hn::CappedTag<std::uint64_t, 16>;
using Words = hn::Vec<WordTag>;

struct Numbers {
  Words c0, c1, c2, c3;
};

Words product(Words a, std::uint64_t multiplier) {
#if HWY_TARGET == HWY_SCALAR  // has no vectors to see as others
  return hn::Set(WordTag(), (hn::GetLane(a) & 0xFFFF'FFFF) * multiplier);
#else
  const hn::Repartition<std::uint32_t, WordTag> narrow;
  return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, hn::Set(WordTag(), multiplier)));
#endif
}

/// base/philox.h, one stream a lane.
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

/// Drops or scales as many floats as there are lanes, by 16 bits of each lane's number.
void apply(Words halves, std::uint32_t limit, float scale, float* x) {
  const hn::Rebind<std::uint32_t, WordTag> narrow;
  const hn::Rebind<float, WordTag> floats;
  const auto number = hn::TruncateTo(narrow, hn::And(halves, hn::Set(WordTag(), 0xFFFF)));
  const auto dropped = hn::RebindMask(floats, hn::Lt(number, hn::Set(narrow, limit)));
  hn::StoreU(hn::IfThenZeroElse(dropped, hn::Mul(hn::LoadU(floats, x), hn::Set(floats, scale))), floats, x);
}

void drop_group(float* x, std::uint32_t group, std::uint32_t limit, float scale, const DropoutKey& key,
                std::uint64_t name) {
  const WordTag words;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(words));
  for (std::int64_t block = 0; block < kBlocks; block += lanes) {
    const auto first = static_cast<std::uint64_t>(group) * kBlocks + static_cast<std::uint64_t>(block);
    const Numbers counters{hn::Iota(words, first), hn::Set(words, key.place), hn::Set(words, name & 0xFFFF'FFFF),
                           hn::Set(words, name >> 32)};
    const Numbers numbers = philox(counters, key.seed, key.step);
    float* to = x + block;
    for (const Words number : {numbers.c0, numbers.c1, numbers.c2, numbers.c3}) {
      apply(number, limit, scale, to);
      apply(hn::ShiftRight<16>(number), limit, scale, to + kBlocks);
      to += 2 * kBlocks;
    }
  }
}

void dropout_row(float* x, std::int64_t columns, std::uint32_t limit, float scale, const DropoutKey& key,
                 std::uint64_t name) {
  std::uint32_t group = 0;
  for (; (group + 1) * kGroup <= columns; ++group) drop_group(x + group * kGroup, group, limit, scale, key, name);
  const std::int64_t rest = columns - group * kGroup;
  if (rest == 0) return;
  float last[kGroup] = {};
  std::copy_n(x + group * kGroup, rest, last);
  drop_group(last, group, limit, scale, key, name);
  std::copy_n(last, rest, x + group * kGroup);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(dropout_row);

void dropout(tensor::Matrix x, std::uint32_t limit, float scale, const DropoutKey& key,
             std::span<const std::uint64_t> names) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(dropout_row)
    (x.row<float>(row), x.columns, limit, scale, key, names[static_cast<std::size_t>(row)]);
  });
}

}  // namespace e5v::ops::cpu
#endif
