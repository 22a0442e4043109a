#include "train/adapters.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "base/philox.h"
#include "ops/rows.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Tensor;

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

Tensor zeros(std::int64_t rows, std::int64_t columns, tensor::Place place = tensor::Place::host) {
  Tensor result(DType::f32, {rows, columns}, place);
  ops::fill(matrix_of(result), 0);
  return result;
}

/// Kaiming's uniform distribution with a = sqrt(5), with which PEFT initialises A.
Tensor random_a(std::int64_t rank, std::int64_t inputs, std::uint64_t seed, std::uint64_t stream) {
  Tensor a(DType::f32, {rank, inputs});
  const Philox random(seed, stream);
  const float bound = 1 / std::sqrt(static_cast<float>(inputs));
  const auto values = a.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = bound * (2 * Philox::uniform(random.at(i)) - 1);
  return a;
}

void check_targets(const std::vector<std::string>& targets, const std::vector<model::AdapterSite>& sites) {
  std::set<std::string_view> names;
  for (const model::AdapterSite& site : sites) names.insert(last_part(site.name));
  for (const std::string& target : targets) {
    require(names.contains(target), "[lora] no matrix is called {}; there are {}", in_quotes(target),
            fmt::join(names, ", "));
  }
  require(!targets.empty(), "[lora] no targets, expected some of {}", fmt::join(names, ", "));
}

/// The rank that was asked for, or a suitable one. The rank of a matrix is at most its smaller side.
std::int64_t rank_of(const LoraOptions& options, const std::vector<model::AdapterSite>& sites) {
  const auto side = [](const model::AdapterSite& site) { return std::min(site.inputs, site.outputs); };
  std::vector<model::AdapterSite> chosen;
  std::ranges::copy_if(sites, std::back_inserter(chosen), [&](const model::AdapterSite& site) {
    return std::ranges::find(options.targets, last_part(site.name)) != options.targets.end();
  });
  const model::AdapterSite smallest = *std::ranges::min_element(chosen, {}, side);
  if (options.rank == 0) return std::min(LoraOptions::kDefaultRank, side(smallest));
  require(options.rank > 0 && options.rank <= side(smallest),
          "[lora] option lora_rank is {}, expected a number from 1 to {}: {} is {} x {}, and no update of it has a "
          "higher rank",
          options.rank, side(smallest), last_part(smallest.name), smallest.outputs, smallest.inputs);
  return options.rank;
}

}  // namespace

TrainableLora::TrainableLora(const model::LlamaConfig& config, const LoraOptions& options, std::uint64_t seed,
                             tensor::Place place)
    : adapter_{{}, 0, options.alpha, options.dropout, options.targets, "", false} {
  const std::vector<model::AdapterSite> sites = adapter_sites(config);
  check_targets(options.targets, sites);
  const std::int64_t rank = adapter_.rank = rank_of(options, sites);
  for (const model::AdapterSite& site : sites) {
    if (std::ranges::find(options.targets, last_part(site.name)) == options.targets.end()) continue;
    const auto number = static_cast<std::uint32_t>(adapter_.parts.size());
    adapter_.parts.push_back({site.name, random_a(rank, site.inputs, seed, number), zeros(site.outputs, rank),
                              static_cast<float>(options.alpha / static_cast<double>(rank)), number});
    gradients_.push_back(zeros(rank, site.inputs, place));
    gradients_.push_back(zeros(site.outputs, rank, place));
  }
  if (place != tensor::Place::host) adapter_.place_on(place);
}

void TrainableLora::attach_to(model::Llama& model) const {
  for (const nn::Lora& part : adapter_.parts) model.attach(part);
}

void TrainableLora::watch(nn::Tape& tape) const {
  for (std::size_t i = 0; i < adapter_.parts.size(); ++i) {
    tape.watch(matrix_of(adapter_.parts[i].a_RK), matrix_of(gradients_[2 * i]));
    tape.watch(matrix_of(adapter_.parts[i].b_NR), matrix_of(gradients_[2 * i + 1]));
  }
}

std::vector<Parameter> TrainableLora::parameters() const {
  std::vector<Parameter> result;
  for (std::size_t i = 0; i < adapter_.parts.size(); ++i) {
    const nn::Lora& part = adapter_.parts[i];
    result.push_back(
        {part.target + ".lora_A", part.a_RK.as<float>(), gradients_[2 * i].as<float>(), part.a_RK.place()});
    result.push_back(
        {part.target + ".lora_B", part.b_NR.as<float>(), gradients_[2 * i + 1].as<float>(), part.b_NR.place()});
  }
  return result;
}

}  // namespace e5v::train
