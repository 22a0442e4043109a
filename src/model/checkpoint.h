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
#include "model/tensor_names.h"
#include "tensor/placed_tensors.h"
#include "tensor/safetensors.h"
#include "tensor/stored_matrix.h"
#include "tensor/tensor.h"

namespace e5v::model {

/// The names of a folder's file of weights and of its index.
inline constexpr const char* kSingleFile = "model.safetensors";
inline constexpr const char* kIndexFile = "model.safetensors.index.json";

/// The names of tensors by shard, as an index has them.
using Shards = std::map<std::string, std::set<std::string>>;
/// Reads an index. Throws InvalidInput when it cannot be read or is no JSON, ModelError when it is no index or names
/// shards outside its folder.
Shards read_index(const std::filesystem::path& index);

/// The weights of a model by canonical name, mapped from a folder. Pages are read when they are used.
class Checkpoint {
 public:
  /// Opens model.safetensors, or model.safetensors.index.json and its shards, or the only *.safetensors of the folder.
  /// Reads from config.json, if there is one, how matrices are quantised. `names` describes the names in the files; it
  /// must outlive this object. Throws ModelError for missing files (the message names all), wrong headers, an index
  /// that contradicts its shards or leaves the folder, two tensors with one canonical name, weights in another format,
  /// or a quantization_config that is not supported.
  explicit Checkpoint(const std::filesystem::path& folder, const TensorNames& names = llava_next_names());

  /// Weights in memory that the caller keeps alive. They may have the names of any generation. Messages begin with
  /// `origin`. Without a quantization, quantised matrices are symmetric, with a scale for each row or group.
  Checkpoint(const tensor::TensorMap& tensors, std::string origin,
             std::optional<Quantization> quantization = std::nullopt, const TensorNames& names = llava_next_names());

  /// The naming of tensors in its files.
  const TensorNames& names() const { return *names_; }

  bool has(std::string_view canonical) const { return entries_.find(canonical) != entries_.end(); }

  /// The weight with a canonical name. Throws ModelError, which names file and stored tensor, when it is missing, has
  /// another shape than expected, or is not f32, f16 or bf16.
  tensor::TensorView tensor(std::string_view canonical, const tensor::Shape& expected) const;

  /// The same for embeddings. Throws ModelError when the config says that they are quantised, which is not supported.
  tensor::TensorView table(std::string_view canonical, const tensor::Shape& expected) const;

  /// The weight matrix `canonical` [rows, columns], plain or quantised. A quantised matrix has parts as in
  /// compressed-tensors (CompressedPart) or bitsandbytes (Nf4Suffix). A matrix that cannot be multiplied in its stored
  /// form is decoded and kept. Throws ModelError like tensor(), for everything that compressed_matrix.h refuses, for
  /// matrices that contradict the quantisation, and for 4-bit types of bitsandbytes other than nf4.
  tensor::StoredMatrix matrix(std::string_view canonical, std::int64_t rows, std::int64_t columns) const;

  /// Replaces a plain tensor by another one of the same shape, which the caller keeps alive. Throws ModelError when
  /// there is none with that name, or it is quantised.
  void substitute(std::string_view canonical, const tensor::TensorView& view);

  /// A tensor with both of its names.
  struct Stored {
    std::string canonical, stored;
    tensor::TensorView view;
  };
  /// All tensors, in the order of canonical names.
  std::vector<Stored> tensors() const;

  /// Whether matrix() reads that part of a module, with its weight or instead of it (CompressedPart).
  bool reads_part(const std::string& module, std::string_view part) const;
  /// The file that holds a tensor.
  const std::string& file_of(std::string_view canonical) const { return entries_.find(canonical)->second.origin; }

  /// The floating type with the most stored bytes.
  tensor::DType stored_dtype() const;
  /// The format in which quantised weights are multiplied; plain when there are none, or all are decoded.
  tensor::WeightFormat stored_format() const;
  /// Whether a weight that vectors depend on is quantised.
  bool quantised() const;
  /// Whether the scheme of some quantised weights rounds their inputs, too.
  bool rounds_inputs() const;
  /// The elements of matrices that are decoded into plain ones, and the bytes of those that are unpacked.
  struct Decoded {
    std::int64_t numbers = 0, bytes = 0;
  };
  Decoded decoded() const;
  /// Sets the type of decoded matrices, f32 by default. Call it before the first of them is used.
  void decode_as(tensor::DType type) { decoded_type_ = type; }
  /// After this call, matrices do not ask for rounded inputs where that is optional (tensor::InputRounding), because a
  /// rounding has no gradient.
  void leave_inputs() { leaves_inputs_ = true; }
  /// The bytes of all tensors, and those of tensors that vectors depend on.
  std::uint64_t bytes() const;
  std::uint64_t used_bytes() const;

  /// A hash that differs for different weights but does not read all of them. It covers the canonical name, type and
  /// shape of each tensor that vectors depend on, and 32 evenly spaced samples of 64 bytes. So a change between the
  /// samples goes unseen, but fine-tuning and quantisation change everything. The hash does not depend on the
  /// generation of names, on sharding, or on unused tensors (LM head, the tower's last norm in LLaVA, CLIP's logit
  /// scale).
  Hash128 fingerprint() const;

  /// Reads everything. The stored name of the first tensor, in the order of canonical names, that holds NaN or
  /// infinity.
  std::optional<std::string> first_non_finite() const;

  /// Reads everything. Throws ModelError, which names the first tensor with NaN or infinity and its file.
  void require_finite() const;

  /// The weight files in the order of their names.
  const std::vector<std::filesystem::path>& files() const { return paths_; }

  /// After this call, tensor() and matrix() return copies in another memory. A copy is made at the first call and kept.
  /// Stored names, types and fingerprints stay those of the files.
  void place_on(tensor::Place place);
  tensor::Place place() const { return placed_ ? placed_->place() : tensor::Place::host; }

  /// Releases the memory of a tensor's pages after it has been copied. The view stays valid.
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
  std::optional<Quantization> quantization_;  // none: there is no config.json
  tensor::DType decoded_type_ = tensor::DType::f32;
  bool leaves_inputs_ = false;
  mutable std::map<std::string, CompressedMatrix> made_;  // matrices that are not used in their stored form
  std::shared_ptr<tensor::PlacedTensors> placed_;         // none: tensors are used in the mapped files
};

}  // namespace e5v::model
