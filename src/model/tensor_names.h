#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::model {

/// How the checkpoints of a kind of model name their tensors. A weight has one canonical name, whatever generation of
/// tools wrote the file.
struct TensorNames {
  /// A prefix of stored names, and what stands in its place in the canonical name.
  struct Renaming {
    std::string_view stored, canonical;
  };
  /// The first prefix that fits counts: a longer one stands before those it begins with. Names that none fits stay.
  std::vector<Renaming> renamings;
  /// Whether vectors do not depend on a tensor of that canonical name, which tools store or leave out as they like.
  /// None: they depend on all.
  std::function<bool(std::string_view canonical)> never_used;

  /// A prefix that tells who wrote a file: the first that a tensor of it has.
  struct Generation {
    std::string_view prefix, writer;
  };
  std::vector<Generation> generations;
  std::string_view other_writer = "language models";  ///< of files without such a prefix

  /// Who writes tensors of these stored names.
  std::string_view generation_of(std::span<const std::string> stored) const;
  /// The canonical name of a stored name.
  std::string canonical(std::string_view stored) const;
  bool is_never_used(std::string_view name) const { return never_used && never_used(name); }
};

// "4.51" and "4.52" are transformers up to and from that version; text-only Llama and Mistral files use LLaVA-NeXT's
// names, and those of LlamaModel, MistralModel and LlavaNextModel alone lack the "model." before them.
// clang-format off
//   canonical          | original LLaVA-NeXT                            | 4.51                           | 4.52
//   language_model.*   | model.*  (layers.N, embed_tokens, norm)        | language_model.model.*         | model.language_model.*
//   lm_head.*          | lm_head.*                                      | language_model.lm_head.*       | lm_head.*
//   vision_tower.*     | model.vision_tower.vision_tower.vision_model.* | vision_tower.vision_model.*    | model.vision_tower.vision_model.*
//   projector.linear_1 | model.mm_projector.0                           | multi_modal_projector.linear_1 | model.multi_modal_projector.linear_1
//   projector.linear_2 | model.mm_projector.2                           | multi_modal_projector.linear_2 | model.multi_modal_projector.linear_2
//   image_newline      | model.image_newline                            | image_newline                  | model.image_newline
// clang-format on
/// Those of LLaVA-NeXT and of language models alone, by the table above. Never used: the LM head, the last norm of the
/// tower, tables that follow from the config.
const TensorNames& llava_next_names();

/// Those of CLIPModel, which are canonical as they are. Never used: the logit scale, tables that follow from the
/// config.
const TensorNames& clip_names();

}  // namespace e5v::model
