// cuBLASLt knows column-major matrices: a row-major one is the transpose of a column-major one of the same stride. So
// y = a b is computed as y^T = b^T a^T, and the library's A is our b.
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
      // Sums stay in the tensor cores, which keep about 14 bits of them: less than rounding the factors has taken.
      // Without this they are added up in f32 every 128 numbers, by instructions that take turns with the products.
      set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
    }
    point_to(product);
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { cublasLtMatmulDescDestroy(description); }

  /// The pointers that a description holds: those of one call.
  void point_to(const Product& product) {
    if (product.bias != nullptr) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    if (!is_fp8(product)) return;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, product.b_scales);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, product.a_scales);
  }

  cublasLtMatmulDesc_t description = nullptr;

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    check_lt(cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof value), "attribute");
  }
};

}  // namespace

struct Gemm::Plan {
  explicit Plan(const Product& product)
      : operation(product),
        a(product.a),
        b(product.b),
        y(product.y_type, product.rows(), product.columns(), product.y_stride) {}

  Operation operation;
  Layout a, b, y;
  cublasLtMatmulAlgo_t algorithm{};
};

Gemm::Gemm(cudaStream_t stream) : stream_(stream) {
  check_lt(cublasLtCreate(&handle_), "start");
  check(cudaMalloc(&workspace_, kWorkspaceBytes), "workspace of matrix products");
}

Gemm::~Gemm() {
  plans_.clear();
  cudaFree(workspace_);
  cublasLtDestroy(handle_);
}

const Gemm::Plan* Gemm::plan_for(const Product& p) {
  const Key key{p.a.type,
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
                alignment_of(p.bias),
                0,
                0};
  if (const auto found = plans_.find(key); found != plans_.end()) {
    if (found->second) found->second->operation.point_to(p);
    return found->second.get();
  }
  auto made = std::make_unique<Plan>(p);
  Plan& plan = *made;
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
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(handle_, plan.operation.description, plan.b.layout, plan.a.layout, plan.y.layout,
                                     plan.y.layout, preference, 1, &result, &found);
  if (status != CUBLAS_STATUS_SUCCESS || found == 0) made.reset();
  if (made) plan.algorithm = result.algo;
  return plans_.try_emplace(key, std::move(made)).first->second.get();
}

bool Gemm::can_run(const Product& product) { return plan_for(product) != nullptr; }

void Gemm::run(const Product& product) {
  const Plan* chosen = plan_for(product);
  require<DeviceError>(chosen != nullptr, "[cuda] cuBLASLt has no kernel for a product [{}, {}] [{}, {}]",
                       product.rows(), product.inner(), product.inner(), product.columns());
  const Plan& plan = *chosen;
  const auto alpha = static_cast<std::int32_t>(product.alpha), beta = static_cast<std::int32_t>(product.beta);
  const bool integers = in_integers(product);
  check_lt(
      cublasLtMatmul(handle_, plan.operation.description, integers ? static_cast<const void*>(&alpha) : &product.alpha,
                     product.b.data, plan.b.layout, product.a.data, plan.a.layout,
                     integers ? static_cast<const void*>(&beta) : &product.beta, product.y, plan.y.layout, product.y,
                     plan.y.layout, &plan.algorithm, workspace_, kWorkspaceBytes, stream_),
      "product");
}

}  // namespace e5v::ops::cuda
