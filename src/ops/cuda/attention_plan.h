#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/attention.h"
#include "ops/cuda/attention.h"

namespace e5v::ops::cuda {

/// A plan in one piece of memory, which is copied to the GPU at once.
struct PackedPlan {
  std::vector<std::int32_t> words;
  std::size_t key_sections = 0, key_tiles = 0,
              query_sections = 0;  ///< number of words before each; query tiles come first
  std::int32_t query_tile_count = 0, key_tile_count = 0, tile_rows = 0;

  std::size_t bytes() const { return words.size() * sizeof(std::int32_t); }
  /// The plan after its words were copied to `device`, which must be a multiple of 4 bytes.
  DevicePlan at(const void* device) const;
};

/// A plan for attention. group: query heads per kv head. Long tiles come first, so that short ones fill the end.
PackedPlan pack_attention_plan(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads);

/// A plan for attention_backward.
PackedPlan pack_attention_backward_plan(const AttentionPlan& plan, std::int64_t group);

}  // namespace e5v::ops::cuda
