#include "text/prompt.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/error.h"
#include "base/utf8.h"

namespace e5v::text {
namespace {

constexpr std::string_view kSentence = "<sent>", kImage = "<image>";

/// The origin of a prompt in the original code, which decides the blank after its colon.
enum class Kind { retrieval, composed, sts, bare };

struct NamedPrompt {
  std::string_view name, text;  // the user turn without the blank at its end
  Kind kind = Kind::retrieval;
};

constexpr NamedPrompt kPrompts[] = {
    {"text", "<sent>\nSummary above sentence in one word:"},
    {"image", "<image>\nSummary above image in one word:"},
    {"sts", " <sent>\nSummary above sentence in one word:", Kind::sts},
    {"cirr-query", "<image>Modify this image with \"<sent>\", desribe modified image in one word:", Kind::composed},
    {"cirr-gallery", "<image>\n Describe this image in one word:", Kind::composed},
    {"fashioniq-query-dress",
     "<image> change the style of this dress to <sent>\n Desribe this modified dress in one word based on its style:",
     Kind::composed},
    {"fashioniq-query-shirt",
     "<image> change the style of this shirt to <sent>\n Desribe this modified shirt in one word based on its style:",
     Kind::composed},
    // The original calls a toptee a shirt.
    {"fashioniq-query-toptee",
     "<image> change the style of this shirt to <sent>\n Desribe this modified shirt in one word based on its style:",
     Kind::composed},
    {"fashioniq-gallery-dress", "<image>\n Describe this dress in one word based on its style:", Kind::composed},
    {"fashioniq-gallery-shirt", "<image>\n Describe this shirt in one word based on its style:", Kind::composed},
    {"fashioniq-gallery-toptee", "<image>\n Describe this shirt in one word based on its style:", Kind::composed},
    // The composed prompt of mteb's wrapper of E5-V (models/model_implementations/e5_v.py in mteb 2.26). Its other
    // prompts are "text" and "image".
    {"mteb-query", "[INST] <image> Modify this image with \"<sent>\" Describe modified image in one word: [/INST]",
     Kind::composed},
    // The paper's ablation: the prompts above without their last three words, and no prompt.
    {"no-one-word-text", "<sent>\nSummary above sentence:"},
    {"no-one-word-image", "<image>\nSummary above image:"},
    {"last-token-text", "<sent>", Kind::bare},
    {"last-token-image", "<image>", Kind::bare},
};

constexpr auto kNames = [] {
  std::array<std::string_view, std::size(kPrompts)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kPrompts[i].name;
  return names;
}();

std::string framed(std::string_view text, ChatStyle style) {
  switch (style) {
    case ChatStyle::llama3:
      return fmt::format(
          "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
          "<|start_header_id|>assistant<|end_header_id|>\n\n \n",
          text);
    case ChatStyle::mistral: return fmt::format("[INST] {} [/INST]", text);
    case ChatStyle::phi3: return fmt::format("<|user|>\n{}<|end|>\n<|assistant|>\n", text);
    case ChatStyle::plain: return std::string(text);
  }
  fail<InvalidInput>("[prompt] chat style {} does not exist", static_cast<int>(style));
}

/// The blank between a prompt's colon and the end of its turn. Mistral's frame has its own. In the original, the
/// prompts of the other styles are written by hand: Llama 3 has the blank for texts and images alone, Phi-3 only for
/// composed prompts.
std::string_view blank_at_end(Kind kind, ChatStyle style) {
  const bool blank =
      (style == ChatStyle::llama3 && kind == Kind::retrieval) || (style == ChatStyle::phi3 && kind == Kind::composed);
  return blank ? " " : "";
}

bool has(std::string_view text, std::string_view slot) { return text.find(slot) != std::string_view::npos; }

/// A template has at most one slot for the sentence. It may have several for images.
void check_slots(std::string_view text) {
  const std::size_t first = text.find(kSentence);
  require(first == std::string_view::npos || text.find(kSentence, first + 1) == std::string_view::npos,
          "[prompt] {} holds {} more than once", shown(text), kSentence);
}

/// The prompt of a model that takes no words except the sentence.
Prompt plain_prompt(std::string_view name_or_template, std::string_view text) {
  const bool own = name_or_template == text;
  require(!has(text, kSentence) || !has(text, kImage),
          "[prompt] {} is for an image changed by a text; this model takes a text or an image, not both",
          shown(name_or_template));
  require(!own || !has(text, kImage) || text == kImage,
          "[prompt] {} has other words than <image>; this model reads none with an image: expected <image> alone",
          shown(name_or_template));
  if (own) return {std::string(text)};
  return {std::string(has(text, kImage) ? kImage : kSentence)};
}

}  // namespace

std::string_view name_of(ChatStyle style) {
  switch (style) {
    case ChatStyle::llama3: return "llama3";
    case ChatStyle::mistral: return "mistral";
    case ChatStyle::phi3: return "phi3";
    case ChatStyle::plain: return "plain";
  }
  return "unknown";
}

std::string Prompt::fill(std::string_view sentence) const {
  if (!sts_normalisation) return fill_prompt(text_template, sentence);
  // The original strips the sentence with the line after it, before it puts the sentence into the frame.
  const std::string normalised = sts_sentence(sentence);
  const std::string_view stripped = python_stripped_left(normalised);
  return stripped.empty() ? replace_all(text_template, "<sent>\n", "") : fill_prompt(text_template, stripped);
}

Prompt find_prompt(std::string_view name_or_template, ChatStyle style) {
  const bool plain = style == ChatStyle::plain;
  check_slots(name_or_template);
  if (has(name_or_template, kSentence) || has(name_or_template, kImage))
    return plain ? plain_prompt(name_or_template, name_or_template) : Prompt{std::string(name_or_template)};
  const auto named = std::find_if(std::begin(kPrompts), std::end(kPrompts),
                                  [&](const NamedPrompt& prompt) { return prompt.name == name_or_template; });
  require(named != std::end(kPrompts), "[prompt] {} is no prompt; give {}, or a template with <sent> or <image> in it",
          shown(name_or_template), fmt::join(kNames, ", "));
  if (plain) return plain_prompt(named->name, named->text);
  if (named->kind == Kind::bare) return {std::string(named->text)};
  return {framed(fmt::format("{}{}", named->text, blank_at_end(named->kind, style)), style), named->kind == Kind::sts};
}

std::string prompt_template(std::string_view name_or_template, ChatStyle style) {
  return find_prompt(name_or_template, style).text_template;
}

Prompt paper_training_prompt(ChatStyle style) {
  std::string frame = framed("<sent>\nSummary above sentence in one word:", style);
  std::replace(frame.begin(), frame.end(), '_', ' ');
  while (!frame.empty() && (frame.back() == '\n' || frame.back() == ' ')) frame.pop_back();
  return {std::string(python_stripped_left(frame))};
}

std::string_view end_of_turn(ChatStyle style) {
  switch (style) {
    case ChatStyle::llama3: return "<|eot_id|>";
    case ChatStyle::mistral: return "</s>";
    case ChatStyle::phi3: return "<|end|>";
    case ChatStyle::plain: return "";
  }
  return "";
}

std::span<const std::string_view> prompt_names() { return kNames; }

std::string fill_prompt(std::string_view text_template, std::string_view sentence) {
  std::string filled(text_template);
  if (const auto slot = filled.find(kSentence); slot != std::string::npos) {
    filled.replace(slot, kSentence.size(), sentence);
  }
  return filled;
}

std::string_view default_prompt(bool has_text, bool has_image) {
  require(has_text || has_image, "[prompt] an item has neither text nor image");
  return !has_image ? "text" : !has_text ? "image" : "cirr-query";
}

std::string sts_sentence(std::string_view sentence) {
  constexpr std::string_view kFinal = ".?\"'";
  std::string out(sentence);
  if (!out.empty() && kFinal.find(out.back()) == std::string_view::npos) out.push_back('.');
  std::replace(out.begin(), out.end(), '"', '\'');
  if (out.ends_with('?')) out.back() = '.';
  return out;
}

ChatStyle chat_style_for(const Tokenizer& tokenizer, std::string_view backbone) {
  const auto knows = [&](std::string_view token) { return tokenizer.id_of(token).has_value(); };
  if (knows("<|start_header_id|>")) return ChatStyle::llama3;
  if (knows("<|user|>") && knows("<|end|>")) return ChatStyle::phi3;
  if (knows("[INST]") || backbone == "mistral" || tokenizer.byte_fallback()) return ChatStyle::mistral;
  fail<ModelError>(
      "[prompt] the tokenizer fits no known chat style: expected the tokens <|start_header_id|>, <|user|> and <|end|>, "
      "or [INST], or a mistral backbone; the backbone is {}",
      shown(backbone));
}

}  // namespace e5v::text
