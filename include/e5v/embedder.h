#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>

#include "e5v/embedding.h"
#include "e5v/error.h"
#include "e5v/input.h"
#include "e5v/options.h"
#include "e5v/submit.h"

namespace e5v {

/// Where streamed inputs come from and vectors go to.
struct Stream {
  /// The next input, or nothing at the end. Called from another thread, one call at a time. An InvalidInput thrown here
  /// counts as one bad input.
  std::function<std::optional<Input>()> next;
  /// Called in the order of the inputs, with their indices, counted from 0.
  std::function<void(std::int64_t index, const Embedding&)> done;
  /// A bad input is reported here, in its place in the order, and left out. None: it ends the stream with its error.
  std::function<void(std::int64_t index, const InvalidInput&)> bad = nullptr;
  /// Called when all inputs of a batch have been handed out. What was done up to here does not depend on what follows:
  /// a new stream that begins with the next input forms the same batches, and so gives the same bits.
  std::function<void()> batch_end = nullptr;
};

/// An E5-V model ready to embed. All calls may be made from several threads at once. One thread of the embedder's own
/// computes, batch by batch: calls take turns, so none waits for the whole of another.
class E5V_EXPORT Embedder {
 public:
  /// Loads a Hugging Face folder: config.json, safetensors weights, tokenizer.json, and preprocessor_config.json if
  /// there is one. Throws ModelError when the folder is no usable checkpoint, InvalidInput for options that it or the
  /// device cannot have, DeviceError when memory is short or the GPU cannot be used.
  static Embedder load(const std::filesystem::path& folder, const LoadOptions& options = {});

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  /// Inputs that were submitted and are not computed yet fail with Cancelled.
  ~Embedder();

  /// Embeds a list. Identical inputs, images and beginnings of prompts are computed once. Throws InvalidInput for the
  /// first bad input, led by its index, and for options out of their range; ModelError when a result is not finite.
  Embeddings embed(std::span<const Input> inputs, const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  /// Embeds inputs as they come, in memory that does not grow with their number; images are decoded ahead by a thread.
  /// The functions of the stream are called while this runs. Throws what embed() does (bad inputs only where nothing is
  /// there to report them to), and what the given functions throw.
  void stream(const Stream& stream, const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  /// Takes one input and returns at once. Inputs are prepared by threads of the embedder and computed together with
  /// others that wait, whenever the compute is free; batches depend on time, and so does the rounding of vectors. A
  /// vector of the same content that is known already is given again (LoadOptions::queue). The future throws
  /// InvalidInput, ModelError, DeviceError, DeadlineExceeded or Cancelled. Throws Overloaded when too much waits,
  /// InvalidInput for options out of their range, and Cancelled after shutdown().
  std::future<EmbeddedInput> submit(Input input, const SubmitOptions& options = {}, const RunOptions& run = {},
                                    const PrepareOptions& prepare = {}) const;
  /// The same with a function, which is called once with the vector or the error, perhaps before this returns.
  void submit(Input input, Done done, const SubmitOptions& options = {}, const RunOptions& run = {},
              const PrepareOptions& prepare = {}) const;

  /// What has become of the inputs that were submitted.
  SubmitCounters counters() const;

  /// Refuses what is submitted from now on, and returns when all that was submitted before has its vector or error.
  void shutdown(Shutdown how = Shutdown::drain) const;

  /// Numbers per vector of the model; RunOptions::dimensions keeps fewer.
  std::int64_t width() const;

  /// Where vectors under these options come from; of the prompt of `run`, or where that names none, of texts. Throws
  /// InvalidInput for a prompt that is unknown and options out of their range.
  Fingerprint fingerprint(const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  struct Impl;
  /// For the program and tests of this project, which see the layers below.
  Impl& impl() const { return *impl_; }

 private:
  explicit Embedder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace e5v
