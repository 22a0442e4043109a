// Legend: T tokens, D model width.
#include <memory>
#include <random>

#include "flops.h"
#include "workloads.h"

namespace e5v::bench {

Workload prefill(BenchModel& model, bool quick) {
  const std::int64_t length = quick ? 64 : 2048, sequences = model.place() == tensor::Place::host ? 1 : 8;
  const std::int64_t T = length * sequences;
  const auto rows = std::make_shared<model::PackedRows>();
  for (std::int64_t i = 0; i < sequences; ++i) {
    const auto node = static_cast<std::int32_t>(i);
    rows->plan.nodes.push_back({i * length, length});
    rows->plan.spans.push_back({{i * length, length}, {node}, true});
    rows->pooled_plan.spans.push_back({{i, 1}, {node}, true});
    rows->pooled_P.push_back((i + 1) * length - 1);
    rows->pooled_positions_P.push_back(static_cast<std::int32_t>(length - 1));
  }
  rows->pooled_plan.nodes = rows->plan.nodes;
  std::mt19937 random(1);
  const auto ids = std::make_shared<std::vector<std::int32_t>>();
  for (std::int32_t t = 0; t < T; ++t) {
    rows->positions_T.push_back(static_cast<std::int32_t>(t % length));
    ids->push_back(static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(model.config().text.vocabulary)));
  }
  return {"prefill", "tokens", static_cast<double>(T), llama_flops(model.config().text, *rows),
          [&model, rows, ids, T, sequences] {
            const tensor::Arena::Scope scope(model.arena());
            const std::int64_t D = model.config().text.width;
            const tensor::Matrix x_TD = model.arena().matrix(tensor::DType::f32, T, D);
            const tensor::Matrix y_PD = model.arena().matrix(tensor::DType::f32, sequences, D);
            model.model().language_model().embed(*ids, x_TD, model.arena());
            model.model().language_model().forward(x_TD, *rows, y_PD, model.arena());
          }};
}

}  // namespace e5v::bench
