#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "tensor/stored_matrix.h"

/// How bitsandbytes stores a 4-bit matrix X.weight: its codes under that name, the rest beside it, what is no tensor as
/// JSON in a tensor of bytes. Source: QuantState.as_dict(packed=True) of bitsandbytes 0.43.1.
namespace e5v::model {

/// What follows "X.weight" in the names of the other parts.
struct Nf4Suffix {
  static constexpr const char* kScales = ".absmax";
  static constexpr const char* kCodeMap = ".quant_map";
  static constexpr const char* kNestedScales = ".nested_absmax";
  static constexpr const char* kScaleMap = ".nested_quant_map";
  static constexpr const char* kState = ".quant_state.bitsandbytes__nf4";
};

/// The tensor "X.weight" + suffix, or nullptr.
using FindPart = std::function<const tensor::TensorView*(std::string_view suffix)>;

/// Whether X.weight is stored by bitsandbytes in 4 bits.
bool is_bitsandbytes(const FindPart& part);

/// The matrix [rows, columns], its scales rounded (double quantisation) or not. `origin` (file and tensor) leads the
/// messages. Throws ModelError when parts are missing or the state is of another type, shape or block size,
/// InvalidInput when parts do not fit together.
tensor::StoredMatrix nf4_matrix(const FindPart& part, const std::string& origin, std::int64_t rows,
                                std::int64_t columns);

inline constexpr std::int64_t kNf4StateBytes = 256;  ///< of nf4_state

/// The JSON of Nf4Suffix::kState for a matrix whose numbers were stored as `dtype`, filled up with spaces to
/// kNf4StateBytes, so that a file's layout is known before its weights are rounded.
std::string nf4_state(tensor::DType dtype, std::int64_t rows, std::int64_t columns, float offset);

/// "float32", "float16" or "bfloat16": PyTorch's name of a type of weights.
std::string_view torch_name_of(tensor::DType dtype);

}  // namespace e5v::model
