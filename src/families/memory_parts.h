#pragma once
#include <cstdint>

#include "embed/stored_weights.h"
#include "nn/precision.h"
#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

/// Common parts of the predictions of memory for different models.
namespace e5v::families {

constexpr std::int64_t kFloat = sizeof(float);

/// Program, libraries, generated kernels, decoding of an image. Measured on small models, with a margin.
constexpr std::uint64_t kProcessBytes = std::uint64_t{24} << 20;
/// The part of the table of token embeddings that is read: 2,000 different tokens, and the 64 KiB that the kernel maps
/// around each.
constexpr std::uint64_t kEmbeddingBytes = std::uint64_t{125} << 20;
/// The tokenizer's tables and the memory of reading them, in bytes per byte of its file. Measured with Llama 3's.
constexpr std::uint64_t kTokenizerFactor = 7;
/// The number of prepared images: four that wait, one that is prepared, one that is computed.
constexpr std::int64_t kImagesAhead = 6;

/// The bytes of an element of a GEMM's activations.
std::int64_t input_bytes(nn::Precision precision, tensor::WeightFormat format);

/// The bytes for each element of a quantised matrix that is decoded.
std::int64_t decoded_bytes(nn::Precision precision);

/// The bytes for each element of a matrix that is copied into another type; 0 when it is used without a copy.
std::int64_t copied_bytes(nn::Precision precision, tensor::WeightFormat format, tensor::DType stored);

/// The two halves of a block use the same memory one after the other, so the larger one counts.
std::int64_t block_bytes(std::int64_t rows, std::int64_t attention_floats, std::int64_t attention_inputs,
                         std::int64_t mlp_floats, std::int64_t mlp_inputs, std::int64_t input);

// The same on a GPU.

/// The memory of CUDA, the library's workspace, and the plans and lists of each call. Measured.
constexpr std::uint64_t kDeviceWorkspace = std::uint64_t{600} << 20;

/// The bytes for each element of a matrix in addition to the stored ones.
std::int64_t copied_bytes_on_device(nn::Precision precision, const embed::StoredWeights& stored);

/// The bytes of an element of the activations.
std::int64_t activation_bytes_on_device(nn::Precision precision);

/// The memory of ClipBlock::forward for R rows of width V and an MLP of width M: the stream and h, and either qkv and
/// mixed or the two of the MLP.
std::int64_t tower_bytes_on_device(std::int64_t R, std::int64_t V, std::int64_t M, std::int64_t type);

}  // namespace e5v::families
