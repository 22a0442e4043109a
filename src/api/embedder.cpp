#include "e5v/embedder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "api/embedder_impl.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/read_ahead.h"
#include "embed/batch.h"
#include "families/table.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace e5v {
namespace {

/// An input that has been prepared, or why it could not be.
using Outcome = std::variant<embed::PreparedInput, InvalidInput>;

// Prepared ahead of the compute: four images' worth of memory, of which a text takes a small part.
constexpr std::int64_t kAheadCapacity = 256, kImageWeight = 64, kTextWeight = 1;
/// Inputs that wait for their turn, bad ones included, before they are flushed whatever their rows.
constexpr std::size_t kMostPending = 4096;
/// How often a stream that waits for its inputs is asked whether it does.
constexpr std::chrono::milliseconds kPause{10};

std::int64_t weigh(const Outcome& outcome) {
  const auto* prepared = std::get_if<embed::PreparedInput>(&outcome);
  return prepared == nullptr || prepared->images.empty()
             ? kTextWeight
             : kImageWeight * static_cast<std::int64_t>(prepared->images.size());
}

/// Sets the pool's size for a scope; the caller's own setting comes back after it.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(thread_count()) { set_thread_count(threads); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;
  ~ThreadScope() { set_thread_count(before_); }

 private:
  int before_;
};

double length_of(std::span<const float> vector) {
  double squares = 0;
  for (const float value : vector) squares += double{value} * value;
  return std::sqrt(squares);
}

/// Takes outcomes in order, computes the good ones in batches, and hands results out in the same order.
class StreamRun {
 public:
  StreamRun(Embedder::Impl& impl, const Stream& stream)
      : impl_(impl),
        stream_(stream),
        batch_(embed::chosen_token_budget(impl.options.token_budget, impl.engine->place())) {}

  void take(Outcome outcome) {
    if (auto* prepared = std::get_if<embed::PreparedInput>(&outcome)) {
      if (!batch_.fits(*prepared)) flush();
      batch_.add(std::move(*prepared));
      pending_.emplace_back(std::nullopt);
    } else {
      pending_.emplace_back(std::get<InvalidInput>(outcome));
      if (!stream_.bad) flush();
    }
    if (pending_.size() >= kMostPending) flush();
  }

  /// flush(), where anything waits.
  void flush_pending() {
    if (!pending_.empty()) flush();
  }

  /// Computes the batch and reports everything that waits.
  void flush() {
    const std::span<const embed::PreparedInput> inputs = batch_.inputs();
    const bool computes = !stream_.computes || stream_.computes();
    tensor::Arena& arena = impl_.arena.place() == tensor::Place::host ? impl_.arena : impl_.vectors;
    const tensor::Arena::Scope scope(arena);
    const tensor::Matrix vectors_SD =
        arena.matrix(tensor::DType::f32, static_cast<std::int64_t>(inputs.size()), impl_.engine->width());
    if (computes && !inputs.empty()) compute(inputs, vectors_SD);
    std::int64_t row = 0;
    for (const std::optional<InvalidInput>& problem : pending_) {
      if (!problem) {
        const embed::PreparedInput& input = inputs[static_cast<std::size_t>(row)];
        if (computes) {
          hand_out(input, vectors_SD.row_range(row, 1));
        } else {
          stream_.done(next_, {{}, input.tokens(), fingerprint_of(input)});
        }
        ++row;
      } else if (stream_.bad) {
        stream_.bad(next_, *problem);
      } else {
        throw InvalidInput(*problem);
      }
      ++next_;
    }
    pending_.clear();
    batch_.clear();
    if (stream_.batch_end) stream_.batch_end();
  }

 private:
  void compute(std::span<const embed::PreparedInput> inputs, tensor::Matrix vectors_SD) const {
    if (impl_.arena.place() == tensor::Place::host) return impl_.engine->compute(inputs, vectors_SD, impl_.arena);
    const tensor::Arena::Scope scope(impl_.arena);
    const tensor::Matrix computed_SD = impl_.arena.matrix(tensor::DType::f32, vectors_SD.rows, vectors_SD.columns);
    impl_.engine->compute(inputs, computed_SD, impl_.arena);
    ops::copy(computed_SD, vectors_SD);
  }

  void hand_out(const embed::PreparedInput& input, tensor::Matrix vector_1D) const {
    const std::span<const float> vector(vector_1D.row<float>(0), static_cast<std::size_t>(vector_1D.columns));
    if (!std::all_of(vector.begin(), vector.end(), [](float value) { return std::isfinite(value); }))
      report_non_finite();
    const double length = length_of(vector);
    if (impl_.options.normalize) ops::l2_normalize(vector_1D, vector_1D);
    require<ModelError>(
        length > 0 && (!impl_.options.normalize || length_of(vector) > 0.5),
        "[input {}] the vector has length {} and cannot be scaled to 1: weights of the model are wrong, "
        "zeros for instance",
        next_, length);
    stream_.done(next_, {vector, input.tokens(), fingerprint_of(input)});
  }

  Fingerprint fingerprint_of(const embed::PreparedInput& input) const {
    return impl_.engine->fingerprint(*input.prompt, impl_.options.normalize);
  }

  [[noreturn]] void report_non_finite() const {
    const std::optional<std::string> culprit = impl_.engine->first_non_finite();
    fail<ModelError>("[input {}] the result is not finite; {}", next_,
                     culprit ? fmt::format("weight {} holds NaN or infinity", *culprit)
                             : std::string("all weights are, so the model overflows on this input"));
  }

  Embedder::Impl& impl_;
  const Stream& stream_;
  embed::Batch batch_;
  std::vector<std::optional<InvalidInput>> pending_;  // in input order: nothing for a good one, which is in the batch
  std::int64_t next_ = 0;                             // index of the first pending input
};

}  // namespace

namespace {

static_assert(EmbedderOptions::kMostThreads == kMostThreads);

const EmbedderOptions& checked(const EmbedderOptions& options) {
  const auto check = [](const char* name, std::int64_t value, std::int64_t minimum, std::int64_t maximum,
                        const char* meaning) {
    require(value >= minimum && value <= maximum, "[options] {} is {}, expected a number from {}{} to {}", name, value,
            minimum, meaning, maximum);
  };
  check("token_budget", options.token_budget, 0, EmbedderOptions::kMostTokenBudget, " (automatic)");
  check("threads", options.threads, 0, EmbedderOptions::kMostThreads, " (one per core)");
  check("max_tiles", options.max_tiles, 0, EmbedderOptions::kMostTiles, " (as many as the model has)");
  check("max_pixels", options.max_pixels, 1, EmbedderOptions::kMostPixels, "");
  return options;
}

}  // namespace

Embedder::Impl::Impl(const std::filesystem::path& folder, const EmbedderOptions& given)
    : options(checked(given)), engine(families::open(folder, given, given)), arena(engine->place()) {}

void Embedder::Impl::stream(const Stream& stream) {
  const std::lock_guard lock(mutex);
  const ThreadScope threads(options.threads);
  const auto prepare_next = [&]() -> std::optional<Outcome> {
    try {
      const std::optional<Input> input = stream.next();
      if (!input) return std::nullopt;
      return engine->preparer().prepare(*input, options.prompt);
    } catch (const InvalidInput& error) {
      return error;
    }
  };
  StreamRun run(*this, stream);
  ReadAhead<Outcome> ahead(prepare_next, weigh, kAheadCapacity);
  const auto next = [&] {
    while (stream.waits && !ahead.has_news_within(kPause)) {
      if (stream.waits()) run.flush_pending();
    }
    return ahead.pop();
  };
  while (std::optional<Outcome> outcome = next()) run.take(std::move(*outcome));
  run.flush();
}

Embedder Embedder::load(const std::filesystem::path& folder, const EmbedderOptions& options) try {
  const ThreadScope threads(std::clamp(options.threads, 0, kMostThreads));
  return Embedder(std::make_unique<Impl>(folder, options));
} catch (const std::filesystem::filesystem_error& error) {
  fail<ModelError>("[{}] {}", error.path1().string(), error.code().message());
}

Embedder::Embedder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

Embeddings Embedder::embed(std::span<const Input> inputs) {
  Embeddings result;
  result.width = width();
  result.values.reserve(inputs.size() * static_cast<std::size_t>(result.width));
  std::size_t next = 0;
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (next == inputs.size()) return std::nullopt;
    return inputs[next++];
  };
  stream.done = [&](std::int64_t, const Embedding& embedding) {
    result.values.insert(result.values.end(), embedding.vector.begin(), embedding.vector.end());
    result.token_counts.push_back(embedding.tokens);
    result.fingerprints.push_back(embedding.fingerprint);
  };
  stream.bad = [](std::int64_t index, const InvalidInput& error) {
    fail<InvalidInput>("input {}: {}", index, error.what());
  };
  impl_->stream(stream);
  return result;
}

void Embedder::stream(const Stream& stream) { impl_->stream(stream); }

std::int64_t Embedder::width() const { return impl_->engine->width(); }

Fingerprint Embedder::fingerprint(const std::string& prompt) const {
  embed::Engine& engine = *impl_->engine;
  return engine.fingerprint(*engine.preparer().prompt_hash(prompt), impl_->options.normalize);
}

}  // namespace e5v
