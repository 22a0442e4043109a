#include "train/run_folder.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/json.h"
#include "ops/rows.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using tensor::DType;

constexpr const char* kStates = "checkpoints";
constexpr const char* kPrefix = "step-";
constexpr const char* kState = "state.json";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kWeights = "weights.safetensors";

/// Writes spans of f32 under names as one file.
void write_spans(const fs::path& path, const std::vector<std::pair<std::string, std::span<const float>>>& spans) {
  std::vector<tensor::TensorSpec> specs;
  for (const auto& [name, values] : spans)
    specs.push_back({name, DType::f32, {static_cast<std::int64_t>(values.size())}});
  tensor::SafetensorsWriter writer(path, specs);
  for (const auto& [name, values] : spans) writer.write(name, std::as_bytes(values));
  writer.finish();
}

void read_span(const tensor::SafetensorsFile& file, const fs::path& path, const std::string& name,
               std::span<float> values) {
  const tensor::TensorView* found = file.find(name);
  require(
      found != nullptr && found->dtype == DType::f32 && found->elements() == static_cast<std::int64_t>(values.size()),
      "[{}] expected {} numbers of {}", path.string(), values.size(), in_quotes(name));
  std::ranges::copy(found->as<float>(), values.begin());
}

void write_state(const fs::path& folder, const RunState& state, const Trainee& model, const Optimizer& optimizer) {
  if (model.lora() != nullptr) model.lora()->adapter().write(folder);
  std::vector<std::pair<std::string, std::span<const float>>> weights, averages;
  std::vector<tensor::Tensor> on_host;
  for (const Trainee::Weight& weight : model.weights()) {
    const bool there = weight.values.place() == tensor::Place::device;
    if (there) on_host.push_back(copied(weight.values.view(), tensor::Place::host));
    weights.emplace_back(weight.name, (there ? on_host.back() : weight.values).as<float>());
  }
  if (!weights.empty()) write_spans(folder / kWeights, weights);
  const std::vector<Parameter> parameters = model.parameters();
  const OptimizerState& moments = optimizer.state();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    averages.emplace_back("mean." + parameters[i].name, moments.mean[i]);
    averages.emplace_back("square." + parameters[i].name, moments.square[i]);
  }
  write_spans(folder / kOptimizer, averages);
  const nlohmann::ordered_json json{{"step", state.step},
                                    {"optimizer_step", moments.step},
                                    {"best_held_out", state.best_held_out},
                                    {"worse_evaluations", state.worse_evaluations},
                                    {"best_kept", state.best_kept},
                                    {"identity", state.identity}};
  write_file_atomically(folder / kState, json.dump(2) + "\n");
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder, bool resume, bool replace) : folder_(folder) {
  std::error_code error;
  require(!fs::exists(folder) || fs::is_directory(folder), "[{}] is a file, expected a folder", folder.string());
  fs::create_directories(folder / kStates, error);
  require(fs::is_directory(folder / kStates), "[{}] cannot be created: {}", folder.string(), error.message());
  lock_ = OutputFile(folder / "train.lock");
  require(lock_.lock(), "[{}] another process is training there", folder.string());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kStates)) {
    if (entry.path().filename().string().starts_with(".")) fs::remove_all(entry.path(), error);  // left by a killed run
  }
  const bool used = !states().empty() || fs::exists(metrics());
  require(resume || replace || !used, "[{}] holds a run; option resume continues it, option force starts over",
          folder.string());
  const std::array<fs::path, 3> results{curves(), folder / "adapter", folder / "model"};
  for (const fs::path& made : results)
    require(used || replace || !fs::exists(made),
            "[{}] exists, but the folder has no run that made it; option force replaces it", made.string());
  if (!replace) return;
  for (const fs::path& state : states()) remove_state(state);
  fs::remove(metrics(), error);
  for (const fs::path& made : results) fs::remove_all(made, error);
}

/// The folder is renamed first, so that a killed run leaves no incomplete state.
void RunFolder::remove_state(const fs::path& state) const {
  const fs::path old = folder_ / kStates / fmt::format(".{}", state.filename().string());
  std::error_code error;
  fs::rename(state, old, error);
  fs::remove_all(old, error);
}

std::vector<fs::path> RunFolder::states() const {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / kStates)) {
    if (entry.path().filename().string().starts_with(kPrefix)) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::optional<RunState> RunFolder::newest() const {
  const std::vector<fs::path> all = states();
  if (all.empty()) return std::nullopt;
  const fs::path file = all.back() / kState;
  const Json json = read_json(file);
  try {
    return RunState{
        json_as<std::int64_t, InvalidInput>(json.at("step"), "step", file.string()),
        json.at("identity").get<RunIdentity>(), json.at("best_held_out").get<double>(),
        json_as<std::int64_t, InvalidInput>(json.at("worse_evaluations"), "worse_evaluations", file.string()),
        json.value("best_kept", false)};
  } catch (const Json::exception& error) {
    fail<InvalidInput>("[{}] is no state of a run: {}", file.string(), error.what());
  }
}

void RunFolder::load(Trainee& model, Optimizer& optimizer) const {
  const fs::path folder = states().back();
  const Json json = read_json(folder / kState);
  if (model.lora() != nullptr) {
    const model::Adapter saved = model::Adapter::read(folder, model.config());
    auto& parts = model.lora()->adapter().parts;
    require(saved.parts.size() == parts.size(), "[{}] has {} adapters, the run {}", folder.string(), saved.parts.size(),
            parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      require(saved.parts[i].target == parts[i].target && saved.parts[i].rank() == parts[i].rank(),
              "[{}] has an adapter of rank {} for {}, the run one of rank {} for {}", folder.string(),
              saved.parts[i].rank(), saved.parts[i].target, parts[i].rank(), parts[i].target);
      ops::copy(matrix_of(saved.parts[i].a_RK), matrix_of(parts[i].a_RK));
      ops::copy(matrix_of(saved.parts[i].b_NR), matrix_of(parts[i].b_NR));
    }
  }
  if (!model.weights().empty()) {
    const tensor::SafetensorsFile file(folder / kWeights);
    for (const Trainee::Weight& weight : model.weights()) {
      std::vector<float> values(static_cast<std::size_t>(weight.values.elements()));
      read_span(file, folder / kWeights, weight.name, values);
      const auto count = static_cast<std::int64_t>(values.size());
      const tensor::ConstMatrix read{reinterpret_cast<const std::byte*>(values.data()), DType::f32, 1, count, count};
      ops::copy(read, {weight.values.data(), DType::f32, 1, count, count, weight.values.place()});
    }
    model.parameters_changed();
  }
  OptimizerState state = optimizer.state();
  state.step = json_value<std::int64_t, InvalidInput>(json, "optimizer_step", -1, (folder / kState).string());
  const tensor::SafetensorsFile file(folder / kOptimizer);
  const std::vector<Parameter> parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    read_span(file, folder / kOptimizer, "mean." + parameters[i].name, state.mean[i]);
    read_span(file, folder / kOptimizer, "square." + parameters[i].name, state.square[i]);
  }
  optimizer.restore(std::move(state));
}

void RunFolder::save(const RunState& state, const Trainee& model, const Optimizer& optimizer, std::int64_t keep) const {
  const std::string name = fmt::format("{}{:08}", kPrefix, state.step);
  const fs::path temporary = folder_ / kStates / fmt::format(".{}", name), final_path = folder_ / kStates / name;
  std::error_code error;
  if (fs::exists(final_path)) return;
  fs::remove_all(temporary, error);
  try {
    fs::create_directory(temporary);
    write_state(temporary, state, model, optimizer);
    sync_folder_of(temporary / kState);
    fs::rename(temporary, final_path);
  } catch (const fs::filesystem_error& failure) {
    fs::remove_all(temporary, error);
    fail<InvalidInput>("[{}] cannot be written: {}", final_path.string(), failure.code().message());
  } catch (...) {
    fs::remove_all(temporary, error);
    throw;
  }
  sync_folder_of(final_path);
  std::vector<fs::path> all = states();
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i) remove_state(all[i]);
}

void require_same_run(const RunIdentity& saved, const RunIdentity& now) {
  std::string differences;
  for (const auto& [name, value] : now) {
    const auto found = saved.find(name);
    if (found != saved.end() && found->second == value) continue;
    differences += fmt::format("{}{} was {}, is {}", differences.empty() ? "" : "; ", name,
                               found == saved.end() ? "not given" : found->second, value);
  }
  for (const auto& [name, value] : saved) {
    if (!now.contains(name))
      differences += fmt::format("{}{} was {}, is not given", differences.empty() ? "" : "; ", name, value);
  }
  require(differences.empty(), "[resume] the run was started with other options: {}", differences);
}

}  // namespace e5v::train
