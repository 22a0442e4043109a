#pragma once
#include <array>
#include <string>
#include <string_view>

#include "model/config.h"
#include "quantize/smooth.h"

namespace e5v::quantize {

/// The names of a block's matrices, in the order in which they are written.
inline constexpr std::array<std::string_view, 7> kMatrices{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                           "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                           "mlp.down_proj"};
inline constexpr std::array<std::string_view, 2> kNorms{"input_layernorm", "post_attention_layernorm"};

/// The canonical name of a block's matrix or norm.
std::string block_name(std::int64_t block, std::string_view part);

/// The matrices that an int4 model keeps in 8 bits because errors there cost most: none; the attention of all blocks;
/// the attention of all blocks and the whole first block.
enum class Wide { nothing, attention, attention_and_first };

/// The formats of a language model's matrices.
struct ModelScheme {
  Scheme narrow;  ///< of all matrices that are not wide
  Wide wide = Wide::nothing;

  bool mixed() const { return wide != Wide::nothing; }
  Scheme attention() const { return mixed() ? Scheme{tensor::WeightFormat::int8, 0} : narrow; }
  Scheme mlp(std::int64_t block) const {
    return wide == Wide::attention_and_first && block == 0 ? Scheme{tensor::WeightFormat::int8, 0} : narrow;
  }
  Scheme matrix(std::int64_t block, std::string_view name) const {
    return name.starts_with("self_attn.") ? attention() : mlp(block);
  }
};

/// The scheme for a model's widths. Group 0 means the largest of 64, 32, 16, 8 that divides them. Only int4 has wide
/// matrices. Throws InvalidInput for groups that do not divide the widths.
ModelScheme choose_scheme(Scheme narrow, Wide wide, const model::LlamaConfig& config);

}  // namespace e5v::quantize
