#pragma once
#include <span>

#include "embed/pack.h"
#include "model/llava_next.h"
#include "tensor/arena.h"

namespace e5v::families {

/// Inputs, packed into one prefix forest, and the language model's input for its rows.
struct EmbeddedForest {
  embed::Forest forest;
  tensor::Matrix x_TD;  ///< f32 [T, D], in the arena
};

/// Packs inputs and computes the embeddings: token rows from the table, image rows from the vision tower.
EmbeddedForest embed_forest(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs,
                            tensor::Arena& arena);

/// Computes the last hidden states of inputs, packed into one prefix forest. y_SD f32 [S, D], S inputs.
void compute(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD,
             tensor::Arena& arena);

}  // namespace e5v::families
