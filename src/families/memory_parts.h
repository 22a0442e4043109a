#pragma once
#include <cstdint>

#include "embed/stored_weights.h"
#include "nn/precision.h"
#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

/// What the predictions of memory for different models have in common.
namespace e5v::families {

constexpr std::int64_t kFloat = sizeof(float);

/// Program, libraries, generated kernels, decoding of an image: measured on small models, with a margin.
constexpr std::uint64_t kProcessBytes = std::uint64_t{24} << 20;
/// Of the table of token embeddings: 2,000 different tokens, and the 64 KiB that the kernel maps around each.
constexpr std::uint64_t kEmbeddingBytes = std::uint64_t{125} << 20;
/// The tokenizer's tables, and what reading them takes, in bytes per byte of its file: measured on Llama 3's.
constexpr std::uint64_t kTokenizerFactor = 7;
/// Prepared images: four that wait, one being prepared, one being computed.
constexpr std::int64_t kImagesAhead = 6;

/// Bytes of an element of the activations that go into a GEMM.
std::int64_t input_bytes(nn::Precision precision, tensor::WeightFormat format);

/// Bytes for each number of a quantised matrix that is decoded.
std::int64_t decoded_bytes(nn::Precision precision);

/// Bytes for each number of a matrix that is copied into another type; 0 when it is used where it lies.
std::int64_t copied_bytes(nn::Precision precision, tensor::WeightFormat format, tensor::DType stored);

/// The two halves of a block follow each other in the same memory, so the larger counts.
std::int64_t block_bytes(std::int64_t rows, std::int64_t attention_floats, std::int64_t attention_inputs,
                         std::int64_t mlp_floats, std::int64_t mlp_inputs, std::int64_t input);

// The same on a GPU.

/// CUDA's own, the library's workspace, plans and lists that go with each call: measured.
constexpr std::uint64_t kDeviceWorkspace = std::uint64_t{600} << 20;

/// Bytes for each number of a matrix beside what is stored.
std::int64_t copied_bytes_on_device(nn::Precision precision, const embed::StoredWeights& stored);

/// Bytes of an element of the activations.
std::int64_t activation_bytes_on_device(nn::Precision precision);

/// ClipBlock::forward of R rows of width V, with an MLP of M: the stream and h, and qkv and mixed or the MLP's two.
std::int64_t tower_bytes_on_device(std::int64_t R, std::int64_t V, std::int64_t M, std::int64_t type);

}  // namespace e5v::families
