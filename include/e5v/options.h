#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace e5v {

/// The arithmetic of the model.
enum class ComputeType {
  /// Chooses by the stored weights: f32 for weights stored in f32, and bf16 for all others. On CPUs, int8 arithmetic is
  /// used in two cases: for int8 checkpoints whose config quantises activations, and for int4 checkpoints if the CPU
  /// has 8-bit dot products. int8 arithmetic rounds activations to 8 bits, or to more bits (at most 16) if the CPU has
  /// no 8-bit dot products.
  automatic,
  f32,   ///< f32 weights and arithmetic, as in the reference implementation
  bf16,  ///< 16-bit weights; the arithmetic is bf16 if the CPU has bf16 instructions, and f32 otherwise
  fp8,   ///< weights and activations in 8-bit floats, on GPUs only
};

/// The treatment of transparent pixels of an image.
enum class Alpha {
  automatic,  ///< white, or drop if paper_compat is set
  /// Composites transparent pixels onto white. transformers 5.21 and later does this when it is given a PIL image.
  white,
  /// Ignores alpha and uses the stored RGB values. Older transformers do this, and current transformers does it when it
  /// is given a file path.
  drop,
};

/// The queue of submitted inputs, and the cache of their vectors.
struct QueueOptions {
  /// The maximum number of tokens and of bytes of all inputs that wait or are being computed. An input that would
  /// exceed one of them is refused with Overloaded, unless the queue is empty. Before an input is prepared, its size is
  /// estimated as 32 tokens plus one token for every four bytes of text plus 2,400 tokens for every image.
  std::int64_t tokens = std::int64_t{1} << 20, bytes = std::int64_t{1} << 30;
  /// The size of the cache of computed vectors, in bytes; 0 turns it off. The least recently used vectors are removed.
  std::int64_t cache_bytes = std::int64_t{64} << 20;
  /// The number of threads that tokenize texts and decode images. With two or more, one of them is reserved for texts.
  int preparing_threads = 2;

  bool operator==(const QueueOptions&) const = default;
};

/// The options that are fixed when a model is loaded.
struct LoadOptions {
  static constexpr int kMaxThreads = 1024;  ///< the maximum of `threads` and of `queue.preparing_threads`

  ComputeType dtype = ComputeType::automatic;  ///< the arithmetic
  /// The device that computes. "cpu" is the CPU, "cuda" the first GPU, and "cuda:N" the GPU with the index N, from 0.
  /// "auto" is the device that the environment variable E5V_DEVICE names. If E5V_DEVICE is not set, "auto" is the first
  /// GPU, or the CPU if there is no GPU that e5v can use.
  std::string device = "auto";
  /// The folder of a LoRA adapter in PEFT's layout, which is added to the model. An empty path means no adapter.
  std::filesystem::path adapter = {};
  /// The number of compute threads. 0 means the value of OMP_NUM_THREADS or, if that is not set, one thread per core.
  int threads = 0;
  QueueOptions queue = {};  ///< the queue of Embedder::submit()

  bool operator==(const LoadOptions&) const = default;
};

/// The options of preprocessing, which may differ between calls. The fingerprint includes every option that can change
/// a vector. The defaults follow current transformers.
struct PrepareOptions {
  static constexpr int kMaxTiles = 1024;                                   ///< the maximum of max_tiles
  static constexpr std::int64_t kMaxPixels = (std::int64_t{1} << 31) - 1;  ///< the maximum of max_pixels

  /// Preprocesses images as transformers 4.41.2 did, including its bugs. The paper's results were computed this way.
  bool paper_compat = false;
  bool apply_exif = true;          ///< rotates photos upright, according to their EXIF or XMP orientation
  Alpha alpha = Alpha::automatic;  ///< the treatment of transparent pixels
  /// The maximum number of tiles per image, including the base tile. 0 means the maximum of the model.
  int max_tiles = 0;
  std::int64_t max_pixels = 178'956'970;  ///< the maximum of width x height of an image; larger images are refused
  bool truncate = false;                  ///< cuts texts that exceed the model's context; otherwise they are refused

  bool operator==(const PrepareOptions&) const = default;
};

/// The options of embedding, which may differ between calls.
struct RunOptions {
  static constexpr std::int64_t kMaxTokenBudget = std::int64_t{1} << 20;  ///< the maximum of token_budget

  /// The name of a prompt, or a template, for inputs that have no prompt of their own. If it is empty, a text gets the
  /// prompt "text", an image "image", and an image with a text "cirr-query".
  std::string prompt = {};
  bool normalize = true;  ///< scales vectors to length 1
  /// The number of dimensions that are kept, from the first one, before a vector is scaled. 0 keeps all dimensions.
  std::int64_t dimensions = 0;
  /// The maximum number of rows (tokens and image features) in a batch. An input with more rows gets its own batch.
  /// Inputs whose image is already in the batch may exceed the maximum by a quarter, because an image is computed once
  /// for all of them. 0 means 2,048 on a CPU and 16,384 on a GPU.
  std::int64_t token_budget = 0;

  bool operator==(const RunOptions&) const = default;
};

}  // namespace e5v
