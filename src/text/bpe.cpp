#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace e5v::text {
namespace {

constexpr std::int32_t kNone = -1;
constexpr std::size_t kTabledCharacters = 0x800;  // characters of one or two bytes, including the byte-level alphabet

/// The two halves of a merge, "left right" or ["left", "right"]; nothing for another value.
std::optional<std::pair<std::string_view, std::string_view>> halves_of(const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return std::pair<std::string_view, std::string_view>(merge[0].get_ref<const std::string&>(),
                                                         merge[1].get_ref<const std::string&>());
  }
  if (!merge.is_string()) return std::nullopt;
  const std::string_view line = merge.get_ref<const std::string&>();
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(line.substr(0, blank), line.substr(blank + 1));
}

/// Orders by rank, then by position. With it, the standard heap returns the earliest merge first.
bool is_later(const Bpe::Scratch::Candidate& a, const Bpe::Scratch::Candidate& b) {
  return std::pair(a.rank, a.position) > std::pair(b.rank, b.position);
}

}  // namespace

Bpe::Bpe(const Section& section, Vocabulary vocabulary, const std::vector<Json>& merges)
    : vocabulary_(std::move(vocabulary)) {
  // Files written before 2020 have no type.
  const std::string type = section.has("type") ? section.text("type") : "BPE";
  if (type != "BPE") section.unsupported("type", type, {"BPE"});
  require<ModelError>(section.at("vocab").json().is_object(), "{} is {}, expected an object",
                      section.at("vocab").where(), section.at("vocab").json().type_name());
  find_single_characters();
  read_merges(merges, section.at("merges"));
  read_options(section);
}

void Bpe::find_single_characters() {
  character_ids_.assign(kTabledCharacters, kNone);
  for (std::size_t value = 0; value < kTabledCharacters; ++value) {
    std::string character;
    append_utf8(character, static_cast<char32_t>(value));
    character_ids_[value] = vocabulary_.id_of(character).value_or(kNone);
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary_.id_of(fmt::format("<0x{:02X}>", byte)).value_or(kNone);
  }
}

void Bpe::read_merges(const std::vector<Json>& list, const Section& section) {
  require<ModelError>(section.json().is_array(), "{} is {}, expected an array", section.where(),
                      section.json().type_name());
  merges_ = MergeTable(list.size());
  std::string merged;
  for (std::size_t rank = 0; rank < list.size(); ++rank) {
    const auto halves = halves_of(list[rank]);
    if (!halves) {
      fail<ModelError>("{}[{}] is {}, expected \"left right\" or [\"left\", \"right\"]", section.where(), rank,
                       shown(list[rank].dump(-1, ' ', true)));
    }
    const auto known_id = [&](std::string_view token) {
      const auto id = vocabulary_.id_of(token);
      if (!id) {
        fail<ModelError>("{}[{}] needs the token {}, which the vocabulary lacks", section.where(), rank, shown(token));
      }
      return *id;
    };
    merged.assign(halves->first).append(halves->second);
    const std::int32_t left = known_id(halves->first), right = known_id(halves->second);
    merges_.set(left, right, {static_cast<std::int32_t>(rank), known_id(merged)});
  }
}

void Bpe::read_options(const Section& section) {
  constexpr const char *kPrefix = "continuing_subword_prefix", *kSuffix = "end_of_word_suffix";
  if (section.has(kPrefix) && !section.text(kPrefix).empty())
    section.unsupported(kPrefix, section.text(kPrefix), {"null"});
  if (section.has(kSuffix)) word_end_ = section.text(kSuffix);
  if (section.has("dropout") && section.at("dropout").json() != 0) {
    section.unsupported("dropout", section.at("dropout").json().dump(), {"null"});
  }
  fuse_unknown_ = section.flag("fuse_unk", false);
  byte_fallback_ = section.flag("byte_fallback", false);
  ignore_merges_ = section.flag("ignore_merges", false);
  if (!section.has("unk_token")) return;
  const std::string unknown = section.text("unk_token");
  unknown_id_ = vocabulary_.id_of(unknown);
  require<ModelError>(unknown_id_.has_value(), "{} is {}, which the vocabulary lacks", section.at("unk_token").where(),
                      shown(unknown));
}

std::int32_t Bpe::id_of_character(char32_t value, std::string_view character) const {
  if (value < character_ids_.size()) return character_ids_[value];
  return vocabulary_.id_of(character).value_or(kNone);
}

std::int32_t Bpe::id_of_last(std::string_view character) const {
  return vocabulary_.id_of(std::string(character).append(word_end_)).value_or(kNone);
}

void Bpe::split_into_symbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const {
  symbols.clear();
  const auto add = [&](std::int32_t id) {
    const auto index = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({id, index - 1, index + 1});
  };
  const auto has_byte_token = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)] != kNone; };
  bool unknown_pending = false;  // an unknown character may be fused with the next one
  for (std::size_t at = 0; at < piece.size();) {
    const CodePoint point = code_point_at(piece, at);
    const std::string_view character = piece.substr(at, point.length);
    at += point.length;
    const bool ends_word = at == piece.size() && !word_end_.empty();
    const std::int32_t id = ends_word ? id_of_last(character) : id_of_character(point.value, character);
    if (id != kNone) {
      if (std::exchange(unknown_pending, false)) add(*unknown_id_);
      add(id);
    } else if (byte_fallback_ && std::all_of(character.begin(), character.end(), has_byte_token)) {
      for (const char byte : character) add(byte_ids_[static_cast<unsigned char>(byte)]);
    } else if (unknown_id_) {
      if (std::exchange(unknown_pending, true) && !fuse_unknown_) add(*unknown_id_);
    }
  }
  if (unknown_pending) add(*unknown_id_);
  if (!symbols.empty()) symbols.back().next = kNone;
}

void Bpe::push_candidate(std::int32_t left, Scratch& scratch) const {
  if (left == kNone) return;
  const Scratch::Symbol& symbol = scratch.symbols[static_cast<std::size_t>(left)];
  if (symbol.next == kNone) return;
  const Merge* merge = merges_.find(symbol.id, scratch.symbols[static_cast<std::size_t>(symbol.next)].id);
  if (merge != nullptr) scratch.queue.push_back({merge->rank, left, merge->id});
}

void Bpe::merge(Scratch& scratch) const {
  auto& [symbols, queue] = scratch;
  queue.clear();
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) push_candidate(static_cast<std::int32_t>(i), scratch);
  std::make_heap(queue.begin(), queue.end(), is_later);
  while (!queue.empty()) {
    const Scratch::Candidate best = queue.front();
    std::pop_heap(queue.begin(), queue.end(), is_later);
    queue.pop_back();
    Scratch::Symbol& left = symbols[static_cast<std::size_t>(best.position)];
    if (left.id == kNone || left.next == kNone) continue;
    Scratch::Symbol& right = symbols[static_cast<std::size_t>(left.next)];
    // One of the two has been merged with another neighbour meanwhile.
    const Merge* current = merges_.find(left.id, right.id);
    if (current == nullptr || current->id != best.id) continue;
    left.id = best.id;
    left.next = right.next;
    right.id = kNone;
    if (left.next != kNone) symbols[static_cast<std::size_t>(left.next)].previous = best.position;
    for (const std::int32_t position : {left.previous, best.position}) {
      const std::size_t before = queue.size();
      push_candidate(position, scratch);
      if (queue.size() != before) std::push_heap(queue.begin(), queue.end(), is_later);
    }
  }
}

void Bpe::encode(std::string_view piece, std::vector<std::int32_t>& ids, Scratch& scratch) const {
  if (ignore_merges_) {
    if (const auto id = vocabulary_.id_of(piece)) return ids.push_back(*id);
  }
  split_into_symbols(piece, scratch.symbols);
  merge(scratch);
  for (const Scratch::Symbol& symbol : scratch.symbols) {
    if (symbol.id != kNone) ids.push_back(symbol.id);
  }
}

}  // namespace e5v::text
