#include "nn/pass.h"

#include <gmock/gmock.h>

namespace e5v::nn {
namespace {

using tensor::DType;

TEST(Pass, ScopesGiveMemoryBackOnlyWithoutATape) {
  tensor::Arena arena, gradients;
  const auto next = [&] { return arena.matrix(DType::f32, 1, 1).data; };
  const auto after_scope = [&](const Pass& pass) {
    const tensor::Arena::Scope whole(arena);
    std::byte* first = nullptr;
    {
      const Pass::Scope scope(pass);
      first = pass.matrix(DType::f32, 4, 4).data;
    }
    return next() == first;
  };
  Tape tape(gradients);
  EXPECT_TRUE(after_scope(Pass(arena)));
  EXPECT_FALSE(after_scope(Pass(arena, tape)));
}

TEST(Pass, ItsTapeWatchesItsMatrices) {
  tensor::Arena arena, gradients;
  Tape tape(gradients);
  const Pass pass(arena, tape);
  EXPECT_TRUE(tape.gradient(pass.matrix(DType::f32, 2, 3)).has_value());
  EXPECT_FALSE(tape.gradient(pass.untaped().matrix(DType::f32, 2, 3)).has_value());
}

TEST(Pass, CopiesDifferInOneThing) {
  tensor::Arena arena, gradients;
  Tape tape(gradients), other(&tape);
  const Dropout dropout{0.5f, 1, 2};
  const std::vector<std::uint64_t> names{3, 4};
  Pass pass(arena, tape);
  pass.dropout = &dropout;
  pass.keeps_activations = true;
  const Pass over = pass.over({.names = names});
  EXPECT_THAT(over.rows.names, testing::ElementsAre(3, 4));
  EXPECT_TRUE(pass.rows.names.empty());
  EXPECT_EQ(over.untaped().tape, nullptr);
  EXPECT_EQ(over.taped(other).tape, &other);
  for (const Pass& copy : {over, over.untaped(), over.taped(other)}) {
    EXPECT_EQ(&copy.arena, &arena);
    EXPECT_EQ(copy.dropout, &dropout);
    EXPECT_TRUE(copy.keeps_activations);
    EXPECT_EQ(copy.rows.names.data(), names.data());
  }
}

TEST(Pass, HoldsWhatItBorrowsUntilTheTapeIsRewound) {
  tensor::Arena arena, gradients;
  Tape tape(gradients);
  const Pass pass(arena, tape);
  auto number = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = number;
  pass.hold(number);
  bool there = false;
  tape.record([&] { there = !watched.expired(); });
  number.reset();
  tape.rewind();
  EXPECT_TRUE(there);
  EXPECT_TRUE(watched.expired());
  pass.untaped().hold(std::make_shared<int>(8));  // nobody asks for it later
}

}  // namespace
}  // namespace e5v::nn
