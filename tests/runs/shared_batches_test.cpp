// Run by itself, and by mpirun with several processes: every process runs every test.
#include "runs/shared_batches.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "processes/ending.h"

namespace e5v::runs {
namespace {

const processes::Group* joined = nullptr;

const processes::Group& group() { return *joined; }

/// Batch n has a few ids and no vectors yet; some have bad items, too.
DoneBatch batch_of(int n) {
  DoneBatch batch;
  for (int i = 0; i <= n % 3; ++i) batch.ids.push_back(100 * n + i);
  if (n % 4 == 0) batch.bad.push_back("bad " + std::to_string(n));
  batch.position = {n + 1, n / 4, {7, static_cast<std::uint64_t>(n)}};
  return batch;
}

std::vector<float> vectors_of(int n) {
  std::vector<float> vectors;
  for (int i = 0; i < 2 * (n % 3 + 1); ++i) vectors.push_back(static_cast<float>(10 * n + i));
  return vectors;
}

constexpr int kBatches = 40;  // more than may be on their way
constexpr const char* kEnd = "the test is over";

/// Deals batches [0, kBatches), of which `change` may change one; what the others sent is gone afterwards.
template <class Change>
void deal(SharedBatches& batches, const Change& change) {
  for (int n = 0; n < kBatches; ++n) {
    DoneBatch batch = batch_of(n);
    if (batches.mine()) batch.vectors = vectors_of(n);
    change(n, batch);
    batches.add(std::move(batch));
  }
  batches.finish({kBatches, 0, {}});
}

void forget_messages() {
  if (!group().leads()) {
    group().post(0, kEnd);
    while (group().unsent() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (int process = 1; group().leads() && process < group().size(); ++process) {
    std::optional<std::string> message;
    while (!(message = group().try_receive(process)) || *message != kEnd)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  group().barrier();
}

TEST(SharedBatches, ArriveOnProcess0InTheirOrder) {
  std::vector<DoneBatch> taken;
  SharedBatches batches(
      group(), 2, [&](const DoneBatch& batch) { taken.push_back(batch); }, nullptr);
  int mine = 0;
  deal(batches, [&](int n, const DoneBatch& batch) {
    mine += !batch.vectors.empty();
    EXPECT_EQ(!batch.vectors.empty(), n % group().size() == group().index());
  });
  EXPECT_NEAR(mine, kBatches / group().size(), 1);
  ASSERT_EQ(std::ssize(taken), group().leads() ? kBatches : 0);
  for (std::size_t n = 0; n < taken.size(); ++n) {
    const DoneBatch expected = batch_of(static_cast<int>(n));
    EXPECT_EQ(taken[n].ids, expected.ids);
    EXPECT_EQ(taken[n].bad, expected.bad);
    EXPECT_EQ(taken[n].position, expected.position);
    EXPECT_EQ(taken[n].vectors, vectors_of(static_cast<int>(n)));
  }
  group().barrier();
}

TEST(SharedBatches, OtherItemsOnAnotherProcessAreToldAndNothingAfterThemIsTaken) {
  if (group().size() == 1) return;
  int taken = 0;
  SharedBatches batches(
      group(), 2, [&](const DoneBatch&) { ++taken; }, nullptr);
  const int changed = group().size() - 1;  // the first of the last process
  const auto run = [&] {
    deal(batches, [&](int n, DoneBatch& batch) {
      if (n == changed && group().index() == changed) batch.position.items = 77;
    });
  };
  if (group().leads()) {
    EXPECT_THAT(run, testing::ThrowsMessage<InvalidInput>(testing::HasSubstr(
                         "process " + std::to_string(changed) +
                         " and process 0 found other items in the input: 77 and " + std::to_string(changed + 1))));
    EXPECT_EQ(taken, changed);
  } else {
    run();
  }
  forget_messages();
}

TEST(SharedBatches, WhatEndsAnotherProcessEndsTheRun) {
  if (group().size() == 1) return;
  SharedBatches batches(
      group(), 2, [](const DoneBatch&) {}, nullptr);
  if (group().leads()) {
    EXPECT_THAT([&] { deal(batches, [](int, const DoneBatch&) {}); },
                testing::ThrowsMessage<ModelError>("process 1: [model] is broken"));
    group().barrier();  // in the program it ends the others instead
  } else if (group().index() == 1) {
    batches.give_up(processes::verdict_of([] { throw ModelError("[model] is broken"); }));
  } else {
    deal(batches, [](int, const DoneBatch&) {});
    group().barrier();
  }
  forget_messages();
}

TEST(SharedBatches, AStopEndsTheWaitForOthers) {
  if (group().size() == 1) return;
  struct Stop {};
  SharedBatches batches(
      group(), 2, [](const DoneBatch&) {}, [] { throw Stop(); });
  if (group().leads()) {
    EXPECT_THROW(deal(batches, [](int, const DoneBatch&) {}), Stop);  // nobody sends anything
  }
  group().barrier();
}

}  // namespace
}  // namespace e5v::runs

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const e5v::processes::Group group = e5v::processes::Group::join();
  e5v::runs::joined = &group;
  return RUN_ALL_TESTS();
}
