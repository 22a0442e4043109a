#include "model/checkpoint.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "model/config_parts.h"
#include "model/model_folder.h"

namespace e5v::model {
namespace fs = std::filesystem;
using tensor::DType;
using tensor::TensorView;

namespace {

constexpr std::uint64_t kMaxIndexBytes = 64 << 20;

bool is_weight_type(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

/// Adds 32 samples of 64 bytes at even distances, which include the first and the last bytes. A short tensor is added
/// whole.
void add_samples(Hasher& hasher, std::span<const std::byte> bytes) {
  constexpr std::size_t kSamples = 32, kSampleBytes = 64;
  if (bytes.size() <= kSamples * kSampleBytes) {
    hasher.add(bytes);
    return;
  }
  const std::size_t room = bytes.size() - kSampleBytes;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::size_t whole = room / (kSamples - 1) * i, rest = room % (kSamples - 1) * i / (kSamples - 1);
    hasher.add(bytes.subspan(whole + rest, kSampleBytes));
  }
}

/// Calls read(view) with the tensor on the host, because a substitute may be elsewhere.
template <class Read>
void with_bytes(const TensorView& view, const Read& read) {
  if (view.place == tensor::Place::host) return read(view);
  const tensor::Tensor copy = copied(view, tensor::Place::host);
  read(copy.view());
}

/// The only *.safetensors of a folder without the usual names. Throws ModelError, which says what the folder holds
/// instead.
fs::path only_safetensors(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
  }
  const std::string foreign = found.empty() ? foreign_weights(folder) : "";
  require<ModelError>(!found.empty(), "[{}] expected {} or {}, found {}", folder.string(), kSingleFile, kIndexFile,
                      foreign.empty() ? "no weights" : foreign);
  require<ModelError>(found.size() == 1,
                      "[{}] expected {} to say which of {} *.safetensors belong together, found none", folder.string(),
                      kIndexFile, found.size());
  return found.front();
}

/// The quantisation that config.json describes. None without that file or when it is no JSON, which the config's reader
/// reports.
std::optional<Quantization> read_quantization(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  if (!fs::exists(file)) return std::nullopt;
  Json config;
  try {
    config = read_config_json(folder);
  } catch (const ModelError&) {
    return std::nullopt;
  }
  if (!config.is_object()) return std::nullopt;
  return Quantization::from(Fields(config, file.string()));
}

void require_shards(const fs::path& folder, const Shards& shards) {
  std::string missing;
  for (const auto& [file, names] : shards) {
    if (!fs::exists(folder / file)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", in_quotes(file));
  }
  require<ModelError>(missing.empty(), "[{}] shards that {} names are missing: {}", folder.string(), kIndexFile,
                      missing);
}

}  // namespace

Shards read_index(const fs::path& index) {
  const Json json = parse_json(read_file(index, kMaxIndexBytes), index.string());
  const Json* map = json.is_object() && json.contains("weight_map") ? &json["weight_map"] : nullptr;
  require<ModelError>(map != nullptr && map->is_object() && !map->empty(),
                      "[{}] expected an object \"weight_map\" that is not empty", index.string());
  Shards shards;
  for (const auto& [name, shard] : map->items()) {
    require<ModelError>(shard.is_string(), "[{}] \"weight_map\": expected a file name for {}, found {}", index.string(),
                        in_quotes(name), shard.type_name());
    const auto& file = shard.get_ref<const std::string&>();
    const fs::path path(file);
    const bool inside = !path.empty() && path.is_relative() &&
                        std::find(path.begin(), path.end(), "..") == path.end() && file.find('\0') == std::string::npos;
    require<ModelError>(inside, "[{}] \"weight_map\": expected a file inside the folder for {}, found {}",
                        index.string(), in_quotes(name), in_quotes(file));
    shards[file].insert(name);
  }
  return shards;
}

Checkpoint::Checkpoint(const fs::path& folder, const TensorNames& names) try
    : origin_(folder.string()), names_(&names) {
  require<ModelError>(fs::exists(folder), "[{}] no such folder", origin_);
  require<ModelError>(fs::is_directory(folder), "[{}] expected the folder of a checkpoint, found a file", origin_);
  if (fs::exists(folder / kSingleFile)) {
    open_single(folder / kSingleFile);
  } else if (fs::exists(folder / kIndexFile)) {
    open_index(folder);
  } else {
    open_single(only_safetensors(folder));
  }
  require<ModelError>(!entries_.empty(), "[{}] expected tensors, found none", origin_);
  quantization_ = read_quantization(folder);
} catch (const InvalidInput& error) {
  throw ModelError(error.what());  // the index cannot be read or is no JSON
} catch (const fs::filesystem_error& error) {
  fail<ModelError>("[{}] cannot be read: {}", folder.string(), error.code().message());
}

Checkpoint::Checkpoint(const tensor::TensorMap& tensors, std::string origin, std::optional<Quantization> quantization,
                       const TensorNames& names)
    : origin_(std::move(origin)), names_(&names), quantization_(std::move(quantization)) {
  for (const auto& [name, view] : tensors) add(name, view, origin_);
}

void Checkpoint::open_single(const fs::path& path) {
  paths_.push_back(path);
  const tensor::SafetensorsFile& file = files_.emplace_back(path);
  for (const auto& [name, view] : file.tensors()) add(name, view, path.string());
}

void Checkpoint::open_index(const fs::path& folder) {
  const auto shards = read_index(folder / kIndexFile);
  require_shards(folder, shards);
  for (const auto& [shard, names] : shards) {
    const fs::path path = folder / shard;
    paths_.push_back(path);
    const tensor::SafetensorsFile& file = files_.emplace_back(path);
    for (const std::string& name : names) {
      const TensorView* view = file.find(name);
      require<ModelError>(view != nullptr, "[{}] tensor {} is missing, although {} assigns it to this file",
                          path.string(), in_quotes(name), kIndexFile);
      add(name, *view, path.string());
    }
  }
}

void Checkpoint::add(const std::string& stored_name, const TensorView& view, const std::string& origin) {
  std::string canonical = names_->canonical(stored_name);
  const auto [place, is_new] = entries_.try_emplace(std::move(canonical), Entry{view, stored_name, origin});
  require<ModelError>(is_new, "[{}] tensors {} and {} are the same weight, {}", origin,
                      in_quotes(place->second.stored_name), in_quotes(stored_name), place->first);
}

TensorView Checkpoint::tensor(std::string_view canonical, const tensor::Shape& expected) const {
  return placed(find(canonical, expected));
}

const TensorView& Checkpoint::find(std::string_view canonical, const tensor::Shape& expected) const {
  const auto found = entries_.find(canonical);
  require<ModelError>(found != entries_.end(), "[{}] tensor \"{}\" is missing, expected with shape {}{}", origin_,
                      canonical, expected.text(),
                      has(fmt::format("{}_packed", canonical))
                          ? "; it is quantised, which is supported only for matrices of blocks"
                          : "");
  const Entry& entry = found->second;
  require<ModelError>(entry.view.shape == expected, "[{}] tensor {}: expected shape {} from config.json, found {}",
                      entry.origin, in_quotes(entry.stored_name), expected.text(), entry.view.shape.text());
  require<ModelError>(is_weight_type(entry.view.dtype), "[{}] tensor {}: expected f32, f16 or bf16, found {}",
                      entry.origin, in_quotes(entry.stored_name), name_of(entry.view.dtype));
  return entry.view;
}

void Checkpoint::place_on(tensor::Place place) {
  placed_ = place == tensor::Place::host ? nullptr : std::make_shared<tensor::PlacedTensors>(place, used_bytes());
}

TensorView Checkpoint::placed(const TensorView& view) const {
  if (view.place == place() || view.data == nullptr) return view;
  const TensorView copy = placed_->copy(view);
  release(view);
  return copy;
}

void Checkpoint::substitute(std::string_view canonical, const TensorView& view) {
  find(canonical, view.shape);  // throws when there is none
  entries_.find(canonical)->second.view = view;
}

std::vector<Checkpoint::Stored> Checkpoint::tensors() const {
  std::vector<Stored> result;
  for (const auto& [canonical, entry] : entries_) result.push_back({canonical, entry.stored_name, entry.view});
  return result;
}

DType Checkpoint::stored_dtype() const {
  std::map<DType, std::uint64_t> bytes;
  for (const auto& [name, entry] : entries_) {
    if (is_weight_type(entry.view.dtype)) bytes[entry.view.dtype] += entry.view.bytes().size();
  }
  const auto largest =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  require<ModelError>(largest != bytes.end(), "[{}] expected f32, f16 or bf16 weights, found none", origin_);
  return largest->first;
}

std::uint64_t Checkpoint::used_bytes() const {
  std::uint64_t total = 0;
  for (const auto& [name, entry] : entries_) {
    if (!names_->is_never_used(name)) total += entry.view.bytes().size();
  }
  return total;
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t total = 0;
  for (const auto& [name, entry] : entries_) total += entry.view.bytes().size();
  return total;
}

Hash128 Checkpoint::fingerprint() const {
  Hasher hasher;
  if (quantization_) hasher.add(quantization_->text());
  for (const auto& [name, entry] : entries_) {
    if (names_->is_never_used(name)) continue;
    const std::string header = fmt::format("{}\n{}{}\n", name, name_of(entry.view.dtype), entry.view.shape.text());
    hasher.add(header);
    with_bytes(entry.view, [&](const TensorView& view) { add_samples(hasher, view.bytes()); });
  }
  return hasher.digest();
}

const Checkpoint::Entry* Checkpoint::find_non_finite() const {
  for (const auto& [name, entry] : entries_) {
    bool finite = true;
    with_bytes(entry.view, [&](const TensorView& view) { finite = all_finite(view); });
    release(entry.view);  // 16 GB that are read once need not stay in memory
    if (!finite) return &entry;
  }
  return nullptr;
}

std::optional<std::string> Checkpoint::first_non_finite() const {
  const Entry* found = find_non_finite();
  return found == nullptr ? std::nullopt : std::optional(found->stored_name);
}

void Checkpoint::require_finite() const {
  const Entry* found = find_non_finite();
  if (found == nullptr) return;
  fail<ModelError>("[{}] tensor {} holds NaN or infinity: the checkpoint is damaged", found->origin,
                   in_quotes(found->stored_name));
}

void Checkpoint::release(const TensorView& view) const {
  for (const tensor::SafetensorsFile& file : files_) file.release(view);
}

}  // namespace e5v::model
