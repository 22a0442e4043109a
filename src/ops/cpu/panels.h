#pragma once
#include <algorithm>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/stored_matrix.h"

/// Weights in the layout of the CPU's fast kernels (oneDNN's, or ours for tiles), written there block by block from how
/// they are stored, as often as they are multiplied: a block stays in cache until it is used up, which costs less than
/// memory for a copy of the whole model, and nothing at the start. Threads take blocks as they get free and do not wait
/// for each other, so that one packs while others multiply, and sums do not depend on how many there are.
namespace e5v::ops::cpu {

/// A weight [N, K] as panels of outputs: [chunks][ceil(N / width)][chunk][width] words of four bytes. A word holds
/// neighbours along K: two of bf16 or four of i8. What is beyond N and K is zero.
struct PanelLayout {
  tensor::DType dtype = tensor::DType::bf16;
  std::int64_t outputs = 0, inputs = 0;  ///< N, K
  std::int64_t width = 0, words = 0;
  std::int64_t chunk = words;  ///< words that lie together, a multiple of 16; the last chunk may be shorter

  std::int64_t word_elements() const { return 4 / size_of(dtype); }
  std::int64_t padded_outputs() const { return (outputs + width - 1) / width * width; }
  std::int64_t size() const { return padded_outputs() * words; }  ///< in words
  /// Words of the chunk that begins at one.
  std::int64_t chunk_words(std::int64_t begin) const { return std::min(chunk, words - begin); }
  /// Where, in words, a word of an output lies.
  std::int64_t offset(std::int64_t output, std::int64_t word) const {
    const std::int64_t begin = word / chunk * chunk;
    return begin * padded_outputs() + output / width * width * chunk_words(begin) + (word - begin) * width +
           output % width;
  }
};

/// What oneDNN's description of a packed weight comes to; nothing when it is another layout, or holds more than the
/// weight, or this CPU has no instructions to write it with.
std::optional<PanelLayout> panel_layout(const dnnl::memory::desc& packed);

/// to[w * to_stride + r] = from[r * from_stride + w] for 16 rows r and 16 words w, with strides in words. It takes
/// AVX512F.
void transpose_word_tile(const std::uint32_t* from, std::int64_t from_stride, std::uint32_t* to,
                         std::int64_t to_stride);

/// Writes layout.outputs rows of the stacked parts from `begin` on. It takes AVX512F.
void pack_panels(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout,
                 std::byte* to);

/// The weight from its other side, for products that sum over its rows: layout.outputs of its columns from `begin` on,
/// a multiple of 32, of all its rows, which are layout.inputs. Only bf16, in panels of width 32. It takes AVX512BW.
void pack_transposed_panels(std::span<const tensor::StoredMatrix> parts, std::int64_t begin, const PanelLayout& layout,
                            std::byte* to);

/// sums[n] = the sum over output n of panels of i8. It takes AVX512-VNNI.
void panel_sums(const PanelLayout& layout, const std::byte* packed, std::int32_t* sums);

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

/// Memory of the blocks of all threads.
std::int64_t packed_blocks_bytes(tensor::DType dtype, std::int64_t inputs);

/// Outputs of a block, at most.
std::int64_t max_block_outputs(tensor::DType dtype, std::int64_t inputs);

/// N of the stacked parts.
std::int64_t outputs_of(std::span<const tensor::StoredMatrix> parts);

}  // namespace e5v::ops::cpu
