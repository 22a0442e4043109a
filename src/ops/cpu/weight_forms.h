#pragma once
#include <memory>
#include <span>

#include "ops/matmul.h"
#include "ops/weight_form.h"

namespace e5v::ops::cpu {

/// The form in which this CPU multiplies stacked parts of one format, under an arithmetic that the format allows.
/// Borrows their tensors. Throws DeviceError when this CPU has no kernel for it.
std::unique_ptr<WeightForm> make_weight_form(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic);

/// The bytes that the form of such a weight keeps for its next product with this number of rows.
std::int64_t weight_form_scratch_bytes(Arithmetic arithmetic, tensor::WeightFormat format, std::int64_t rows_M,
                                       std::int64_t inputs_K);

}  // namespace e5v::ops::cpu
