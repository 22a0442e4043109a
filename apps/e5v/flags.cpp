#include "flags.h"

#include <algorithm>
#include <array>
#include <utility>

namespace e5v::app {
namespace {

/// Fields in messages and their flags, as far as the flag is a different word.
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kFlags{{
    {"adapter", ""},        {"augment", ""},      {"batch", ""},           {"beta2", ""},
    {"caption_prompt", ""}, {"clip", ""},         {"device", ""},          {"dropout", ""},
    {"dtype", ""},          {"epochs", ""},       {"force", ""},           {"held_out", ""},
    {"image_alpha", ""},    {"images", ""},       {"learning_rate", "lr"}, {"lora_alpha", "alpha"},
    {"lora_rank", "rank"},  {"max_tokens", ""},   {"micro_batch", ""},     {"model", ""},
    {"muon", ""},           {"paper_compat", ""}, {"parts", "train"},      {"prompt", ""},
    {"rebuild", ""},        {"resume", ""},       {"schedule", ""},        {"seed", ""},
    {"skip_missing", ""},   {"steps", ""},        {"symmetric", ""},       {"targets", ""},
    {"temperature", ""},    {"together", ""},     {"token_budget", ""},    {"truncate", ""},
    {"warmup", ""},         {"weight_decay", ""},
}};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// "--held-out" for "held_out"; empty when the word is no field.
std::string flag_of(std::string_view field) {
  const auto* const found = std::ranges::find(kFlags, field, &std::pair<std::string_view, std::string_view>::first);
  if (found == kFlags.end()) return "";
  std::string flag = "--" + std::string(found->second.empty() ? field : found->second);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

}  // namespace

std::string with_flags(std::string_view message) {
  constexpr std::string_view kMark = "option ";
  std::string result;
  for (std::size_t at = 0; at < message.size();) {
    const bool begins = message.substr(at).starts_with(kMark) && (at == 0 || !is_word(message[at - 1]));
    const std::size_t field = at + kMark.size();
    std::size_t end = field;
    while (begins && end < message.size() && is_word(message[end])) ++end;
    const std::string flag = begins ? flag_of(message.substr(field, end - field)) : "";
    if (flag.empty()) {
      result += message[at++];
    } else {
      result += flag;
      at = end;
    }
  }
  return result;
}

}  // namespace e5v::app
