#include "inspect/doctor.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "base/cpu.h"
#include "embed/loading.h"
#include "families/table.h"
#include "image/processor_file.h"
#include "inspect/info.h"
#include "model/checkpoint.h"
#include "model/model_folder.h"
#include "ops/accelerator.h"
#include "ops/isa.h"

namespace e5v::inspect {
namespace {

namespace fs = std::filesystem;

std::string file_size_text(const fs::path& file) { return bytes_text(fs::file_size(file)); }

std::string check_finite(const model::Checkpoint& checkpoint) {
  const std::optional<std::string> culprit = checkpoint.first_non_finite();
  require<ModelError>(!culprit, "{} holds NaN or infinity", culprit.value_or(""));
  return fmt::format("{} read, no NaN, fingerprint {}", bytes_text(checkpoint.bytes()), checkpoint.fingerprint().hex());
}

std::string check_memory(const ModelInfo& info) {
  const families::MemoryEstimate& m = info.memory;
  const std::string text =
      fmt::format("about {} predicted, {} available", bytes_text(m.total()), bytes_text(info.memory_available));
  require<DeviceError>(m.total() - m.mapped <= info.memory_available, "{}", text);
  return m.total() <= info.memory_available ? text : text + ": weights will be read from the disk again and again";
}

/// A sentence must have the same vector alone and among others.
std::string check_embedding(const fs::path& folder, const LoadOptions& options) {
  Embedder embedder = Embedder::load(folder, options);
  const Input sentence = Input::from_text("A tabby cat looks into the camera.");
  const Embeddings alone = embedder.embed(std::vector{sentence});
  const Embeddings among = embedder.embed(
      std::vector{Input::from_text("A rocket takes off at night."), sentence, Input::from_text("Coffee")});
  double dot = 0, left = 0, right = 0;
  for (std::int64_t i = 0; i < alone.width; ++i) {
    const double a = alone.row(0)[static_cast<std::size_t>(i)], b = among.row(1)[static_cast<std::size_t>(i)];
    dot += a * b;
    left += a * a;
    right += b * b;
  }
  const double cosine = dot / std::sqrt(left * right);
  require<ModelError>(cosine > 0.9995, "a sentence alone and in a batch have cosine {:.6f}, expected 1", cosine);
  return fmt::format("{} numbers in {}, alone and in a batch the same to {:.0e}", alone.width,
                     alone.fingerprints.front().compute, std::max(1e-8, std::abs(1 - cosine)));
}

void check_weights(const fs::path& folder, const families::Inspection* inspection, const ReportCheck& report) {
  std::optional<model::Checkpoint> checkpoint;
  const bool opened = run_check("weights", report, [&] {
    const families::Family* family = families::find_family(folder);
    family == nullptr ? checkpoint.emplace(folder) : checkpoint.emplace(folder, family->tensor_names());
    return fmt::format("{} file{}, {} as {}", checkpoint->files().size(), checkpoint->files().size() == 1 ? "" : "s",
                       bytes_text(checkpoint->bytes()), storage_text(embed::stored_weights(*checkpoint)));
  });
  if (!opened) return;
  for (const fs::path& file : checkpoint->files()) {
    run_check("  " + file.filename().string(), report, [&] {
      return fmt::format("{}, {} tensors", file_size_text(file), tensor::SafetensorsFile(file).tensors().size());
    });
  }
  if (inspection != nullptr) run_check("tensors", report, [&] { return inspection->tensors(*checkpoint); });
  run_check("values", report, [&] { return check_finite(*checkpoint); });
}

}  // namespace

namespace {

/// The GPU and its memory, or why there is none: which is no fault unless one was asked for.
std::string gpu_text(const std::string& device) {
  const std::string wanted = ops::wanted_device(device);
  if (wanted == "cpu") return "not looked for: the device is to be cpu";
  try {
    ops::open_device(wanted == "auto" ? "cuda" : wanted);
  } catch (const DeviceError& error) {
    if (wanted != "auto") throw;
    return fmt::format("none: {}", error.what());
  }
  const tensor::Device& gpu = tensor::device();
  return fmt::format("{}, {}, {} available", gpu.name(), bytes_text(gpu.total_bytes()), bytes_text(gpu.free_bytes()));
}

}  // namespace

bool run_check(const std::string& name, const ReportCheck& report, const std::function<std::string()>& look) {
  try {
    report({name, true, look()});
    return true;
  } catch (const std::bad_alloc&) {
    report({name, false, "out of memory"});
  } catch (const std::exception& error) {
    report({name, false, error.what()});
  }
  return false;
}

void check_machine(const std::string& device, const ReportCheck& report) {
  const Machine machine = this_machine();
  run_check("processor", report, [&] { return fmt::format("{}, {} cores to use", machine.processor, machine.cores); });
  run_check("instructions", report, [&] {
    return fmt::format("{}; e5v's own kernels use vectors of {} bits, bf16 {}", ops::instruction_set(),
                       ops::vector_bits(),
                       ops::has_native_bf16() ? "in hardware" : "not in hardware: 16-bit models compute in f32");
  });
  run_check("GPU", report, [&] { return gpu_text(device); });
  run_check("memory", report, [&] {
    require<DeviceError>(machine.available > 0, "the system does not say how much there is");
    return fmt::format("{}, {} available", bytes_text(machine.memory), bytes_text(machine.available));
  });
}

void check_model(const fs::path& given, const LoadOptions& options, const ReportCheck& report) {
  fs::path folder;
  const bool exists = run_check("folder", report, [&] {
    folder = model::find_model_folder(given);
    return folder.string();
  });
  if (!exists) return;
  std::unique_ptr<families::Inspection> inspection;
  bool whole = run_check("config.json", report, [&] {
    inspection = families::family_of(folder).inspect(folder, options, {});
    return inspection->config();
  });
  const auto note = [&](const Check& check) {
    whole &= check.ok;
    report(check);
  };
  check_weights(folder, inspection.get(), note);
  if (!inspection) return;
  run_check("tokenizer.json", note,
            [&] { return fmt::format("{}, {}", file_size_text(folder / "tokenizer.json"), inspection->tokenizer()); });
  if (inspection->sees()) {
    run_check("preprocessor_config.json", note, [&] {
      const std::optional<image::ProcessorFile> file = image::find_processor(folder);
      const std::string name = file ? file->path.filename().string() : "absent, the model's own sizes serve";
      return fmt::format("{}{}", name == "preprocessor_config.json" ? "" : name + ": ", inspection->preprocess());
    });
  }
  if (!whole) return;
  if (!run_check("memory for it", note, [&] { return check_memory(inspect(folder, options)); })) return;
  run_check("embedding", note, [&] { return check_embedding(folder, options); });
}

}  // namespace e5v::inspect
