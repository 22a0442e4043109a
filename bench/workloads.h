#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench_model.h"

/// The workloads, one file each.
namespace e5v::bench {

/// Something that can be run repeatedly in the same way.
struct Workload {
  std::string name;  ///< begins the names of its figures: "prefill"
  std::string unit;  ///< what `items` counts: "tokens"
  double items = 0;  ///< items of one run
  double flops = 0;  ///< operations of one run; see flops.h
  std::function<void()> run;
};

/// 2,048 tokens of one sequence through the language model alone; on a GPU eight of these.
Workload prefill(BenchModel& model, bool quick);
/// A photo of 640 x 480 pixels, from the JPEG file to its vector: 2,340 image tokens. On a GPU 14 photos, which are
/// prepared before, because a separate thread prepares images during the compute.
Workload image(BenchModel& model);
/// 64 captions of a dozen words to vectors, on a GPU 4,096. They share the beginning of the prompt.
Workload captions(BenchModel& model);
/// Eight prompts on one photo.
Workload prompts(BenchModel& model);

/// A step of LoRA training with hard negatives: forward, backward, clipping, AdamW. It has this number of pairs (by
/// default 16; on a GPU, as many as it keeps the activations of). Counts 4 FLOP for each parameter of the matrices and
/// each of its rows. Activations that are computed again for the backward pass are not counted.
Workload train_step(BenchModel& model, std::optional<std::int64_t> pairs = std::nullopt);

/// Recalls of 25,000 texts and 5,000 images in both directions, from vectors with 4,096 entries, on the CPU. An
/// evaluation does this with COCO's vectors.
Workload retrieval(bool quick);

/// The photo of 640 x 480 pixels.
std::filesystem::path photo();

}  // namespace e5v::bench
