#include "eval/recalls.h"

#include <array>

namespace e5v::eval {

void add_recalls(Result& result, std::string_view direction, std::span<const std::optional<vectors::Rank>> ranks,
                 std::span<const double> paper) {
  constexpr std::array<std::int64_t, 3> kDepths{1, 5, 10};
  for (std::size_t i = 0; i < kDepths.size(); ++i) {
    const vectors::Recall recall = vectors::recall_at(ranks, kDepths[i]);
    Figure figure{fmt::format("{} R@{}", direction, kDepths[i]), 100 * recall.pessimistic};
    figure.headline = i == 0;
    if (!paper.empty()) figure.paper = paper[i];
    if (recall.optimistic != recall.pessimistic) figure.optimistic = 100 * recall.optimistic;
    result.figures.push_back(std::move(figure));
  }
}

}  // namespace e5v::eval
