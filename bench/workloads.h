#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench_model.h"

/// What is measured: one file each.
namespace e5v::bench {

/// Something that runs again and again in the same way.
struct Workload {
  std::string name;  ///< leads its figures: "prefill"
  std::string unit;  ///< what `items` counts: "tokens"
  double items = 0;  ///< that one run gets through
  double flops = 0;  ///< of one run; see flops.h
  std::function<void()> run;
};

/// 2,048 tokens of one sequence through the language model alone; on a GPU eight of these.
Workload prefill(BenchModel& model, bool quick);
/// A photo of 640 x 480 pixels, from the JPEG file to its vector: 2,340 image tokens. On a GPU 14 of them, prepared
/// before, because a thread of its own does that beside the compute.
Workload image(BenchModel& model);
/// 64 captions of a dozen words to vectors, on a GPU 4,096. They share the beginning of the prompt.
Workload captions(BenchModel& model);
/// Eight prompts on one photo.
Workload prompts(BenchModel& model);

/// A step of LoRA training on so many pairs (16, on a GPU as many as it keeps the activations of) with hard negatives:
/// forward, backward, clipping, AdamW. Counts 4 FLOP for each parameter of the matrices and row that meets it: what is
/// computed once more for the backward pass is not credited.
Workload train_step(BenchModel& model, std::optional<std::int64_t> pairs = std::nullopt);

/// Recalls of 25,000 texts and 5,000 images both ways, from vectors of 4,096 numbers, on the CPU: what an evaluation
/// does once it has COCO's vectors.
Workload retrieval(bool quick);

/// The photo of 640 x 480 pixels.
std::filesystem::path photo();

}  // namespace e5v::bench
