#include "text/vocabulary.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::text {
namespace {

TEST(Vocabulary, TokensAndIdsAreFoundBothWays) {
  Vocabulary vocabulary;
  for (std::int32_t id = 0; id < 10000; ++id) vocabulary.add("token " + std::to_string(id * 7), id, "v");
  EXPECT_EQ(vocabulary.size(), 10000);
  for (std::int32_t id = 0; id < 10000; ++id) {
    ASSERT_EQ(vocabulary.id_of("token " + std::to_string(id * 7)), id);
    ASSERT_EQ(vocabulary.token_of(id), "token " + std::to_string(id * 7));
  }
  EXPECT_EQ(vocabulary.id_of("token 1"), std::nullopt);
  EXPECT_EQ(vocabulary.token_of(10000), std::nullopt);
  EXPECT_EQ(vocabulary.token_of(-1), std::nullopt);
}

TEST(Vocabulary, IdsMayLeaveGapsAndTokensMayHoldAnyByte) {
  Vocabulary vocabulary;
  vocabulary.add(std::string_view("a\0b", 3), 5, "v");
  vocabulary.add("", 2, "v");
  EXPECT_EQ(vocabulary.size(), 6);
  EXPECT_EQ(vocabulary.id_of(std::string_view("a\0b", 3)), 5);
  EXPECT_EQ(vocabulary.id_of("a"), std::nullopt);
  EXPECT_EQ(vocabulary.token_of(2), "");
  EXPECT_EQ(vocabulary.token_of(3), std::nullopt);
}

TEST(Vocabulary, WhatIsTakenIsRefused) {
  Vocabulary vocabulary;
  vocabulary.add("a", 1, "v");
  const auto refused = testing::ThrowsMessage<ModelError>(testing::StartsWith("[v"));
  EXPECT_THAT([&] { vocabulary.add("a", 2, "[v] model.vocab"); }, testing::Throws<ModelError>());
  EXPECT_THAT([&] { vocabulary.add("b", 1, "[v] model.vocab"); }, refused);
  EXPECT_EQ(vocabulary.id_of("a"), 1);
}

}  // namespace
}  // namespace e5v::text
