#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace e5v {

/// Philox4x32-10: four random 32-bit numbers from a counter and a key, by ten rounds of multiplication. Every counter
/// gives numbers of its own, so any place of a stream can be computed alone, on any thread, in any order, with the same
/// result on every machine.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD251'1F53, kMultiplier1 = 0xCD9E'8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E37'79B9, kWeyl1 = 0xBB67'AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0], product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

/// The streams of random numbers that belong to a seed.
class Philox {
 public:
  constexpr Philox(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  /// Numbers [4 index, 4 index + 4) of the stream.
  constexpr std::array<std::uint32_t, 4> block(std::uint64_t index) const {
    return philox4x32({low(index), high(index), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
  }

  /// Number i of the stream.
  constexpr std::uint32_t at(std::uint64_t i) const { return block(i / 4)[static_cast<std::size_t>(i % 4)]; }

  /// A random number as one of 2^24 evenly spread values of [0, 1).
  static constexpr float uniform(std::uint32_t number) { return static_cast<float>(number >> 8) * 0x1p-24f; }

 private:
  static constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
  static constexpr std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

  std::uint64_t seed_, stream_;
};

}  // namespace e5v
