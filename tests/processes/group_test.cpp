// Run by itself, and by mpirun with several processes: every process runs every test.
#include "processes/group.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/cpu.h"
#include "base/error.h"

namespace e5v::processes {
namespace {

const Group* joined = nullptr;

const Group& group() { return *joined; }

/// What process r gives at place i: of all magnitudes, so that the order of a sum matters.
float value_at(int process, std::size_t i) {
  return std::sin(static_cast<float>(i + 1) * static_cast<float>(process + 3)) *
         std::exp2(static_cast<float>(i % 40) - 20);
}

TEST(Group, SumsAreThoseOfAllProcessesInTheirOrder) {
  // None, one, fewer than processes, and more than one piece.
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{1000}, std::size_t{900001}}) {
    std::vector<float> values(length), expected(length);
    for (std::size_t i = 0; i < length; ++i) {
      values[i] = value_at(group().index(), i);
      double total = 0;
      for (int r = 0; r < group().size(); ++r) total += value_at(r, i);
      expected[i] = static_cast<float>(total);
    }
    group().sum(values);
    EXPECT_TRUE(values == expected) << length;
  }
}

TEST(Group, SumsNeedEqualLengths) {
  std::vector<float> values(group().index() == 0 ? 3 : 4, 1.0F);
  if (group().size() == 1) {
    group().sum(values);
    EXPECT_EQ(values, std::vector<float>(3, 1.0F));
  } else {
    EXPECT_THAT([&] { group().sum(values); },
                testing::ThrowsMessage<InvalidInput>("[sum] processes give 3 and 4 values"));
  }
}

TEST(Group, SumOfNumbers) {
  double expected = 0;
  for (int r = 0; r < group().size(); ++r) expected += 0.1 * (r + 1);
  EXPECT_EQ(group().sum(0.1 * (group().index() + 1)), expected);
}

TEST(Group, GatherKeepsTheOrderOfProcesses) {
  // Process 0 gives nothing.
  std::vector<float> mine(static_cast<std::size_t>(3 * group().index())), expected;
  for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = value_at(group().index(), i);
  std::vector<std::string> texts;
  for (int r = 0; r < group().size(); ++r) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(3 * r); ++i) expected.push_back(value_at(r, i));
    texts.push_back(std::string(static_cast<std::size_t>(r), '\0') + std::string(static_cast<std::size_t>(r), 'x'));
  }
  EXPECT_EQ(group().gather(std::span<const float>(mine)), expected);
  EXPECT_EQ(group().gather(texts[static_cast<std::size_t>(group().index())]), texts);
}

TEST(Group, BroadcastGivesWhatProcess0Has) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{5000000}}) {
    std::string bytes = group().leads() ? std::string(length, 'a') : "something else";
    group().broadcast(bytes);
    EXPECT_TRUE(bytes == std::string(length, 'a')) << length;
  }
}

TEST(Group, AFailureOfOneIsThrownOnAll) {
  const int last = group().size() - 1;
  const std::string prefix = group().size() == 1 ? "" : "process " + std::to_string(last) + ": ";
  const auto check = [&] {
    if (group().index() == last) throw ModelError("[model] is broken");
  };
  EXPECT_THAT([&] { group().agree(check); }, testing::ThrowsMessage<ModelError>(prefix + "[model] is broken"));
  const std::string first = group().size() == 1 ? "0" : "process 0: 0";
  EXPECT_THAT([&] { group().agree([&] { throw InvalidInput(std::to_string(group().index())); }); },
              testing::ThrowsMessage<InvalidInput>(first));
}

TEST(Group, NoFailureLetsAllGoOn) {
  bool ran = false;
  group().agree([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(Group, MessagesArriveInOrder) {
  const std::vector<std::size_t> sizes{0, 10, 3000000, 1, 200000};
  const auto message = [](int process, std::size_t size) {
    return std::string(size, static_cast<char>('a' + process));
  };
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  if (group().leads()) {
    for (int process = group().size() - 1; process > 0; --process) {
      for (const std::size_t size : sizes) {
        std::optional<std::string> received;
        while (!(received = group().try_receive(process))) pause();
        EXPECT_TRUE(*received == message(process, size)) << process << " " << size;
      }
      EXPECT_FALSE(group().try_receive(process));
    }
  } else {
    for (const std::size_t size : sizes) group().post(0, message(group().index(), size));
    while (group().unsent() > 0) pause();
  }
  EXPECT_EQ(group().unsent(), 0);
  group().barrier();
}

TEST(Group, ProcessesShareTheCores) {
  const int threads = group().threads();
  EXPECT_GE(threads, 1);
  EXPECT_LE(threads, this_machine().cores);
  if (group().size() == 1) {
    EXPECT_EQ(threads, this_machine().cores);
  }
}

}  // namespace
}  // namespace e5v::processes

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const e5v::processes::Group group = e5v::processes::Group::join();
  e5v::processes::joined = &group;
  return RUN_ALL_TESTS();
}
