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

/// The functions that give a stream its inputs and take its vectors. Embedder::stream() calls `done`, `bad` and
/// `batch_end` from the thread that called it, and `next` from another thread.
struct Stream {
  /// Returns the next input, or nothing at the end. There is one call at a time. If it throws InvalidInput, this counts
  /// as one bad input.
  std::function<std::optional<Input>()> next;
  /// Receives the vector of each good input, in the order of the inputs. `index` is the index of the input, from 0.
  std::function<void(std::int64_t index, const Embedding&)> done;
  /// Receives the error of each bad input, in the same order; the input is left out. If this function is not set, the
  /// first bad input ends the stream with its exception.
  std::function<void(std::int64_t index, const InvalidInput&)> bad = nullptr;
  /// Is called after all inputs of a batch have been passed to `done` or `bad`. The results up to this call do not
  /// depend on later inputs: a new stream that begins with the next input forms the same batches and gives the same
  /// bits.
  std::function<void()> batch_end = nullptr;
};

/// A loaded model. All member functions may be called from several threads at once. The embedder has one compute
/// thread. It interleaves the batches of concurrent calls, so no call waits for another call to finish completely.
class E5V_EXPORT Embedder {
 public:
  /// Loads a checkpoint folder as Hugging Face writes it: config.json, safetensors weights, tokenizer.json, and, if it
  /// exists, preprocessor_config.json. Throws ModelError if the folder is not a usable checkpoint, InvalidInput if the
  /// checkpoint or the device does not support an option, and DeviceError if memory is insufficient or the GPU cannot
  /// be used.
  static Embedder load(const std::filesystem::path& folder, const LoadOptions& options = {});

  /// Moves the model. The moved-from embedder may only be destroyed or assigned to.
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  /// Shuts down with Shutdown::cancel: submitted inputs that are not computed yet fail with Cancelled.
  ~Embedder();

  /// Embeds a list of inputs and returns their vectors in the same order. Within a batch, identical inputs, images and
  /// beginnings of prompts are computed once. Throws InvalidInput for the first bad input (the message begins with its
  /// index, from 0) and for options out of range, and ModelError if a vector is not finite.
  Embeddings embed(std::span<const Input> inputs, const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  /// Embeds inputs one after another, as Stream::next returns them. The memory does not grow with their number. One
  /// thread decodes images ahead of the computation. The functions of `stream` are called before this function returns.
  /// Throws the same exceptions as embed(), and the exceptions of the functions of `stream`. A bad input throws only if
  /// Stream::bad is not set.
  void stream(const Stream& stream, const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  /// Queues one input and returns at once. Threads of the embedder prepare it. Whenever the compute thread is free, it
  /// computes a batch of prepared inputs. Batches depend on timing, so vectors may differ by rounding between runs. If
  /// the vector of an identical input is cached, it is returned without computation (see QueueOptions::cache_bytes).
  /// The future holds the vector or one of these errors: InvalidInput, ModelError, DeviceError, DeadlineExceeded,
  /// Cancelled. The call itself throws Overloaded if the queue is full, InvalidInput for options out of range,
  /// Cancelled after shutdown(), and DeviceError if the system cannot start a thread that prepares inputs.
  std::future<EmbeddedInput> submit(Input input, const SubmitOptions& options = {}, const RunOptions& run = {},
                                    const PrepareOptions& prepare = {}) const;
  /// Does the same with a function in place of the future. `done` is called once, with the vector or the error,
  /// possibly before submit() returns. If submit() throws, `done` is not called.
  void submit(Input input, Done done, const SubmitOptions& options = {}, const RunOptions& run = {},
              const PrepareOptions& prepare = {}) const;

  /// Returns the counters of all inputs that were submitted to this embedder.
  SubmitCounters counters() const;

  /// Ends the queue: later calls of submit() throw Cancelled. The function returns when every input that was submitted
  /// before has its vector or its error. It must not be called from a Done function.
  void shutdown(Shutdown how = Shutdown::drain) const;

  /// Returns the number of dimensions of the model's vectors, before RunOptions::dimensions shortens them.
  std::int64_t width() const;

  /// Returns the fingerprint that vectors get under these options. It uses the prompt in `run`. If `run` has no prompt,
  /// it uses the default text prompt. Throws InvalidInput for an unknown prompt and for options out of range.
  Fingerprint fingerprint(const RunOptions& run = {}, const PrepareOptions& prepare = {}) const;

  struct Impl;
  /// Returns the implementation. Only the program and the tests of this project use it.
  Impl& impl() const { return *impl_; }

 private:
  explicit Embedder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace e5v
