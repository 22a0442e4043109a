#pragma once
#include <span>
#include <vector>

#include "eval/result.h"

namespace e5v::eval {

/// Sets the places of the pairs of a task.
void place_pairs(std::span<JudgedPair> pairs);

/// Adds pairs with places to a result: `count` pairs on which model and people agree best, from dissimilar to similar,
/// and `count` pairs on which they differ most, beginning with the largest difference.
void add_judged(Result& result, std::span<const JudgedPair> pairs, std::size_t count = 6);

}  // namespace e5v::eval
