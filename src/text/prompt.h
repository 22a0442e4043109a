#pragma once
#include <span>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace e5v::text {

/// The chat frame of a model family: one user turn and the beginning of the answer. The frame has no begin-of-text
/// token, because the tokenizer adds it.
// clang-format off
///   llama3   <|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n
///   mistral  [INST] {} [/INST]
///   phi3     <|user|>\n{}<|end|>\n<|assistant|>\n
// clang-format on
/// plain has no frame: CLIP takes a text or an image without words around it.
enum class ChatStyle { llama3, mistral, phi3, plain };

/// The name of a style: "llama3", "mistral", "phi3", "plain".
std::string_view name_of(ChatStyle style);

/// A whole prompt with its slots: "<sent>" for the sentence and "<image>" for the rows of an image (in every chat
/// style).
struct Prompt {
  std::string text_template;
  bool sts_normalisation = false;  ///< the sentence is changed by sts_sentence() first

  /// The prompt with a sentence in its slot.
  std::string fill(std::string_view sentence) const;
};

/// A prompt by name (see prompt_names) in the frame of a chat style; or an own template, which is recognised by
/// "<sent>" or "<image>". An own template is the whole prompt, byte for byte, without a chat frame. In the plain style
/// every name means the bare slot, "<sent>" or "<image>"; an own template may add words to a sentence alone, and
/// prompts with both slots are refused. Throws InvalidInput, which lists the names, for anything else. Source:
/// retrieval.py and eval_sts.py of E5-V, including blanks and spelling errors.
Prompt find_prompt(std::string_view name_or_template, ChatStyle style);

/// find_prompt's template alone.
std::string prompt_template(std::string_view name_or_template, ChatStyle style);

/// The prompt of E5-V's own training code. Every "_" of the chat frame is a blank and the ends are stripped, so that
/// the header's tokens are spelled out as text. Source: ft_llm.py of E5-V.
Prompt paper_training_prompt(ChatStyle style);

/// The token that ends a turn of a chat style, "<|eot_id|>". E5-V pads with it.
std::string_view end_of_turn(ChatStyle style);

/// The names of find_prompt, in the order of its documentation.
std::span<const std::string_view> prompt_names();

/// The template with its first "<sent>" replaced by the sentence. A "<sent>" inside the sentence stays. A template
/// without "<sent>" stays as it is.
std::string fill_prompt(std::string_view text_template, std::string_view sentence);

/// The name of the default prompt for an item: "text", "image", or "cirr-query" for both. Throws InvalidInput for an
/// empty item.
std::string_view default_prompt(bool has_text, bool has_image);

/// A sentence in the form of eval_sts.py: it gets a final "." unless it ends in one of . ? " ', then " becomes ' and a
/// final ? becomes a full stop. An empty sentence stays empty.
std::string sts_sentence(std::string_view sentence);

/// The chat style of a checkpoint. The tokenizer's own tokens decide first: <|start_header_id|> means llama3, <|user|>
/// with <|end|> means phi3, [INST] means mistral. Otherwise it is mistral if `backbone` (config.json's text model_type)
/// is "mistral" or the tokenizer falls back to bytes, as Mistral's does. Throws ModelError when none of this applies.
ChatStyle chat_style_for(const Tokenizer& tokenizer, std::string_view backbone);

}  // namespace e5v::text
