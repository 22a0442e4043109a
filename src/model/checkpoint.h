#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "model/compressed_matrix.h"
#include "model/placed_tensors.h"
#include "model/tensor_names.h"
#include "tensor/safetensors.h"
#include "tensor/stored_matrix.h"
#include "tensor/tensor.h"

namespace e5v::model {

/// The files of a folder that hold its weights, or say which do.
inline constexpr const char* kSingleFile = "model.safetensors";
inline constexpr const char* kIndexFile = "model.safetensors.index.json";

/// Names of tensors by shard, as an index has them.
using Shards = std::map<std::string, std::set<std::string>>;
/// Reads an index. Throws InvalidInput when it cannot be read or is no JSON, ModelError when it is no index or names
/// shards outside its folder.
Shards read_index(const std::filesystem::path& index);

/// The weights of a model by canonical name, mapped from a folder. Nothing is read until it is used.
class Checkpoint {
 public:
  /// Opens model.safetensors, or model.safetensors.index.json and the shards it names, or else the only *.safetensors
  /// of the folder; and reads how matrices are quantised from config.json, if there is one. Throws ModelError: missing
  /// files (all of them named), lying headers, an index that contradicts its shards or leaves the folder, two tensors
  /// with one canonical name, weights in another format, a quantization_config that is not supported. `names` is how
  /// the files name tensors; it must outlive this.
  explicit Checkpoint(const std::filesystem::path& folder, const TensorNames& names = llava_next_names());

  /// Weights in memory that the caller keeps alive, under any generation's names. `origin` leads the error messages.
  /// Without a quantization, quantised matrices are taken to be symmetric with scales of rows or groups.
  Checkpoint(const tensor::TensorMap& tensors, std::string origin,
             std::optional<Quantization> quantization = std::nullopt, const TensorNames& names = llava_next_names());

  /// How its files name tensors.
  const TensorNames& names() const { return *names_; }

  bool has(std::string_view canonical) const { return entries_.find(canonical) != entries_.end(); }

  /// The weight of that canonical name. Throws ModelError when it is missing, is of another shape than expected, or is
  /// not f32, f16 or bf16; names file and tensor as the file calls it.
  tensor::TensorView tensor(std::string_view canonical, const tensor::Shape& expected) const;

  /// The same for embeddings, which are not read when the config says that they are quantised: a ModelError then.
  tensor::TensorView table(std::string_view canonical, const tensor::Shape& expected) const;

  /// The weight matrix `canonical` [rows, columns], plain or quantised: then its parts stand beside that name, as
  /// compressed-tensors has it (CompressedPart) or bitsandbytes (Nf4Suffix). What cannot be multiplied as it is stored
  /// is decoded, and kept. Throws ModelError as tensor() does, for what compressed_matrix.h refuses, for matrices that
  /// are stored otherwise than the quantization says, and for 4-bit types of bitsandbytes other than nf4.
  tensor::StoredMatrix matrix(std::string_view canonical, std::int64_t rows, std::int64_t columns) const;

  /// Puts another tensor of the same shape in the place of a plain one; the caller keeps it alive. Throws ModelError
  /// when there is none of that name, or it is quantised.
  void substitute(std::string_view canonical, const tensor::TensorView& view);

  /// A tensor under both of its names.
  struct Stored {
    std::string canonical, stored;
    tensor::TensorView view;
  };
  /// All tensors, in the order of canonical names.
  std::vector<Stored> tensors() const;

  /// Whether matrix() reads that part of a module, beside or in place of its weight (CompressedPart).
  bool reads_part(const std::string& module, std::string_view part) const;
  /// The file that holds a tensor.
  const std::string& file_of(std::string_view canonical) const { return entries_.find(canonical)->second.origin; }

  /// The floating type that most bytes are stored in.
  tensor::DType stored_dtype() const;
  /// The format in which quantised weights are multiplied; plain when none is, or all are decoded.
  tensor::WeightFormat stored_format() const;
  /// Whether any weight that vectors depend on is quantised.
  bool quantised() const;
  /// Whether the scheme of some quantised weights rounds what they multiply, too.
  bool rounds_inputs() const;
  /// Numbers of the matrices that are decoded into plain ones, and bytes of those that are unpacked.
  struct Decoded {
    std::int64_t numbers = 0, bytes = 0;
  };
  Decoded decoded() const;
  /// The type of decoded matrices, f32 unless changed: before the first of them is asked for.
  void decode_as(tensor::DType type) { decoded_type_ = type; }
  /// Has matrices from now on not ask for rounded inputs where that is optional (tensor::InputRounding): a rounding has
  /// no gradient.
  void leave_inputs() { leaves_inputs_ = true; }
  /// Bytes of all tensors, and of those that vectors depend on.
  std::uint64_t bytes() const;
  std::uint64_t used_bytes() const;

  /// Tells different weights apart without reading them all: hashes of each tensor the vectors depend on its canonical
  /// name, type, shape and 32 evenly spaced samples of 64 bytes. The price is that a change between the samples of a
  /// tensor goes unseen; fine-tuning and quantisation change everything. Names of other generations, sharding, and
  /// presence of unused tensors (LM head, LLaVA's last norm of the tower, CLIP's logit scale) do not change it.
  Hash128 fingerprint() const;

  /// Reads everything; the first tensor, in order of canonical names, that holds NaN or infinity, as the file calls it.
  std::optional<std::string> first_non_finite() const;

  /// Reads everything. Throws ModelError that names the first tensor that holds NaN or infinity, and its file.
  void require_finite() const;

  /// The weight files, in the order of their names.
  const std::vector<std::filesystem::path>& files() const { return paths_; }

  /// Has tensor() and matrix() from now on give copies at a place, made when they are first asked for and kept. Stored
  /// names, types and fingerprints stay those of the files.
  void place_on(tensor::Place place);
  tensor::Place place() const { return placed_ ? placed_->place() : tensor::Place::host; }

  /// Gives back the memory of a tensor's pages, after it has been copied to where it is used. The view stays valid.
  void release(const tensor::TensorView& view) const;

 private:
  struct Entry {
    tensor::TensorView view;
    std::string stored_name, origin;
  };
  const tensor::TensorView& find(std::string_view canonical, const tensor::Shape& expected) const;
  const Entry* find_non_finite() const;
  FindModulePart module_parts(const std::string& module) const;
  const QuantizedGroup* group_of(const std::string& module, const Entry& stored,
                                 std::string_view module_class = "Linear") const;
  tensor::StoredMatrix compressed(const std::string& module, std::int64_t rows, std::int64_t columns) const;
  tensor::StoredMatrix nf4(const std::string& name, std::int64_t rows, std::int64_t columns) const;
  struct CompressedModule;
  std::vector<CompressedModule> compressed_modules() const;
  tensor::TensorView placed(const tensor::TensorView& view) const;
  void open_single(const std::filesystem::path& path);
  void open_index(const std::filesystem::path& folder);
  void add(const std::string& stored_name, const tensor::TensorView& view, const std::string& origin);

  std::string origin_;
  const TensorNames* names_;
  std::vector<std::filesystem::path> paths_;
  std::vector<tensor::SafetensorsFile> files_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::optional<Quantization> quantization_;  // none: there is no config.json that could tell
  tensor::DType decoded_type_ = tensor::DType::f32;
  bool leaves_inputs_ = false;
  mutable std::map<std::string, CompressedMatrix> made_;  // matrices that are not used as they are stored
  std::shared_ptr<PlacedTensors> placed_;                 // none: tensors are used where the files are mapped
};

}  // namespace e5v::model
