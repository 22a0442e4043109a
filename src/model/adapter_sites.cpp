#include "model/adapter_sites.h"

#include <charconv>

#include "base/error.h"
#include "model/tensor_names.h"

namespace e5v::model {
namespace {

constexpr std::string_view kLanguageModel = "language_model.";

void add_tower(std::vector<AdapterSite>& sites, const ClipConfig& c, std::int64_t used) {
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("vision_tower.encoder.layers.{}.", layer);
    const bool computed = layer < used;
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"}) {
      sites.push_back({prefix + name, c.width, c.width, computed});
    }
    sites.push_back({prefix + "mlp.fc1", c.mlp_width, c.width, computed});
    sites.push_back({prefix + "mlp.fc2", c.width, c.mlp_width, computed});
  }
}

}  // namespace

std::vector<AdapterSite> adapter_sites(const LlamaConfig& c) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  std::vector<AdapterSite> sites;
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("language_model.layers.{}.", layer);
    sites.push_back({prefix + "self_attn.q_proj", HE, D});
    sites.push_back({prefix + "self_attn.k_proj", KE, D});
    sites.push_back({prefix + "self_attn.v_proj", KE, D});
    sites.push_back({prefix + "self_attn.o_proj", D, HE});
    sites.push_back({prefix + "mlp.gate_proj", F, D});
    sites.push_back({prefix + "mlp.up_proj", F, D});
    sites.push_back({prefix + "mlp.down_proj", D, F});
  }
  return sites;
}

std::vector<AdapterSite> adapter_sites(const ModelConfig& config) {
  std::vector<AdapterSite> sites = adapter_sites(config.text);
  if (config.vision) {
    add_tower(sites, *config.vision, config.vision_layers_used());
    sites.push_back({"projector.linear_1", config.text.width, config.vision->width});
    sites.push_back({"projector.linear_2", config.text.width, config.text.width});
  }
  sites.push_back({"lm_head", config.text.vocabulary, config.text.width, false});
  return sites;
}

std::optional<LayerMatrix> layer_matrix(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const char* end = name.data() + name.size();
  LayerMatrix found{};
  const auto [at, error] = std::from_chars(name.data(), end, found.layer);
  if (error != std::errc() || at == end || *at != '.') return std::nullopt;
  found.matrix = name.substr(static_cast<std::size_t>(at + 1 - name.data()));
  return found;
}

std::string canonical_module(std::string_view stored) {
  if (stored.starts_with("layers.")) return fmt::format("{}{}", kLanguageModel, stored);
  constexpr std::string_view kWeight = ".weight";  // the table of names has the names of tensors
  std::string name = llava_next_names().canonical(fmt::format("{}{}", stored, kWeight));
  return name.substr(0, name.size() - kWeight.size());
}

std::string peft_module(std::string_view canonical, bool inside_llava) {
  require(canonical.starts_with(kLanguageModel), "[adapter] {} is no matrix of the language model",
          in_quotes(canonical));
  return fmt::format("model.{}", inside_llava ? canonical : canonical.substr(kLanguageModel.size()));
}

}  // namespace e5v::model
