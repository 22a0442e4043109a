#include "train/adapters.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Tensor;

struct Site {
  std::string_view name;
  std::int64_t outputs, inputs;
};

std::vector<Site> sites_of(const model::LlamaConfig& c) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  return {{"self_attn.q_proj", HE, D}, {"self_attn.k_proj", KE, D}, {"self_attn.v_proj", KE, D},
          {"self_attn.o_proj", D, HE}, {"mlp.gate_proj", F, D},     {"mlp.up_proj", F, D},
          {"mlp.down_proj", D, F}};
}

/// True for "self_attn.q_proj" and "q_proj".
bool matches(std::string_view name, std::string_view target) {
  if (name == target) return true;
  return name.size() > target.size() && name.ends_with(target) && name[name.size() - target.size() - 1] == '.';
}

Tensor zeros(std::int64_t rows, std::int64_t columns) {
  Tensor result(DType::f32, {rows, columns});
  std::ranges::fill(result.as<float>(), 0.0f);
  return result;
}

/// Kaiming's uniform distribution with a = sqrt(5), as PEFT starts A.
Tensor random_a(std::int64_t rank, std::int64_t inputs, std::uint64_t seed, std::uint64_t stream) {
  Tensor a(DType::f32, {rank, inputs});
  const Philox random(seed, stream);
  const float bound = 1 / std::sqrt(static_cast<float>(inputs));
  const auto values = a.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = bound * (2 * Philox::uniform(random.at(i)) - 1);
  return a;
}

}  // namespace

TrainableLora::TrainableLora(const model::LlamaConfig& config, const Options& options, std::uint64_t seed) {
  require(options.rank > 0, "[lora] rank {} is not positive", options.rank);
  const std::vector<Site> sites = sites_of(config);
  for (const std::string& target : options.targets) {
    require(std::ranges::any_of(sites, [&](const Site& site) { return matches(site.name, target); }),
            "[lora] no matrix is called {}; there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj",
            target);
  }
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    for (const Site& site : sites) {
      const auto wanted = [&](const std::string& target) { return matches(site.name, target); };
      if (std::ranges::none_of(options.targets, wanted)) continue;
      const auto place = static_cast<std::uint32_t>(adapters_.size());
      adapters_.push_back({fmt::format("language_model.layers.{}.{}", layer, site.name),
                           random_a(options.rank, site.inputs, seed, place), zeros(site.outputs, options.rank),
                           static_cast<float>(options.alpha / static_cast<double>(options.rank)), place});
      gradients_.push_back(zeros(options.rank, site.inputs));
      gradients_.push_back(zeros(site.outputs, options.rank));
    }
  }
}

void TrainableLora::attach_to(model::Llama& model) const {
  for (const nn::Lora& adapter : adapters_) model.attach(adapter);
}

void TrainableLora::watch(nn::Tape& tape) const {
  for (std::size_t i = 0; i < adapters_.size(); ++i) {
    tape.watch(matrix_of(adapters_[i].a_RK), matrix_of(gradients_[2 * i]));
    tape.watch(matrix_of(adapters_[i].b_NR), matrix_of(gradients_[2 * i + 1]));
  }
}

std::vector<TrainableLora::Parameter> TrainableLora::parameters() const {
  std::vector<Parameter> result;
  for (std::size_t i = 0; i < adapters_.size(); ++i) {
    const nn::Lora& adapter = adapters_[i];
    result.push_back({adapter.target + ".lora_A", adapter.a_RK.as<float>(), gradients_[2 * i].as<float>()});
    result.push_back({adapter.target + ".lora_B", adapter.b_NR.as<float>(), gradients_[2 * i + 1].as<float>()});
  }
  return result;
}

void TrainableLora::clear_gradients() const {
  for (const Tensor& gradient : gradients_) std::ranges::fill(gradient.as<float>(), 0.0f);
}

}  // namespace e5v::train
