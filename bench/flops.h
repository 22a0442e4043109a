#pragma once
#include <cstdint>
#include <span>

#include "embed/prepared_input.h"
#include "model/llama.h"

/// The useful floating-point operations, from the sizes and the plan: GEMMs (2 M N K) and attention (4 E H for each
/// pair of a query and a key that it attends to). Norms, activations and rotations, about a percent, are not counted,
/// nor are operations that training computes a second time. So a share of the GEMM peak that is computed from these is
/// a lower bound.
namespace e5v::bench {

/// The number of pairs of a query and a key that it attends to in a plan.
double visible_pairs(const ops::AttentionPlan& plan);

/// The operations of the language model's forward pass. The last block computes keys and values for all rows,
/// everything else for the pooled rows.
double llama_flops(const model::LlamaConfig& config, const model::PackedRows& rows);

/// The operations of an image with `tiles` tiles, of whose patches `features` go through the projector.
double vision_flops(const model::ModelConfig& config, std::int64_t tiles, std::int64_t features);

/// The operations of a batch that embed::pack() packs: every distinct image once, every shared row once.
double batch_flops(const model::ModelConfig& config, std::span<const embed::PreparedInput> inputs);

}  // namespace e5v::bench
