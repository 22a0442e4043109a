#pragma once
#include <cstdint>
#include <span>

#include "embed/prepared_input.h"
#include "model/llama.h"

/// Floating-point operations that really run, by the sizes and the plan: GEMMs (2 M N K) and attention (4 E H for each
/// pair of a query and a key it sees). Norms, activations and rotations, a percent or so, count as nothing, so a share
/// of the GEMM peak made of these is a lower bound of what the cores do.
namespace e5v::bench {

/// Pairs of query and key that the plan lets see each other.
double visible_pairs(const ops::AttentionPlan& plan);

/// Of the language model's forward pass: in the last block keys and values for all rows, the rest for pooled rows.
double llama_flops(const model::LlamaConfig& config, const model::PackedRows& rows);

/// Of an image with so many tiles, of whose patches `features` go through the projector.
double vision_flops(const model::ModelConfig& config, std::int64_t tiles, std::int64_t features);

/// Of a batch, packed as embed::pack() packs it: every different image once, every shared row once.
double batch_flops(const model::ModelConfig& config, std::span<const embed::PreparedInput> inputs);

}  // namespace e5v::bench
