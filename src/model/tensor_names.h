#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::model {

/// The naming of tensors in the checkpoints of a family. A weight has one canonical name, whatever generation of tools
/// wrote the file.
struct TensorNames {
  /// A prefix of stored names and its replacement in the canonical name.
  struct Renaming {
    std::string_view stored, canonical;
  };
  /// The first prefix that fits is used, so a longer one must come before its own beginning. Other names stay.
  std::vector<Renaming> renamings;
  /// Whether vectors do not depend on the tensor with a canonical name. Tools may store or omit such a tensor. None:
  /// vectors depend on all tensors.
  std::function<bool(std::string_view canonical)> never_used;

  /// A prefix that shows who wrote a file. The first one that a tensor has counts.
  struct Generation {
    std::string_view prefix, writer;
  };
  std::vector<Generation> generations;
  std::string_view other_writer = "language models";  ///< for files without such a prefix

  /// The writer of tensors with these stored names.
  std::string_view generation_of(std::span<const std::string> stored) const;
  /// The canonical name of a stored name.
  std::string canonical(std::string_view stored) const;
  bool is_never_used(std::string_view name) const { return never_used && never_used(name); }
};

// "4.51" and "4.52" are transformers up to and from that version. Text-only Llama and Mistral files have LLaVA-NeXT's
// names. The names of LlamaModel, MistralModel and LlavaNextModel lack the "model." in front.
// clang-format off
//   canonical          | original LLaVA-NeXT                            | 4.51                           | 4.52
//   language_model.*   | model.*  (layers.N, embed_tokens, norm)        | language_model.model.*         | model.language_model.*
//   lm_head.*          | lm_head.*                                      | language_model.lm_head.*       | lm_head.*
//   vision_tower.*     | model.vision_tower.vision_tower.vision_model.* | vision_tower.vision_model.*    | model.vision_tower.vision_model.*
//   projector.linear_1 | model.mm_projector.0                           | multi_modal_projector.linear_1 | model.multi_modal_projector.linear_1
//   projector.linear_2 | model.mm_projector.2                           | multi_modal_projector.linear_2 | model.multi_modal_projector.linear_2
//   image_newline      | model.image_newline                            | image_newline                  | model.image_newline
// clang-format on
/// The names of LLaVA-NeXT and of language models alone, by the table above. Never used are the LM head, the last norm
/// of the tower, and tables that follow from the config.
const TensorNames& llava_next_names();

/// The names of CLIPModel, which are canonical already. Never used are the logit scale and tables that follow from the
/// config.
const TensorNames& clip_names();

}  // namespace e5v::model
