#include "e5v/embedder.h"

#include <utility>

#include "api/check_options.h"
#include "api/embedder_impl.h"
#include "base/error.h"
#include "families/table.h"

namespace e5v {
namespace {

const LoadOptions& checked(const LoadOptions& options) {
  check(options);
  return options;
}

}  // namespace

Embedder::Impl::Impl(const std::filesystem::path& folder, const LoadOptions& options)
    : thread(checked(options).threads) {
  thread.run([&] {
    engine = families::open(folder, options);
    executor.emplace(*engine);
  });
  scheduler.emplace(thread, *this, options.queue);
}

Embedder::Impl::~Impl() {
  scheduler.reset();
  if (engine == nullptr) return;
  thread.run([&] {
    executor.reset();
    engine.reset();
  });
}

void Embedder::Impl::check(const RunOptions& run, const PrepareOptions& prepare) const {
  e5v::check(run, engine->width());
  e5v::check(prepare);
}

void Embedder::Impl::stream(const Stream& stream, const embed::StreamHooks& hooks, const RunOptions& run,
                            const PrepareOptions& prepare) {
  check(run, prepare);
  const auto compute_there = [&](std::span<const embed::PreparedInput> inputs) {
    embed::BatchVectors vectors;
    thread.run([&] { vectors = compute(inputs); });
    return vectors;
  };
  embed::run_stream(stream, hooks,
                    {[&](const Input& input) { return this->prepare(input, run, prepare); }, compute_there,
                     token_budget(run.token_budget)});
}

std::shared_ptr<const Fingerprint> Embedder::Impl::fingerprint(const std::string& prompt, const RunOptions& run,
                                                               const PrepareOptions& prepare) {
  return engine->fingerprint(prompt, run, prepare);
}

std::shared_ptr<const Fingerprint> Embedder::Impl::fingerprint(const Input& input, const RunOptions& run,
                                                               const PrepareOptions& prepare) {
  return fingerprint(embed::prompt_of(input, run.prompt), run, prepare);
}

embed::PreparedInput Embedder::Impl::prepare(const Input& input, const RunOptions& run, const PrepareOptions& prepare) {
  return engine->prepare(input, run, prepare);
}

embed::BatchVectors Embedder::Impl::compute(std::span<const embed::PreparedInput> inputs) {
  return executor->run(inputs);
}

std::int64_t Embedder::Impl::token_budget(std::int64_t asked) const { return executor->token_budget(asked); }

Embedder Embedder::load(const std::filesystem::path& folder, const LoadOptions& options) try {
  return Embedder(std::make_unique<Impl>(folder, options));
} catch (const std::filesystem::filesystem_error& error) {
  fail<ModelError>("[{}] {}", error.path1().string(), error.code().message());
}

Embedder::Embedder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

Embeddings Embedder::embed(std::span<const Input> inputs, const RunOptions& run, const PrepareOptions& prepare) const {
  Embeddings result;
  result.width = run.dimensions > 0 ? run.dimensions : width();
  result.values.reserve(inputs.size() * static_cast<std::size_t>(width()));
  std::size_t next = 0;
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (next == inputs.size()) return std::nullopt;
    return inputs[next++];
  };
  stream.done = [&](std::int64_t, const Embedding& embedding) { result.add(embedding); };
  stream.bad = [](std::int64_t index, const InvalidInput& error) {
    fail<InvalidInput>("input {}: {}", index, error.what());
  };
  this->stream(stream, run, prepare);
  return result;
}

void Embedder::stream(const Stream& stream, const RunOptions& run, const PrepareOptions& prepare) const {
  impl_->stream(stream, {}, run, prepare);
}

std::future<EmbeddedInput> Embedder::submit(Input input, const SubmitOptions& options, const RunOptions& run,
                                            const PrepareOptions& prepare) const {
  impl_->check(run, prepare);
  return impl_->scheduler->submit({std::move(input), run, prepare, options});
}

void Embedder::submit(Input input, Done done, const SubmitOptions& options, const RunOptions& run,
                      const PrepareOptions& prepare) const {
  impl_->check(run, prepare);
  impl_->scheduler->submit({std::move(input), run, prepare, options}, std::move(done));
}

SubmitCounters Embedder::counters() const { return impl_->scheduler->counters(); }

void Embedder::shutdown(Shutdown how) const { impl_->scheduler->shutdown(how); }

std::int64_t Embedder::width() const { return impl_->engine->width(); }

Fingerprint Embedder::fingerprint(const RunOptions& run, const PrepareOptions& prepare) const {
  impl_->check(run, prepare);
  return *impl_->fingerprint(run.prompt.empty() ? "text" : run.prompt, run, prepare);
}

}  // namespace e5v
