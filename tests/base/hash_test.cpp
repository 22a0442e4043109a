#include "base/hash.h"

#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace e5v {
namespace {

TEST(Hash, KnownValues) {
  // XXH3's own 128-bit values for the empty input, and for "abc" as the xxhsum program prints it.
  EXPECT_EQ(Hasher().digest().hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Hasher().add("abc").digest().hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, PiecesAreNotDelimited) {
  const Hash128 whole = Hasher().add("one two three").digest();
  EXPECT_EQ(Hasher().add("one ").add("two").add("").add(" three").digest(), whole);
  const std::string_view text = "one two three";
  EXPECT_EQ(Hasher().add(std::as_bytes(std::span(text))).digest(), whole);
  EXPECT_NE(Hasher().add("one two thref").digest(), whole);
}

TEST(Hash, NumbersAreTheirEightBytes) {
  constexpr std::int64_t kNumber = 0x0102030405060708;
  EXPECT_EQ(Hasher().add(kNumber).digest(), Hasher().add("\x08\x07\x06\x05\x04\x03\x02\x01").digest());
  EXPECT_NE(Hasher().add(std::int64_t{1}).digest(), Hasher().add(std::int64_t{-1}).digest());
}

TEST(Hash, DigestDoesNotEndTheStream) {
  Hasher hasher;
  hasher.add("a");
  EXPECT_EQ(hasher.digest(), hasher.digest());
  EXPECT_EQ(hasher.add("bc").digest(), Hasher().add("abc").digest());
}

TEST(Hash, TellsEveryBitOfALongInputApart) {
  std::vector<std::byte> bytes(600);
  std::set<Hash128> seen{Hasher().add(bytes).digest()};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = std::byte{1};
    seen.insert(Hasher().add(bytes).digest());
    bytes[i] = std::byte{0};
  }
  EXPECT_EQ(seen.size(), bytes.size() + 1);
}

TEST(Hash, HexIsHighThenLow) {
  EXPECT_EQ((Hash128{.low = 0xABC, .high = 1}).hex(), "00000000000000010000000000000abc");
}

TEST(Hash, HexIsReadBack) {
  const Hash128 hash = Hasher().add("text").digest();
  EXPECT_EQ(Hash128::from_hex(hash.hex()), hash);
  for (const std::string& other : {std::string(), hash.hex() + "0", "x" + hash.hex().substr(1), hash.hex().substr(1)})
    EXPECT_EQ(Hash128::from_hex(other), std::nullopt) << other;
}

}  // namespace
}  // namespace e5v
