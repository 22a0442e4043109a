#include "train/write_checkpoint.h"

#include <algorithm>

#include "base/file.h"
#include "base/hub_cache.h"
#include "base/parallel.h"
#include "families/llava_next.h"
#include "model/checkpoint_folder.h"
#include "model/model_folder.h"
#include "model/unused_tensors.h"
#include "ops/matmul.h"
#include "tensor/half.h"
#include "tensor/safetensors_writer.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using model::Checkpoint;
using tensor::DType;
using tensor::Tensor;

template <class T>
Tensor narrowed(const Tensor& wide, DType dtype) {
  Tensor result(dtype, wide.shape());
  constexpr std::int64_t kGrain = 1 << 16;
  const auto from = wide.as<float>();
  const auto to = result.as<T>();
  parallel_for(wide.elements(), kGrain,
               [&](std::int64_t i) { to[static_cast<std::size_t>(i)] = T(from[static_cast<std::size_t>(i)]); });
  return result;
}

Tensor as_stored(Tensor wide, DType dtype) {
  if (dtype == DType::bf16) return narrowed<tensor::BFloat16>(wide, dtype);
  if (dtype == DType::f16) return narrowed<tensor::Half>(wide, dtype);
  require<ModelError>(dtype == DType::f32, "[merge] a weight is stored as {}: only f32, f16 and bf16 can be changed",
                      name_of(dtype));
  return wide;
}

Tensor transposed(const Tensor& x) {
  const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
  Tensor y(DType::f32, {columns, rows});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) matrix_of(y).row<float>(c)[r] = matrix_of(x).row<float>(r)[c];
  }
  return y;
}

/// Computes W + scale B A.
Tensor merged(const tensor::TensorView& weight, const nn::Lora& part) {
  Tensor result = to_f32(weight);
  const Tensor b_RN = transposed(part.b_NR);
  ops::weight_gradient(matrix_of(b_RN), matrix_of(part.a_RK), part.scale, matrix_of(result));
  return result;
}

/// Throws unless the matrix is in the checkpoint and nothing else uses it. A checkpoint may have no LM head.
void require_mergeable(const nn::Lora& part, const model::ModelConfig& config, const Checkpoint& checkpoint) {
  require<ModelError>(part.target != "lm_head" || !config.text.tied_head,
                      "[merge] the adapter changes lm_head, which is the embedding table in this model: it cannot be "
                      "merged without changing both");
  const std::string name = part.target + ".weight";
  if (part.target != "lm_head" || checkpoint.has(name)) checkpoint.tensor(name, {part.outputs(), part.inputs()});
}

}  // namespace

void write_checkpoint(const fs::path& model, const fs::path& output, bool force, const Replacement& replacement,
                      const std::function<void(std::uint64_t)>& written) {
  model::prepare_output(model, output, force);
  const Checkpoint checkpoint(model);
  std::vector<Checkpoint::Stored> tensors = checkpoint.tensors();
  // Tensors of wide types come first, which keeps every tensor aligned: the format has no gaps.
  std::ranges::stable_sort(tensors, std::ranges::greater(),
                           [](const auto& tensor) { return size_of(tensor.view.dtype); });
  std::vector<tensor::TensorSpec> specs;
  for (const Checkpoint::Stored& tensor : tensors)
    specs.push_back({tensor.stored, tensor.view.dtype, tensor.view.shape});
  tensor::SafetensorsWriter writer(output / "model.safetensors", specs, {{"format", "pt"}});
  for (const Checkpoint::Stored& tensor : tensors) {
    if (std::optional<Tensor> values = replacement(tensor)) {
      const Tensor changed = as_stored(std::move(*values), tensor.view.dtype);
      require<ModelError>(all_finite(changed.view()), "[{}] tensor {} becomes NaN or infinite as {}",
                          checkpoint.file_of(tensor.canonical), in_quotes(tensor.stored), name_of(tensor.view.dtype));
      writer.write(tensor.stored, changed.view().bytes());
    } else {
      writer.write(tensor.stored, tensor.view.bytes());
    }
    checkpoint.release(tensor.view);
    if (written) written(tensor.view.bytes().size());
  }
  model::begin_replacement(output);
  writer.finish();
  model::copy_side_files(model, output);
  write_file_atomically(output / "config.json", read_file(model / "config.json"));
}

void write_trained_weights(const fs::path& model, const fs::path& output, const std::vector<Trainee::Weight>& weights) {
  const auto trained = [&](const Checkpoint::Stored& tensor) -> std::optional<Tensor> {
    const auto found = std::ranges::find(weights, tensor.canonical, &Trainee::Weight::name);
    return found == weights.end() ? std::nullopt : std::optional(to_f32(found->values.view()));
  };
  write_checkpoint(model, output, true, trained, nullptr);
}

void merge_adapter(const fs::path& model_path, const fs::path& adapter_path, const fs::path& output, bool force,
                   const std::function<void(std::uint64_t)>& written) {
  const fs::path model = model::find_model_folder(model_path), adapter_folder = hub_snapshot(adapter_path);
  std::error_code error;
  require(!fs::equivalent(adapter_folder, output, error), "[{}] is the adapter's own folder", output.string());
  const model::ModelConfig config = families::require_llava_next(model, "merge");
  const model::Adapter adapter = model::Adapter::read(adapter_folder, config);
  {
    const Checkpoint checkpoint(model);
    require<ModelError>(!checkpoint.quantised(),
                        "[{}] is quantised: merge into the checkpoint it was made from, then quantise again",
                        model.string());
    model::unused_tensors(checkpoint,
                          config);  // throws when a tensor would be ignored; those outside the model are copied
    checkpoint.require_finite();
    for (const model::AdapterSite& site : adapter_sites(config.text)) {
      checkpoint.tensor(site.name + ".weight", {site.outputs, site.inputs});
    }
    for (const nn::Lora& part : adapter.parts) require_mergeable(part, config, checkpoint);
  }
  write_checkpoint(
      model, output, force,
      [&](const Checkpoint::Stored& tensor) -> std::optional<Tensor> {
        const auto part = std::ranges::find_if(
            adapter.parts, [&](const nn::Lora& p) { return p.target + ".weight" == tensor.canonical; });
        if (part == adapter.parts.end()) return std::nullopt;
        return merged(tensor.view, *part);
      },
      written);
}

}  // namespace e5v::train
