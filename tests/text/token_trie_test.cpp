#include "text/token_trie.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace e5v::text {
namespace {

TEST(TokenTrie, TheLeftmostMemberIsFoundAndOfThoseTheLongest) {
  TokenTrie trie;
  trie.insert("ab", 1);
  trie.insert("abcd", 2);
  trie.insert("c", 3);
  const auto found = trie.find("xabce", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, 1u);
  EXPECT_EQ(found->end, 3u) << "abcd does not fit";
  EXPECT_EQ(found->value, 1);
  EXPECT_EQ(trie.find("xabcd", 0)->value, 2);
  EXPECT_EQ(trie.find("xabcd", 2)->value, 3);
  EXPECT_FALSE(trie.find("xabcd", 4));
  EXPECT_FALSE(trie.find("", 0));
}

TEST(TokenTrie, AStringKeepsItsFirstValue) {
  TokenTrie trie;
  EXPECT_TRUE(trie.empty());
  trie.insert("a", 7);
  trie.insert("a", 8);
  EXPECT_FALSE(trie.empty());
  EXPECT_EQ(trie.find("a", 0)->value, 7);
}

TEST(TokenTrie, AgreesWithASearchForEveryMember) {
  std::mt19937 random(3);
  const auto word = [&](std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += "ab\xFF"[random() % 3];
    return text;
  };
  std::vector<std::string> members;
  TokenTrie trie;
  for (int i = 0; i < 12; ++i) {
    members.push_back(word(1 + random() % 5));
    trie.insert(members.back(), i);
  }
  for (int i = 0; i < 500; ++i) {
    const std::string text = word(random() % 12);
    std::size_t begin = std::string::npos, length = 0;
    for (const std::string& member : members) {
      const std::size_t at = text.find(member);
      if (at == std::string::npos || at > begin || (at == begin && member.size() < length)) continue;
      begin = at, length = member.size();
    }
    const auto found = trie.find(text, 0);
    ASSERT_EQ(found.has_value(), begin != std::string::npos) << text;
    if (!found) continue;
    EXPECT_EQ(found->begin, begin) << text;
    EXPECT_EQ(found->end, begin + length) << text;
  }
}

}  // namespace
}  // namespace e5v::text
