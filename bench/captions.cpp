#include <fmt/format.h>

#include <array>

#include "workloads.h"

namespace e5v::bench {

Workload captions(BenchModel& model) {
  constexpr std::array<const char*, 8> kWho{"Two young women",        "A man in a red jacket", "A brown dog",
                                            "Several small children", "An older couple",       "A black and white cat",
                                            "A football player",      "Three people on bikes"};
  constexpr std::array<const char*, 8> kWhat{
      "walking along the beach near the sea",     "standing in front of a large white building",
      "running through the snow with a ball",     "sitting on a wooden bench by the lake",
      "looking at a train in the station",        "crossing a street full of cars and people",
      "playing in the grass on a warm afternoon", "waiting for food at a small table"};
  const int rounds = model.place() == tensor::Place::host ? 1 : 64;
  std::vector<Input> inputs;
  for (int round = 0; round < rounds; ++round) {
    for (const char* who : kWho) {
      for (const char* what : kWhat) {
        const std::string caption = fmt::format("{} {}", who, what);
        inputs.push_back(Input::from_text(rounds == 1 ? caption + "." : fmt::format("{}, number {}.", caption, round)));
      }
    }
  }
  return {"captions", "captions", static_cast<double>(inputs.size()), model.flops(inputs),
          [&model, inputs] { model.embed(inputs); }};
}

}  // namespace e5v::bench
