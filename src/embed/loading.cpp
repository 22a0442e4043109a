#include "embed/loading.h"

#include "base/file.h"
#include "base/hub_cache.h"
#include "base/log.h"
#include "model/adapter.h"
#include "model/unused_tensors.h"
#include "ops/accelerator.h"
#include "ops/isa.h"

namespace e5v::embed {

namespace fs = std::filesystem;

void add_preparation(Hasher& hasher, const fs::path& folder, std::int64_t revision) {
  hasher.add(revision).add(read_file(folder / "tokenizer.json"));
}

std::string compute_text(nn::Precision precision, const RunOptions& run, tensor::Place place) {
  std::string text(name_of(precision));
  if (place == tensor::Place::host) {
    if (precision == nn::Precision::int8 && !ops::has_native_int8()) text += "-wide";  // activations of 16 bits
    if (precision != nn::Precision::f32 && !ops::has_native_bf16()) text += "-f32";    // matrices that are not int8
  }
  if (run.dimensions > 0) text += fmt::format("+{}", run.dimensions);
  return fmt::format("{}{}/{}", text, run.normalize ? "+l2" : "", kArithmeticRevision);
}

std::string weights_hash(const model::Checkpoint& checkpoint, const std::string& config, const fs::path& adapter) {
  const Hash128 weights = checkpoint.fingerprint();
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(&weights, 1))).add(config);
  if (!adapter.empty()) model::Adapter::add_content(hub_snapshot(adapter), hasher);
  return hasher.digest().hex();
}

model::Checkpoint open_checkpoint(const fs::path& folder, const LoadOptions& options, const model::TensorNames& names) {
  model::Checkpoint checkpoint(folder, names);
  checkpoint.place_on(ops::open_device(options.device));
  checkpoint.decode_as(decoded_type(choose_precision(options.dtype, stored_weights(checkpoint), checkpoint.place())));
  return checkpoint;
}

void warn_of_unused(const fs::path& folder, const std::vector<std::string>& names) {
  if (!names.empty()) log_warning("[{}] tensors that nothing uses: {}", folder.string(), model::names_text(names));
}

StoredWeights stored_weights(const model::Checkpoint& checkpoint) {
  const model::Checkpoint::Decoded decoded = checkpoint.decoded();
  return {.dtype = checkpoint.stored_dtype(),
          .format = checkpoint.stored_format(),
          .bytes = checkpoint.used_bytes(),
          .decoded = decoded.numbers,
          .unpacked = decoded.bytes,
          .rounds_inputs = checkpoint.rounds_inputs()};
}

nn::Precision choose_precision(ComputeType asked, const StoredWeights& stored, tensor::Place place) {
  switch (asked) {
    case ComputeType::f32: return nn::Precision::f32;
    case ComputeType::bf16: return nn::Precision::bf16;
    case ComputeType::fp8:
      require(place == tensor::Place::device, "[dtype] fp8 needs a GPU: CPUs have no 8-bit floats");
      return nn::Precision::fp8;
    case ComputeType::automatic: break;
  }
  return nn::default_precision(stored.dtype, stored.format, place, stored.rounds_inputs);
}

}  // namespace e5v::embed
