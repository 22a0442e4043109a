// cuBLASLt uses column-major matrices. A row-major matrix is the transpose of a column-major one with the same stride,
// so y = a b is computed as y^T = b^T a^T, and the library's A is our b.
#include "ops/cuda/gemm.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "ops/cuda/memory.h"

namespace e5v::ops::cuda {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;

void check_lt(cublasStatus_t status, const char* what) {
  require<DeviceError>(status == CUBLAS_STATUS_SUCCESS, "[cuda] cuBLASLt, {}: {}", what,
                       cublasLtGetStatusString(status));
}

/// A power of two, at most 256, that divides the address.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  return address == 0 ? 256u : std::min(256u, 1u << std::min(8, std::countr_zero(address)));
}

struct Layout {
  Layout(const Factor& factor) : Layout(factor.type, factor.rows, factor.columns, factor.stride) {}
  Layout(cudaDataType type, std::int64_t rows, std::int64_t columns, std::int64_t stride) {
    check_lt(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(columns),
                                        static_cast<std::uint64_t>(rows), std::max(stride, columns)),
             "layout");
  }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  ~Layout() { cublasLtMatrixLayoutDestroy(layout); }
  cublasLtMatrixLayout_t layout = nullptr;
};

/// `size` or a little more: one of eight sizes for each power of two. The number of tokens differs from batch to batch,
/// and asking for an algorithm takes longer than a small product.
std::int64_t typical_size(std::int64_t size) {
  const auto step = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size))) / 8;
  return step <= 1 ? size : (size + step - 1) / step * step;
}

/// The product that represents all products of about this size. It is always the same, so that bits do not depend on
/// earlier products.
Product typical_of(Product product) {
  for (Factor* factor : {&product.a, &product.b}) {
    factor->rows = typical_size(factor->rows), factor->columns = typical_size(factor->columns);
  }
  return product;
}

bool is_fp8(const Product& product) { return product.a.type == CUDA_R_8F_E4M3; }
bool in_integers(const Product& product) { return product.a.type == CUDA_R_8I; }

class Operation {
 public:
  explicit Operation(const Product& product) {
    const bool integers = in_integers(product);
    check_lt(cublasLtMatmulDescCreate(&description, integers ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F,
                                      integers ? CUDA_R_32I : CUDA_R_32F),
             "description");
    set(CUBLASLT_MATMUL_DESC_TRANSA, product.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, product.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (product.bias != nullptr) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, is_fp8(product) ? CUDA_R_16BF : product.y_type);
    }
    if (is_fp8(product)) {
      set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
      set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
      // Sums stay in the tensor cores, which keep about 14 bits of them; rounding the factors loses more. Without this
      // option they are added in f32 every 128 numbers, by instructions that alternate with the products.
      set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
    }
    if (product.bias != nullptr) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    if (!is_fp8(product)) return;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, product.b_scales);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, product.a_scales);
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { cublasLtMatmulDescDestroy(description); }

  cublasLtMatmulDesc_t description = nullptr;

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    check_lt(cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof value), "attribute");
  }
};

}  // namespace

/// The four descriptions of a product for the library.
struct Gemm::Described {
  explicit Described(const Product& product)
      : operation(product),
        a(product.a),
        b(product.b),
        y(product.y_type, product.rows(), product.columns(), product.y_stride) {}

  Operation operation;
  Layout a, b, y;
};

Gemm::Gemm(cudaStream_t stream) : stream_(stream) {
  check_lt(cublasLtCreate(&handle_), "start");
  check(cudaMalloc(&workspace_, kWorkspaceBytes), "workspace of matrix products");
}

Gemm::~Gemm() {
  cudaFree(workspace_);
  cublasLtDestroy(handle_);
}

/// The properties that the algorithm depends on.
Gemm::Key Gemm::key_of(const Product& p) {
  return {p.a.type,
          p.a.rows,
          p.a.columns,
          p.a.stride,
          p.a.transposed,
          p.b.type,
          p.b.rows,
          p.b.columns,
          p.b.stride,
          p.b.transposed,
          p.y_type,
          p.y_stride,
          p.bias != nullptr,
          p.beta != 0,
          alignment_of(p.a.data),
          alignment_of(p.b.data),
          alignment_of(p.y),
          alignment_of(p.bias)};
}

std::optional<cublasLtMatmulAlgo_t> Gemm::best_for(const Product& p, const Described& described) const {
  cublasLtMatmulPreference_t preference = nullptr;
  check_lt(cublasLtMatmulPreferenceCreate(&preference), "preference");
  const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, cublasStatus_t (*)(cublasLtMatmulPreference_t)> owner(
      preference, cublasLtMatmulPreferenceDestroy);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check_lt(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value), "preference");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.b.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.a.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.y));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.y));
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  const auto& [operation, a, b, y] = described;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle_, operation.description, b.layout, a.layout,
                                                               y.layout, y.layout, preference, 1, &result, &found);
  if (status != CUBLAS_STATUS_SUCCESS || found == 0) return std::nullopt;
  return result.algo;
}

bool Gemm::suits(const cublasLtMatmulAlgo_t& algorithm, const Described& described) const {
  cublasLtMatmulHeuristicResult_t result{};
  const auto& [operation, a, b, y] = described;
  return cublasLtMatmulAlgoCheck(handle_, operation.description, b.layout, a.layout, y.layout, y.layout, &algorithm,
                                 &result) == CUBLAS_STATUS_SUCCESS &&
         result.workspaceSize <= kWorkspaceBytes;
}

std::optional<cublasLtMatmulAlgo_t> Gemm::algorithm_for(const Product& product, const Described& described) {
  const Product typical = typical_of(product);
  const auto [entry, fresh] = algorithms_.try_emplace(key_of(typical));
  if (fresh) entry->second = best_for(typical, Described(typical));
  const bool exact = typical.a.rows == product.a.rows && typical.a.columns == product.a.columns &&
                     typical.b.rows == product.b.rows && typical.b.columns == product.b.columns;
  if (exact || (entry->second && suits(*entry->second, described))) return entry->second;
  return best_for(product, described);
}

bool Gemm::can_run(const Product& product) { return algorithm_for(product, Described(product)).has_value(); }

void Gemm::run(const Product& product) {
  const Described described(product);
  const std::optional<cublasLtMatmulAlgo_t> algorithm = algorithm_for(product, described);
  require<DeviceError>(algorithm.has_value(), "[cuda] cuBLASLt has no kernel for a product [{}, {}] [{}, {}]",
                       product.rows(), product.inner(), product.inner(), product.columns());
  const auto alpha = static_cast<std::int32_t>(product.alpha), beta = static_cast<std::int32_t>(product.beta);
  const bool integers = in_integers(product);
  check_lt(cublasLtMatmul(handle_, described.operation.description,
                          integers ? static_cast<const void*>(&alpha) : &product.alpha, product.b.data,
                          described.b.layout, product.a.data, described.a.layout,
                          integers ? static_cast<const void*>(&beta) : &product.beta, product.y, described.y.layout,
                          product.y, described.y.layout, &*algorithm, workspace_, kWorkspaceBytes, stream_),
           "product");
}

}  // namespace e5v::ops::cuda
