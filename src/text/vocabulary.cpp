#include "text/vocabulary.h"

#include <functional>
#include <utility>

#include "base/error.h"
#include "text/section.h"

namespace e5v::text {
namespace {

constexpr std::size_t kFirstSlots = 1024;

std::uint32_t hash_of(std::string_view token) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(token));
}

}  // namespace

void Vocabulary::add(std::string_view token, std::int32_t id, std::string_view where) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1);
  if (const auto taken = token_of(id)) {
    fail<ModelError>("{} gives the id {} to {}, which {} has already", where, id, shown(token), shown(*taken));
  }
  if (const auto taken = id_of(token)) {
    fail<ModelError>("{} gives the id {} to {}, which has the id {} already", where, id, shown(token), *taken);
  }
  require<ModelError>(text_.size() + token.size() < kAbsent, "{} holds more than {} bytes of tokens", where, kAbsent);
  if (2 * (used_ + 1) > slots_.size()) grow();
  const Range range{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(token.size())};
  text_.append(token);
  tokens_[index] = range;
  const std::uint32_t hash = hash_of(token);
  slots_[slot_of(token, hash)] = {hash, id, range};
  ++used_;
}

std::optional<std::int32_t> Vocabulary::id_of(std::string_view token) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(token, hash_of(token))];
  return slot.id < 0 ? std::nullopt : std::optional(slot.id);
}

std::optional<std::string_view> Vocabulary::token_of(std::int32_t id) const {
  if (id < 0 || id >= size()) return std::nullopt;
  const Range range = tokens_[static_cast<std::size_t>(id)];
  return range.offset == kAbsent ? std::nullopt : std::optional(text_of(range));
}

/// The slot of the token, or the free slot for it.
std::size_t Vocabulary::slot_of(std::string_view token, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].id >= 0 && (slots_[at].hash != hash || text_of(slots_[at].range) != token)) at = (at + 1) & mask;
  return at;
}

void Vocabulary::grow() {
  const std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(slots_.empty() ? kFirstSlots : 2 * slots_.size()));
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].id >= 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace e5v::text
