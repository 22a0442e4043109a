#include "eval/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "ops/norm.h"
#include "tensor/matrix.h"

namespace e5v::eval {
namespace {

/// Why a vector has no direction; empty when it has one.
std::string_view problem_of_vector(std::span<const float> vector) {
  if (!std::ranges::all_of(vector, [](float value) { return std::isfinite(value); })) return "holds NaN or infinity";
  return std::ranges::all_of(vector, [](float value) { return value == 0; }) ? "is all zeros" : "";
}

}  // namespace

Encoder::Encoder(const std::filesystem::path& model, const Options& options, std::filesystem::path store, Hooks hooks)
    : model_(model),
      folder_(std::move(store)),
      options_(options),
      embedder_(Embedder::load(model, options.load)),
      hooks_(std::move(hooks)) {}

tensor::Tensor Encoder::embed(std::span<const Item> items, const std::string& prompt, const std::string& what) {
  vectors::VectorStore& store = store_of(prompt);
  const auto width = static_cast<std::size_t>(this->width());
  tensor::Tensor vectors(tensor::DType::f32, {static_cast<std::int64_t>(items.size()), this->width()});
  const auto row = [&](std::size_t i) { return vectors.as<float>().subspan(i * width, width); };
  std::set<Hash128> seen;
  std::vector<std::size_t> missing, later;
  const std::int64_t damaged = store.damaged();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (store.read(items[i].key, row(i))) {
      counts_.reused += seen.insert(items[i].key).second;
      continue;
    }
    later.push_back(i);
    if (seen.insert(items[i].key).second) missing.push_back(i);
  }
  if (store.damaged() > damaged)
    log_warning("[{}] {} of the stored vectors are damaged and are computed again", folder_.string(),
                store.damaged() - damaged);
  if (!missing.empty()) compute(items, missing, prompt, what);
  for (const std::size_t i : later) {
    require<DeviceError>(store.read(items[i].key, row(i)), "[{}] does not keep written vectors", folder_.string());
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string_view problem = problem_of_vector(row(i));
    require(problem.empty(),
            "[{}, item {}] {}: its vector {}, so that it has no direction; the model's weights may be damaged", what, i,
            items[i].name, problem);
  }
  return vectors;
}

void Encoder::compute(std::span<const Item> items, const std::vector<std::size_t>& missing, const std::string& prompt,
                      const std::string& what) {
  vectors::VectorStore& store = store_of(prompt);
  if (hooks_.begin) hooks_.begin(what, static_cast<std::int64_t>(missing.size()));
  std::size_t next = 0;
  std::int64_t done = 0;
  std::string problem;  // of the first item that cannot be embedded
  const auto place = [&](std::int64_t index) { return missing[static_cast<std::size_t>(index)]; };
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (next == missing.size()) return std::nullopt;
    Input input = items[missing[next++]].make();
    input.prompt = prompt;
    return input;
  };
  stream.done = [&](std::int64_t index, const Embedding& embedding) {
    store.add(items[place(index)].key, embedding.vector);
    ++done;
  };
  stream.bad = [&](std::int64_t index, const InvalidInput& error) {
    if (problem.empty())
      problem = fmt::format("[{}, item {}] {}: {}", what, place(index), items[place(index)].name, error.what());
  };
  stream.batch_end = [&] {
    store.commit();
    counts_.computed += done;
    if (hooks_.advance) hooks_.advance(done);
    done = 0;
    require(problem.empty(), "{}", problem);
    if (hooks_.check_stop) hooks_.check_stop();
  };
  embedder_.stream(stream, run_under(prompt), options_.prepare);
}

/// The store keeps vectors that are not normalised.
RunOptions Encoder::run_under(const std::string& prompt) const {
  RunOptions run;
  run.prompt = prompt;
  run.normalize = false;
  run.token_budget = options_.token_budget;
  return run;
}

Fingerprint Encoder::fingerprint(const std::string& prompt) const {
  return embedder_.fingerprint(run_under(prompt), options_.prepare);
}

vectors::VectorStore& Encoder::store_of(const std::string& prompt) {
  // Two names may stand for the same prompt, as FashionIQ's names for shirts and tops do.
  const Fingerprint origin = fingerprint(prompt);
  const auto found = stores_.find(origin.id());
  if (found != stores_.end()) return found->second;
  return stores_.try_emplace(origin.id(), folder_, origin, width()).first->second;
}

void normalize(const tensor::Tensor& vectors_ND) {
  const tensor::Matrix matrix = tensor::matrix_of(vectors_ND);
  ops::l2_normalize(matrix, matrix);
}

std::filesystem::path default_store() {
  const auto folder = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  const std::filesystem::path cache = folder("XDG_CACHE_HOME"), home = folder("HOME");
  require(!cache.empty() || !home.empty(),
          "[store] neither XDG_CACHE_HOME nor HOME is set: name a folder for the vectors");
  return (cache.empty() ? home / ".cache" : cache) / "e5v" / "vectors";
}

}  // namespace e5v::eval
