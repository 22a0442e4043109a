// Legend: T tokens, D model width.
#include <memory>
#include <random>

#include "flops.h"
#include "workloads.h"

namespace e5v::bench {

Workload prefill(BenchModel& model, bool quick) {
  const std::int64_t T = quick ? 64 : 2048;
  const auto rows = std::make_shared<model::PackedRows>();
  rows->plan.nodes = rows->pooled_plan.nodes = {{0, T}};
  rows->plan.spans = {{{0, T}, {0}, true}};
  rows->pooled_plan.spans = {{{0, 1}, {0}, true}};
  rows->pooled_P = {T - 1};
  rows->pooled_positions_P = {static_cast<std::int32_t>(T - 1)};
  std::mt19937 random(1);
  const auto ids = std::make_shared<std::vector<std::int32_t>>();
  for (std::int32_t t = 0; t < T; ++t) {
    rows->positions_T.push_back(t);
    ids->push_back(static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(model.config().text.vocabulary)));
  }
  return {"prefill", "tokens", static_cast<double>(T), llama_flops(model.config().text, *rows), [&model, rows, ids, T] {
            const tensor::Arena::Scope scope(model.arena());
            const std::int64_t D = model.config().text.width;
            const tensor::Matrix x_TD = model.arena().matrix(tensor::DType::f32, T, D);
            const tensor::Matrix y_1D = model.arena().matrix(tensor::DType::f32, 1, D);
            model.model().language_model().embed(*ids, x_TD, model.arena());
            model.model().language_model().forward(x_TD, *rows, y_1D, model.arena());
          }};
}

}  // namespace e5v::bench
