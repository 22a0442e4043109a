#include "base/cpu.h"

#include <gmock/gmock.h>

#include <cstring>
#include <vector>

namespace e5v {
namespace {

TEST(Cpu, DescribesThisMachine) {
  const Machine machine = this_machine();
  EXPECT_FALSE(machine.processor.empty());
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.memory, std::uint64_t{64} << 20);
  EXPECT_LE(machine.available, machine.memory);
  EXPECT_GT(machine.available, 0u);
}

TEST(Cpu, PeakResidentBytesSeesAllocations) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::uint64_t before = peak_resident_bytes();
  EXPECT_GT(before, 0u);
  const std::vector<char> block(kBytes, 1);
  EXPECT_EQ(block[kBytes / 2], 1);
  EXPECT_GE(peak_resident_bytes(), std::max<std::uint64_t>(before, kBytes));
}

}  // namespace
}  // namespace e5v
