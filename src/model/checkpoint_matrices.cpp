#include <algorithm>
#include <array>

#include "model/bitsandbytes.h"
#include "model/checkpoint.h"

// The matrices of a checkpoint: plain, or quantised by either library.
namespace e5v::model {

using tensor::DType;
using tensor::TensorView;
using tensor::WeightFormat;

namespace {

constexpr std::string_view kWeight = ".weight";

/// The names of a module in a file and in current transformers. Configs of quantisation may use both.
std::vector<std::string> module_names(std::string_view stored) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kToday{
      {{"language_model.model.", "model.language_model."},
       {"language_model.lm_head", "lm_head"},
       {"vision_tower.vision_model.", "model.vision_tower."},
       {"multi_modal_projector.", "model.multi_modal_projector."}}};
  std::vector<std::string> names{std::string(stored)};
  for (const auto& [older, today] : kToday) {
    if (stored.starts_with(older)) names.push_back(std::string(today) + std::string(stored.substr(older.size())));
  }
  return names;
}

std::string_view without(std::string_view name, std::string_view ending) {
  return name.substr(0, name.size() - std::min(name.size(), ending.size()));
}

/// The module of a tensor's canonical or stored name: the part before its last dot.
std::string_view module_of(std::string_view name) { return name.substr(0, name.rfind('.')); }

std::int64_t numbers_in(const FindModulePart& part, const QuantizedGroup* group) {
  const TensorView* packed = part(CompressedPart::kPacked);
  if (packed == nullptr) return part(CompressedPart::kWeight)->elements();
  return packed->elements() * 32 / (group == nullptr ? 4 : group->weights.bits);
}

}  // namespace

struct Checkpoint::CompressedModule {
  WeightFormat format;
  const QuantizedGroup* group;  // null: implied by the tensors
  std::int64_t numbers;
  bool packed;
};

FindModulePart Checkpoint::module_parts(const std::string& module) const {
  return [this, module](std::string_view part) {
    const auto found = entries_.find(fmt::format("{}.{}", module, part));
    return found == entries_.end() ? nullptr : &found->second.view;
  };
}

const QuantizedGroup* Checkpoint::group_of(const std::string& module, const Entry& stored,
                                           std::string_view module_class) const {
  if (!quantization_) return nullptr;
  const QuantizedGroup* group = quantization_->group_of(module_names(module_of(stored.stored_name)), module_class);
  const bool compressed = is_compressed(module_parts(module));
  require<ModelError>(compressed || group == nullptr,
                      "[{}] tensor {} is stored as {}, but config.json says that it is quantised (config_groups.{})",
                      stored.origin, in_quotes(stored.stored_name), name_of(stored.view.dtype),
                      group == nullptr ? "" : group->name);
  require<ModelError>(!compressed || group != nullptr,
                      "[{}] tensor {} is quantised, but config.json has no config_groups in \"quantization_config\" "
                      "with a target for it",
                      stored.origin, in_quotes(stored.stored_name));
  return group;
}

TensorView Checkpoint::table(std::string_view canonical, const tensor::Shape& expected) const {
  const auto found = entries_.find(canonical);
  if (found != entries_.end()) group_of(std::string(without(canonical, kWeight)), found->second, "Embedding");
  return tensor(canonical, expected);
}

tensor::StoredMatrix Checkpoint::matrix(std::string_view canonical, std::int64_t rows, std::int64_t columns) const {
  const std::string name(canonical), module(without(canonical, kWeight));
  const FindPart part = [&](std::string_view suffix) {
    const auto found = entries_.find(name + std::string(suffix));
    return found == entries_.end() ? nullptr : &found->second.view;
  };
  if (is_bitsandbytes(part)) return nf4(name, rows, columns);
  if (is_compressed(module_parts(module))) return compressed(module, rows, columns);
  const auto plain = entries_.find(canonical);
  if (plain != entries_.end()) group_of(module, plain->second);
  return tensor(name, {rows, columns});
}

tensor::StoredMatrix Checkpoint::nf4(const std::string& name, std::int64_t rows, std::int64_t columns) const try {
  require<ModelError>(!quantization_ || quantization_->method() == Quantization::Method::bitsandbytes,
                      "[{}] tensor \"{}\" is stored as by bitsandbytes, but the \"quantization_config\" of config.json "
                      "has another method",
                      origin_, name);
  const FindPart part = [&](std::string_view suffix) {
    const auto found = entries_.find(name + std::string(suffix));
    return found == entries_.end() ? nullptr : &found->second.view;
  };
  tensor::StoredMatrix matrix = nf4_matrix(part, fmt::format("{}: {}", origin_, name), rows, columns);
  for (TensorView* view : {&matrix.values, &matrix.scales, &matrix.nf4_tables.code_map, &matrix.nf4_tables.scale_map,
                           &matrix.nf4_tables.nested_scales}) {
    *view = placed(*view);
  }
  return matrix;
} catch (const InvalidInput& error) {
  fail<ModelError>("[{}] tensor \"{}\": {}", origin_, name, error.what());
}

tensor::StoredMatrix Checkpoint::compressed(const std::string& module, std::int64_t rows, std::int64_t columns) const {
  if (const auto made = made_.find(module); made != made_.end()) {
    const tensor::StoredMatrix& matrix = made->second.matrix;
    if (matrix.rows == rows && matrix.columns == columns) return matrix;
  }
  const FindModulePart part = module_parts(module);
  const char* name = part(CompressedPart::kPacked) != nullptr ? CompressedPart::kPacked : CompressedPart::kWeight;
  const Entry& stored = entries_.find(fmt::format("{}.{}", module, name))->second;
  const QuantizedGroup* group = group_of(module, stored);
  const std::string origin = fmt::format("{}: {}", stored.origin, module_of(stored.stored_name));
  CompressedMatrix result = read_compressed(part, group == nullptr ? implied_group(part, columns) : *group, origin,
                                            rows, columns, decoded_type_);
  if (leaves_inputs_ && result.matrix.inputs.optional()) result.matrix.inputs = {};
  for (TensorView* view : {&result.matrix.values, &result.matrix.scales}) {
    const auto own = std::ranges::find(result.memory, view->data, &tensor::Tensor::data);
    if (own == result.memory.end()) {
      *view = placed(*view);
    } else if (place() != own->place()) {
      *own = copied(own->view(), place());
      *view = own->view();
    }
  }
  if (result.memory.empty()) return result.matrix;
  release(stored.view);  // it is not read again
  return (made_[module] = std::move(result)).matrix;
}

bool Checkpoint::reads_part(const std::string& module, std::string_view part) const {
  using Part = CompressedPart;
  const FindModulePart parts = module_parts(module);
  if (!is_compressed(parts)) return false;
  const char* name = parts(Part::kPacked) != nullptr ? Part::kPacked : Part::kWeight;
  const QuantizedGroup* group = group_of(module, entries_.find(fmt::format("{}.{}", module, name))->second);
  if (part == Part::kInputScale || part == Part::kInputZeroPoint) {
    // When weights are decoded at loading, the config rounds no inputs.
    return quantization_ && (quantization_->dequantizes() || (group->inputs && !group->inputs->dynamic));
  }
  return part == Part::kWeight || part == Part::kPacked || part == Part::kScale || part == Part::kZeroPoint ||
         part == Part::kShape;
}

std::vector<Checkpoint::CompressedModule> Checkpoint::compressed_modules() const {
  std::vector<CompressedModule> result;
  for (const auto& [canonical, entry] : entries_) {
    const bool weight = canonical.ends_with(".weight"), packed = canonical.ends_with(".weight_packed");
    if ((!weight && !packed) || names_->is_never_used(canonical)) continue;
    const std::string module(module_of(canonical));
    const FindModulePart part = module_parts(module);
    if (!is_compressed(part) || (weight && part(CompressedPart::kPacked) != nullptr)) continue;
    const QuantizedGroup* group = group_of(module, entry);
    const QuantizedGroup used = group == nullptr ? implied_group(part, entry.view.elements()) : *group;
    result.push_back({compressed_format(used, part), group, numbers_in(part, group), packed});
  }
  return result;
}

WeightFormat Checkpoint::stored_format() const {
  const bool codes = std::ranges::any_of(entries_, [](const auto& e) { return e.second.view.dtype == DType::u8; });
  if (codes) return WeightFormat::nf4;
  WeightFormat format = WeightFormat::plain;
  for (const CompressedModule& module : compressed_modules()) format = std::max(format, module.format);
  return format;
}

bool Checkpoint::quantised() const { return stored_format() != WeightFormat::plain || !compressed_modules().empty(); }

bool Checkpoint::rounds_inputs() const {
  return std::ranges::any_of(compressed_modules(), [](const CompressedModule& module) {
    return module.group == nullptr || module.group->inputs.has_value();
  });
}

Checkpoint::Decoded Checkpoint::decoded() const {
  Decoded result;
  for (const CompressedModule& module : compressed_modules()) {
    if (module.format == WeightFormat::plain) result.numbers += module.numbers;
    if (module.format == WeightFormat::int8 && module.packed) result.bytes += module.numbers;
  }
  return result;
}

}  // namespace e5v::model
