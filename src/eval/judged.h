#pragma once
#include <span>
#include <vector>

#include "eval/result.h"

namespace e5v::eval {

/// Sets the places of pairs among each other, which are those of one task.
void place_pairs(std::span<JudgedPair> pairs);

/// Adds to a result the pairs on which model and people agree best, from dissimilar to similar, and those on which they
/// differ most, the worst first: `count` of either kind. Pairs have their places.
void add_judged(Result& result, std::span<const JudgedPair> pairs, std::size_t count = 6);

}  // namespace e5v::eval
