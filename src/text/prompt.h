#pragma once
#include <span>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace e5v::text {

/// How a model family frames one user turn and the beginning of the answer. The frame holds no begin-of-text token: the
/// tokenizer adds it.
// clang-format off
///   llama3   <|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n
///   mistral  [INST] {} [/INST]
///   phi3     <|user|>\n{}<|end|>\n<|assistant|>\n
// clang-format on
/// plain is none, as of CLIP, which takes a text or an image without a word around it.
enum class ChatStyle { llama3, mistral, phi3, plain };

/// "llama3", "mistral", "phi3", "plain".
std::string_view name_of(ChatStyle style);

/// A whole prompt with its slots: "<sent>" where the sentence goes, "<image>" where an image's rows go (in every chat
/// style).
struct Prompt {
  std::string text_template;
  bool sts_normalisation = false;  ///< the sentence goes through sts_sentence() first

  /// The prompt with a sentence in its slot.
  std::string fill(std::string_view sentence) const;
};

/// A prompt by name (see prompt_names), framed for a chat style; or an own template, recognised by holding "<sent>" or
/// "<image>". An own template is the whole prompt, byte for byte: no chat frame is added.
/// In the plain style every name stands for the bare slot, "<sent>" or "<image>", an own template may put words around
/// a sentence alone, and prompts of both are refused.
/// Throws InvalidInput, listing the names, for anything else.
/// Source: retrieval.py and eval_sts.py of E5-V, blanks and spelling errors included.
Prompt find_prompt(std::string_view name_or_template, ChatStyle style);

/// find_prompt's template alone.
std::string prompt_template(std::string_view name_or_template, ChatStyle style);

/// The prompt that E5-V's own training code makes: every "_" of the chat frame is a blank, the ends are stripped, so
/// that the header's tokens are spelled out as text. Source: ft_llm.py of E5-V.
Prompt paper_training_prompt(ChatStyle style);

/// The token that ends a turn of a chat style, which E5-V pads with: "<|eot_id|>".
std::string_view end_of_turn(ChatStyle style);

/// The names that find_prompt knows, in the order of its documentation.
std::span<const std::string_view> prompt_names();

/// The template with its first "<sent>" replaced by the sentence, which is taken literally: a "<sent>" in it stays.
/// A template without "<sent>" comes back as it is.
std::string fill_prompt(std::string_view text_template, std::string_view sentence);

/// The name of the prompt for what an item holds: "text", "image", or "cirr-query" for both.
/// Throws InvalidInput for an item that holds nothing.
std::string_view default_prompt(bool has_text, bool has_image);

/// A sentence as eval_sts.py feeds it: a final "." unless it ends in one of . ? " ', then " becomes ' and a final ?
/// becomes a full stop. An empty sentence stays empty.
std::string sts_sentence(std::string_view sentence);

/// The chat style of a checkpoint. By the tokenizer's own tokens first: <|start_header_id|> means llama3, <|user|> with
/// <|end|> phi3, [INST] mistral. Failing these, mistral when `backbone` (config.json's text model_type) is "mistral" or
/// the tokenizer falls back to bytes, as Mistral's does. Throws ModelError when none of this holds.
ChatStyle chat_style_for(const Tokenizer& tokenizer, std::string_view backbone);

}  // namespace e5v::text
