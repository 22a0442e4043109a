#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace e5v {

/// What the model computes with.
enum class ComputeType {
  /// f32 for checkpoints stored in f32; on a CPU int8 for int8 ones and, where it has 8-bit dot products, for int4
  /// ones;
  /// bf16 for the others.
  automatic,
  f32,   ///< the reference's own numbers
  bf16,  ///< 16-bit weights; bf16 GEMMs where the CPU has them, f32 GEMMs elsewhere
  fp8,   ///< on a GPU: weights and activations of 8-bit floats
};

/// What becomes of an image's transparent pixels.
enum class Alpha {
  automatic,  ///< white, or with paper_compat drop
  white,      ///< they are laid on white, as transformers from 5.21 on treats an opened image
  drop,       ///< their colours count, whatever they are; so do older versions, and current ones for a path
};

/// The queue of submitted inputs, and the cache of their vectors.
struct QueueOptions {
  /// Tokens and bytes of the inputs that wait or are computed; what would exceed them is refused as Overloaded. A text
  /// that is not prepared yet counts a token for every four bytes, an image 2,400.
  std::int64_t tokens = std::int64_t{1} << 20, bytes = std::int64_t{1} << 30;
  std::int64_t cache_bytes = std::int64_t{64} << 20;  ///< of vectors that are kept to be given again; 0: none
  int preparing_threads = 2;                          ///< that tokenize and decode; one of several is kept for texts

  bool operator==(const QueueOptions&) const = default;
};

/// How a model is loaded.
struct LoadOptions {
  static constexpr int kMaxThreads = 1024;  ///< more are refused: no machine has them

  ComputeType dtype = ComputeType::automatic;
  /// "cpu"; "cuda" or "cuda:N", the first or the N-th GPU; "auto": a GPU if there is one, and the environment variable
  /// E5V_DEVICE does not say otherwise.
  std::string device = "auto";
  std::filesystem::path adapter = {};  ///< folder of a LoRA adapter in PEFT's layout, added to the model; empty: none
  int threads = 0;                     ///< 0: OMP_NUM_THREADS, else one per core
  QueueOptions queue = {};             ///< of inputs that are submitted

  bool operator==(const LoadOptions&) const = default;
};

/// How inputs are prepared. All of it enters the fingerprint. The defaults follow the current reference implementation.
struct PrepareOptions {
  /// Larger numbers are refused: no model or image has them.
  static constexpr int kMaxTiles = 1024;
  static constexpr std::int64_t kMaxPixels = (std::int64_t{1} << 31) - 1;

  bool paper_compat = false;  ///< preprocess images as transformers 4.41.2 did, faults included
  bool apply_exif = true;     ///< turn photos upright as their EXIF or XMP orientation says
  Alpha alpha = Alpha::automatic;
  int max_tiles = 0;                      ///< tiles per image, the base one included; 0: as many as the model has
  std::int64_t max_pixels = 178'956'970;  ///< larger images are refused
  bool truncate = false;                  ///< cut texts that exceed the context instead of refusing them

  bool operator==(const PrepareOptions&) const = default;
};

/// How inputs are embedded.
struct RunOptions {
  static constexpr std::int64_t kMaxTokenBudget = std::int64_t{1} << 20;  ///< more is refused

  std::string prompt = {};  ///< for inputs that name none; empty: "text", "image" or "cirr-query" by content
  bool normalize = true;    ///< scale vectors to length 1
  /// The number of first dimensions that are kept of a vector, before it is scaled. 0: all.
  std::int64_t dimensions = 0;
  /// Rows computed together; a larger input runs alone, or with others on its image. 0: 2,048, on a GPU 16,384.
  std::int64_t token_budget = 0;

  bool operator==(const RunOptions&) const = default;
};

}  // namespace e5v
