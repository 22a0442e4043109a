#include "workloads.h"

namespace e5v::bench {

std::filesystem::path photo() { return E5V_BENCH_PHOTO; }

Workload image(BenchModel& model) {
  const std::vector<Input> inputs{Input::from_image(photo())};
  return {"image", "photos", 1, model.flops(inputs), [&model, inputs] { model.embed(inputs); }};
}

}  // namespace e5v::bench
