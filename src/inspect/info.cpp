#include "inspect/info.h"

#include <algorithm>
#include <array>

#include "base/cpu.h"
#include "embed/loading.h"
#include "families/table.h"
#include "model/bitsandbytes.h"
#include "model/model_folder.h"
#include "model/unused_tensors.h"
#include "ops/accelerator.h"
#include "ops/isa.h"

namespace e5v::inspect {
namespace {

namespace fs = std::filesystem;

/// True for what stands beside the integers of a quantised weight.
bool is_beside(std::string_view name) {
  constexpr std::array<std::string_view, 10> kEndings{".weight_scale",
                                                      ".weight_shape",
                                                      ".weight_zero_point",
                                                      ".input_scale",
                                                      ".input_zero_point",
                                                      model::Nf4Suffix::kScales,
                                                      model::Nf4Suffix::kCodeMap,
                                                      model::Nf4Suffix::kNestedScales,
                                                      model::Nf4Suffix::kScaleMap,
                                                      model::Nf4Suffix::kState};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view end) { return name.ends_with(end); });
}

/// Numbers in a tensor; of packed ones the shape beside them tells how many.
std::int64_t packed_count(const tensor::TensorMap& tensors, const std::string& name, const tensor::TensorView& view) {
  constexpr std::string_view kPacked = ".weight_packed";
  if (!name.ends_with(kPacked)) return view.elements();
  const auto shape = tensors.find(name.substr(0, name.size() - kPacked.size()) + ".weight_shape");
  if (shape == tensors.end() || shape->second.dtype != tensor::DType::i64 || shape->second.elements() != 2)
    return 8 * view.elements();
  return shape->second.as<std::int64_t>()[0] * shape->second.as<std::int64_t>()[1];
}

/// Weights in a file; of quantised ones the integers count, not their scales.
std::int64_t count_weights(const tensor::TensorMap& tensors) {
  std::int64_t count = 0;
  for (const auto& [name, view] : tensors) {
    if (is_beside(name)) continue;
    count += view.dtype == tensor::DType::u8 ? 2 * view.elements() : packed_count(tensors, name, view);
  }
  return count;
}

std::string count_text(std::int64_t count) {
  const auto value = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f} billion", value / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.1f} million", value / 1e6);
  return fmt::format("{}", count);
}

std::string prompts_text(text::ChatStyle style) {
  if (style == text::ChatStyle::plain) return "none: sentences and images as they are";
  return fmt::format("{} frame", text::name_of(style));
}

}  // namespace

std::string ModelInfo::precision_reason() const {
  const std::string origin = precision_was_asked_for
                                 ? "as asked for"
                                 : fmt::format("because the weights are stored as {}", storage_text(stored));
  if (precision == nn::Precision::f32 || place == tensor::Place::device) return origin;
  if (precision == nn::Precision::int8) {
    return origin + (ops::has_native_int8() ? "; this CPU has 8-bit dot products"
                                            : "; this CPU has no 8-bit dot products, so products are 16 bits wide");
  }
  return origin + (native_bf16 ? "; this CPU multiplies bf16 in hardware"
                               : "; this CPU has no bf16 instructions, so GEMMs run in f32");
}

ModelInfo inspect(const fs::path& given, const LoadOptions& load, const PrepareOptions& prepare,
                  const RunOptions& run) {
  ModelInfo info;
  info.folder = model::find_model_folder(given);
  const fs::path& folder = info.folder;
  const families::Family& family = families::family_of(folder);
  const auto inspection = family.inspect(folder, load, prepare);
  model::Checkpoint checkpoint(folder, family.tensor_names());
  info.stored = embed::stored_weights(checkpoint);
  info.place = ops::open_device(load.device);
  info.device = ops::device_name(info.place);
  if (info.place == tensor::Place::device) info.device_memory_available = tensor::device().free_bytes();
  checkpoint.place_on(info.place);  // the kernel and the fingerprint are those of where it would run
  info.precision = embed::choose_precision(load.dtype, info.stored, info.place);
  info.precision_was_asked_for = load.dtype != ComputeType::automatic;
  info.bytes = checkpoint.bytes();
  info.files = checkpoint.files().size();
  for (const fs::path& file : checkpoint.files()) {
    const tensor::SafetensorsFile opened(file);
    info.parameters += count_weights(opened.tensors());
  }
  std::vector<std::string> names;
  for (const model::Checkpoint::Stored& tensor : checkpoint.tensors()) names.push_back(tensor.stored);
  info.generation = family.tensor_names().generation_of(names);
  info.instruction_set = ops::instruction_set();
  info.native_bf16 = ops::has_native_bf16();
  info.vector_bits = ops::vector_bits();
  static_cast<families::Description&>(info) = inspection->describe(checkpoint, {info.precision, info.stored, run});
  info.memory_available = this_machine().available;
  return info;
}

std::vector<std::pair<std::string, std::string>> describe(const ModelInfo& info) {
  const families::MemoryEstimate& m = info.memory;
  std::vector<std::pair<std::string, std::string>> lines{
      {"model", info.folder.string()},
      {"architecture", info.architecture},
      {"vectors", fmt::format("{} dimensions", info.width)},
      {"parameters", fmt::format("{}, {} of them used", count_text(info.parameters), count_text(info.used.total()))},
      {"weights", fmt::format("{} as {} in {} file{}, tensors named as in {}", bytes_text(info.bytes),
                              storage_text(info.stored), info.files, info.files == 1 ? "" : "s", info.generation)},
      {"prompts", prompts_text(info.chat_style)},
      {"context", fmt::format("{} tokens", info.context)},
  };
  lines.insert(lines.begin() + 2, info.towers.begin(), info.towers.end());
  if (!info.unused.empty()) lines.emplace_back("not used", model::names_text(info.unused));
  if (info.image_tokens > 0) lines.emplace_back("image", fmt::format("at most {} tokens", info.image_tokens));
  lines.emplace_back("computes in", fmt::format("{}, {}", nn::name_of(info.precision), info.precision_reason()));
  lines.emplace_back("device", info.device);
  if (info.place == tensor::Place::device) {
    const families::DeviceEstimate& d = info.device_memory;
    lines.emplace_back("GPU memory", fmt::format("about {} predicted, {} available", bytes_text(d.total()),
                                                 bytes_text(info.device_memory_available)));
    lines.emplace_back("", fmt::format("weights {}, copied {}, activations {}, workspace {}", bytes_text(d.weights),
                                       bytes_text(d.copied), bytes_text(d.activations), bytes_text(d.workspace)));
  }
  lines.emplace_back("instruction set", fmt::format("{}; e5v's own kernels use vectors of {} bits",
                                                    info.instruction_set, info.vector_bits));
  lines.emplace_back("GEMM kernel", info.kernel);
  lines.emplace_back("memory", fmt::format("about {} predicted, {} available", bytes_text(m.total()),
                                           bytes_text(info.memory_available)));
  lines.emplace_back(
      "", fmt::format("weights mapped {} (file cache), copied {}", bytes_text(m.mapped), bytes_text(m.copied)));
  lines.emplace_back(
      "", fmt::format("activations {}, GEMM scratch {}, images ahead {}, program and tables {}",
                      bytes_text(m.activations), bytes_text(m.scratch), bytes_text(m.images), bytes_text(m.base)));
  lines.emplace_back("fingerprint", info.fingerprint.space());
  return lines;
}

Json to_json(const ModelInfo& info) {
  const families::MemoryEstimate& m = info.memory;
  Json json{{"model", info.folder.string()},
            {"architecture", info.architecture},
            {"width", info.width},
            {"parameters", info.parameters},
            {"parameters_used", info.used.total()},
            {"weights",
             {{"bytes", info.bytes},
              {"dtype", tensor::name_of(info.stored.dtype)},
              {"format", tensor::name_of(info.stored.format)},
              {"files", info.files},
              {"unused", info.unused},
              {"generation", info.generation}}},
            {"prompts", text::name_of(info.chat_style)},
            {"context", info.context},
            {"compute",
             {{"dtype", nn::name_of(info.precision)},
              {"reason", info.precision_reason()},
              {"instruction_set", info.instruction_set},
              {"vector_bits", info.vector_bits},
              {"native_bf16", info.native_bf16},
              {"gemm_kernel", info.kernel}}},
            {"memory",
             {{"mapped", m.mapped},
              {"copied", m.copied},
              {"activations", m.activations},
              {"scratch", m.scratch},
              {"images", m.images},
              {"base", m.base},
              {"total", m.total()},
              {"available", info.memory_available}}},
            {"device", {{"name", info.device}}},
            {"fingerprint",
             {{"space", info.fingerprint.space()},
              {"weights", info.fingerprint.weights},
              {"preprocessing", info.fingerprint.preprocessing},
              {"compute", info.fingerprint.compute}}}};
  if (info.place == tensor::Place::device) {
    const families::DeviceEstimate& d = info.device_memory;
    json["device"]["memory"] = {{"weights", d.weights},         {"copied", d.copied},
                                {"activations", d.activations}, {"workspace", d.workspace},
                                {"total", d.total()},           {"available", info.device_memory_available}};
  }
  json.update(info.parts);
  return json;
}

std::string storage_text(const embed::StoredWeights& stored) {
  const std::string plain(tensor::name_of(stored.dtype));
  if (stored.decoded > 0) return fmt::format("a quantised form that is decoded beside {}", plain);
  if (stored.format == tensor::WeightFormat::plain) return plain;
  return fmt::format("{} beside {}", tensor::name_of(stored.format), plain);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
      {std::uint64_t{1} << 30, "GiB"}, {std::uint64_t{1} << 20, "MiB"}, {std::uint64_t{1} << 10, "KiB"}};
  for (const auto& [size, name] : kUnits) {
    if (bytes >= size) return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(size), name);
  }
  return fmt::format("{} bytes", bytes);
}

}  // namespace e5v::inspect
