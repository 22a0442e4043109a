#include "base/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>
#include <new>

namespace e5v {

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }
};

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

std::optional<Hash128> Hash128::from_hex(std::string_view text) {
  constexpr std::size_t kDigits = 16;
  Hash128 hash;
  const auto parse = [&](std::size_t from, std::uint64_t& value) {
    const char* end = text.data() + from + kDigits;
    return std::from_chars(text.data() + from, end, value, 16).ptr == end;
  };
  if (text.size() != 2 * kDigits || !parse(0, hash.high) || !parse(kDigits, hash.low)) return std::nullopt;
  return hash;
}

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;

Hasher& Hasher::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
  return *this;
}

Hasher& Hasher::add(std::string_view text) { return add(std::as_bytes(std::span(text))); }

Hasher& Hasher::add(std::int64_t number) { return add(std::as_bytes(std::span(&number, 1))); }

Hash128 Hasher::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return {hash.low64, hash.high64};
}

}  // namespace e5v
