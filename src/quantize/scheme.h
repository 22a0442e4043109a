#pragma once
#include <array>
#include <string>
#include <string_view>

#include "model/config.h"
#include "quantize/smooth.h"

namespace e5v::quantize {

/// The matrices of a block, as they are named and in the order in which they are written.
inline constexpr std::array<std::string_view, 7> kMatrices{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                           "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                           "mlp.down_proj"};
inline constexpr std::array<std::string_view, 2> kNorms{"input_layernorm", "post_attention_layernorm"};

/// Canonical name of a block's matrix or norm.
std::string block_name(std::int64_t block, std::string_view part);

/// What an int4 model keeps in 8 bits, where errors cost most: nothing; the attention of all blocks; that, and all of
/// the first block.
enum class Wide { nothing, attention, attention_and_first };

/// What to make of a checkpoint's language model.
struct ModelScheme {
  Scheme most;  ///< of all matrices but the wide ones
  Wide wide = Wide::nothing;

  bool mixed() const { return wide != Wide::nothing; }
  Scheme attention() const { return mixed() ? Scheme{tensor::WeightFormat::int8, 0} : most; }
  Scheme mlp(std::int64_t block) const {
    return wide == Wide::attention_and_first && block == 0 ? Scheme{tensor::WeightFormat::int8, 0} : most;
  }
  Scheme matrix(std::int64_t block, std::string_view name) const {
    return name.starts_with("self_attn.") ? attention() : mlp(block);
  }
};

/// A scheme for a model's widths; group 0 stands for the largest of 64, 32, 16, 8 that divides them. Only int4 has wide
/// matrices. Throws InvalidInput for groups that do not divide them.
ModelScheme choose_scheme(Scheme most, Wide wide, const model::LlamaConfig& config);

}  // namespace e5v::quantize
