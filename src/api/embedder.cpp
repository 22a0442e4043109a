#include "e5v/embedder.h"

#include <algorithm>
#include <utility>

#include "api/embedder_impl.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/parallel.h"

namespace e5v {
namespace {

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
    : options(checked(given)), engine(embed::open_engine(folder, given)), executor(*engine) {}

void Embedder::Impl::stream(const Stream& stream, const embed::StreamHooks& hooks) {
  const std::lock_guard lock(mutex);
  const ThreadScope threads(options.threads);
  embed::run_stream(stream, hooks,
                    {[&](const Input& input) { return engine->preparer().prepare(input); },
                     [&](std::span<const embed::PreparedInput> inputs) { return executor.run(inputs); },
                     executor.token_budget(options.token_budget)});
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
    result.fingerprints.push_back(*embedding.fingerprint);
  };
  stream.bad = [](std::int64_t index, const InvalidInput& error) {
    fail<InvalidInput>("input {}: {}", index, error.what());
  };
  impl_->stream(stream, {});
  return result;
}

void Embedder::stream(const Stream& stream) { impl_->stream(stream, {}); }

std::int64_t Embedder::width() const { return impl_->engine->width(); }

Fingerprint Embedder::fingerprint(const std::string& prompt) const {
  return *impl_->engine->preparer().fingerprint(prompt);
}

}  // namespace e5v
