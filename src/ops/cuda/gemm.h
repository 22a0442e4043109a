#pragma once
#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>

namespace e5v::ops::cuda {

/// A row-major matrix in a product, [rows, columns] in memory, with `stride` elements from row to row.
struct Factor {
  const void* data = nullptr;
  cudaDataType type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0, stride = 0;
  bool transposed = false;
};

/// y = alpha op(a) op(b) + beta y + bias.
struct Product {
  Factor a, b;  ///< op(a) [M, K], op(b) [K, N]
  void* y = nullptr;
  cudaDataType y_type = CUDA_R_32F;
  std::int64_t y_stride = 0;
  float alpha = 1, beta = 0;
  const void* bias = nullptr;  ///< [N] of y's type (bf16 with fp8 factors), or null
  /// With fp8 factors, an element of a row of a, or of b^T, is its value times the row's scale. f32 [M], [N].
  const float* a_scales = nullptr;
  const float* b_scales = nullptr;

  std::int64_t rows() const { return a.transposed ? a.columns : a.rows; }     ///< M
  std::int64_t inner() const { return a.transposed ? a.rows : a.columns; }    ///< K
  std::int64_t columns() const { return b.transposed ? b.rows : b.columns; }  ///< N
};

/// cuBLASLt on one stream. The algorithm for shapes of about the same size is asked for once.
class Gemm {
 public:
  explicit Gemm(cudaStream_t stream);
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;
  ~Gemm();

  /// Whether there is a kernel for a product.
  bool can_run(const Product& product);
  /// Puts a product on the stream. Factors are both f32, bf16 or fp8 (e4m3; a plain, b transposed), or i8 with sums in
  /// i32. Throws DeviceError when the library has no kernel for it.
  void run(const Product& product);

 private:
  using Key = std::array<std::int64_t, 18>;
  struct Described;
  static Key key_of(const Product& product);
  std::optional<cublasLtMatmulAlgo_t> best_for(const Product& product, const Described& described) const;
  bool suits(const cublasLtMatmulAlgo_t& algorithm, const Described& described) const;
  std::optional<cublasLtMatmulAlgo_t> algorithm_for(const Product& product, const Described& described);

  cudaStream_t stream_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  std::map<Key, std::optional<cublasLtMatmulAlgo_t>> algorithms_;  // nothing when there is no kernel
};

}  // namespace e5v::ops::cuda
