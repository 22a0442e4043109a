#pragma once
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/stored_matrix.h"

/// Weights in the layout of oneDNN's fast kernels, written there block by block from how they are stored, as often as
/// they are multiplied: a block stays in cache until it is used up, which costs less than memory for a copy of the
/// whole model, and nothing at the start. Threads take blocks as they get free and do not wait for each other, so that
/// one packs while others multiply, and sums do not depend on how many there are.
namespace e5v::ops::cpu {

/// A weight [N, K] as panels of outputs: [ceil(N / width)][words][width] words of four bytes. A word holds neighbours
/// along K: two of bf16 or four of i8. What is beyond N and K is zero.
struct PanelLayout {
  tensor::DType dtype = tensor::DType::bf16;
  std::int64_t outputs = 0, inputs = 0;  ///< N, K
  std::int64_t width = 0, words = 0;

  std::int64_t word_elements() const { return 4 / size_of(dtype); }
};

/// What oneDNN's description of a packed weight comes to; nothing when it is another layout, or holds more than the
/// weight, or this CPU has no instructions to write it with.
std::optional<PanelLayout> panel_layout(const dnnl::memory::desc& packed);

/// Writes rows of the stacked parts from `begin` on, as many as `to` describes, in its layout: bf16, from parts [N_i,
/// K] of any format, or i8, from parts of int8 or int4. A layout that is not one of panels gets a plain copy, reordered
/// by oneDNN.
void pack_weight(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, dnnl::memory& to);

/// Sums over the rows that pack_weight has written to a weight of i8: what one unit of x's zero adds to a product.
std::vector<std::int32_t> row_sums(std::span<const tensor::StoredMatrix> parts, std::int64_t begin,
                                   const dnnl::memory& packed);

/// oneDNN's kernel for a weight [N, K] of bf16 (under x bf16 and y f32) or i8 (x u8, y i32), and how it wants the
/// weight.
struct PackedForm {
  dnnl::memory::desc desc;
  std::string kernel;
};
/// Throws DeviceError when this CPU has no fast kernel for bf16.
PackedForm packed_form(tensor::DType dtype, std::int64_t outputs, std::int64_t inputs);

/// Runs body(begin, weight) for blocks of outputs of the stacked parts, in parallel, each packed in memory that its
/// thread keeps.
void for_packed_blocks(std::span<const tensor::StoredMatrix> parts, tensor::DType dtype,
                       const std::function<void(std::int64_t, const dnnl::memory&)>& body);

/// Rows of x to multiply with a block at a time: their products stay in cache until they are moved to y, which oneDNN
/// cannot write itself, because its fast kernels want rows without gaps.
constexpr std::int64_t kRowsAtOnce = 256;

/// Memory of the blocks of all threads and of their products.
std::int64_t packed_scratch_bytes(tensor::DType dtype, std::int64_t rows, std::int64_t inputs);

/// N of the stacked parts.
std::int64_t outputs_of(std::span<const tensor::StoredMatrix> parts);

}  // namespace e5v::ops::cpu
