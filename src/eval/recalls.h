#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "eval/result.h"
#include "vectors/ranking.h"

namespace e5v::eval {

/// Adds recall x 100 at 1, 5 and 10 to a result, named "DIRECTION R@K". `paper` holds E5-V's own three figures or
/// nothing.
void add_recalls(Result& result, std::string_view direction, std::span<const std::optional<vectors::Rank>> ranks,
                 std::span<const double> paper = {});

}  // namespace e5v::eval
