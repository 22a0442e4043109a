#include "base/philox.h"

#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace e5v {
namespace {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

TEST(Philox, KnownAnswers) {
  // The vectors that the authors publish for philox4x32 with 10 rounds (Random123, kat_vectors).
  constexpr std::uint32_t kOnes = 0xFFFF'FFFF;
  EXPECT_EQ(philox4x32({}, {}), (Counter{0x6627'E8D5, 0xE169'C58D, 0xBC57'AC4C, 0x9B00'DBD8}));
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Counter{0x408F'276D, 0x41C8'3B0E, 0xA20B'C7C6, 0x6D54'51FD}));
  EXPECT_EQ(philox4x32({0x243F'6A88, 0x85A3'08D3, 0x1319'8A2E, 0x0370'7344}, {0xA409'3822, 0x299F'31D0}),
            (Counter{0xD16C'FE09, 0x94FD'CCEB, 0x5001'E420, 0x2412'6EA1}));
}

TEST(Philox, IsKnownToTheCompiler) {
  static_assert(philox4x32({}, {})[0] == 0x6627'E8D5);
  static_assert(Philox(0, 0).at(3) == 0x9B00'DBD8);
}

TEST(Philox, StreamIsItsBlocks) {
  const Philox stream(0x299F'31D0'A409'3822, 0x0370'7344'1319'8A2E);
  EXPECT_EQ(stream.block(0x85A3'08D3'243F'6A88), (Counter{0xD16C'FE09, 0x94FD'CCEB, 0x5001'E420, 0x2412'6EA1}));
  for (std::uint64_t i = 0; i < 12; ++i) EXPECT_EQ(stream.at(i), stream.block(i / 4)[i % 4]);
}

TEST(Philox, SeedsAndStreamsDiffer) {
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t stream = 0; stream < 10; ++stream) seen.insert(Philox(seed, stream).at(0));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Philox, UniformFillsItsRange) {
  EXPECT_EQ(Philox::uniform(0), 0);
  EXPECT_EQ(Philox::uniform(0xFFFF'FFFF), 1 - 0x1p-24f);
  constexpr int kBins = 10, kEach = 10000;
  std::vector<int> bins(kBins);
  const Philox stream(7, 0);
  for (std::uint64_t i = 0; i < kBins * kEach; ++i) {
    ++bins[static_cast<std::size_t>(Philox::uniform(stream.at(i)) * kBins)];
  }
  EXPECT_THAT(bins, testing::Each(testing::AllOf(testing::Gt(kEach - 500), testing::Lt(kEach + 500))));
}

}  // namespace
}  // namespace e5v
