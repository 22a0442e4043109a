#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "tensor/stored_matrix.h"

/// The way in which bitsandbytes stores a 4-bit matrix X.weight. The codes have that name, other tensors have names
/// that begin with it, and all that is no tensor is JSON in a tensor of bytes. Source: QuantState.as_dict(packed=True)
/// of bitsandbytes 0.43.1.
namespace e5v::model {

/// The suffixes of "X.weight" in the names of the other parts.
struct Nf4Suffix {
  static constexpr const char* kScales = ".absmax";
  static constexpr const char* kCodeMap = ".quant_map";
  static constexpr const char* kNestedScales = ".nested_absmax";
  static constexpr const char* kScaleMap = ".nested_quant_map";
  static constexpr const char* kState = ".quant_state.bitsandbytes__nf4";
};

/// The tensor "X.weight" + suffix, or nullptr.
using FindPart = std::function<const tensor::TensorView*(std::string_view suffix)>;

/// Whether X.weight is a 4-bit matrix of bitsandbytes.
bool is_bitsandbytes(const FindPart& part);

/// The matrix [rows, columns]. Its scales may be rounded (double quantisation). Messages begin with `origin` (file and
/// tensor). Throws ModelError when parts are missing or the state has another type, shape or block size, InvalidInput
/// when parts do not fit together.
tensor::StoredMatrix nf4_matrix(const FindPart& part, const std::string& origin, std::int64_t rows,
                                std::int64_t columns);

inline constexpr std::int64_t kNf4StateBytes = 256;  ///< the size of nf4_state

/// The JSON of Nf4Suffix::kState for a matrix with the original type `dtype`. Spaces fill it up to kNf4StateBytes, so
/// that the layout of a file is known before its weights are rounded.
std::string nf4_state(tensor::DType dtype, std::int64_t rows, std::int64_t columns, float offset);

/// PyTorch's name of a weight type: "float32", "float16" or "bfloat16".
std::string_view torch_name_of(tensor::DType dtype);

}  // namespace e5v::model
