#pragma once
#include <span>

#include "embed/pack.h"
#include "model/llava_next.h"
#include "tensor/arena.h"

namespace e5v::families {

/// Inputs packed into one prefix forest, and what the language model takes for its rows.
struct EmbeddedForest {
  embed::Forest forest;
  tensor::Matrix x_TD;  ///< f32 [T, D], in the arena
};

/// Token rows from the table, image rows from the vision tower.
EmbeddedForest embed_forest(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs,
                            tensor::Arena& arena);

/// Last hidden states of the inputs, packed into one prefix forest and computed together. y_SD f32 [S, D], S inputs.
void compute(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD,
             tensor::Arena& arena);

}  // namespace e5v::families
