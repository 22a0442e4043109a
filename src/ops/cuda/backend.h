#pragma once
#include <cuda_runtime_api.h>

#include <memory>
#include <string>

#include "ops/backend.h"
#include "ops/cuda/gemm.h"
#include "ops/cuda/kernels.h"

namespace e5v::ops::cuda {

/// A GPU. All work goes to one stream.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int index);

  std::string name() const override { return name_; }
  std::size_t total_bytes() const override;
  std::size_t free_bytes() const override;
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory, std::size_t bytes) noexcept override;
  void copy(const std::byte* from, tensor::Place from_place, std::byte* to, tensor::Place to_place,
            std::size_t bytes) override;
  void copy_rows(const std::byte* from, tensor::Place from_place, std::byte* to, tensor::Place to_place,
                 const Rows& rows) override;
  void synchronize() override;
  void use_on_this_thread() override;

  void rms_norm(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y) override;
  void rms_norm_fp8(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y, FineRows fine,
                    const Fp8Rows& rounded) override;
  void layer_norm(tensor::ConstMatrix x, const float* gamma, const float* beta, float eps, tensor::Matrix y) override;
  void l2_normalize(tensor::ConstMatrix x, tensor::Matrix y) override;
  void rms_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                         tensor::Matrix dx, float* dgamma) override;
  void layer_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                           tensor::Matrix dx, float* dgamma, float* dbeta) override;
  void pointwise(Pointwise function, tensor::ConstMatrix x, tensor::Matrix y) override;
  void pointwise_backward(Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy,
                          tensor::Matrix dx) override;
  void swiglu(tensor::ConstMatrix gate_up, tensor::Matrix y) override;
  void swiglu_fp8(tensor::ConstMatrix gate_up, tensor::Matrix y, FineRows fine, const Fp8Rows& rounded) override;
  void swiglu_backward(tensor::ConstMatrix gate_up, tensor::ConstMatrix dy, tensor::Matrix dgate_up, bool add) override;
  void rotary(tensor::Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table,
              float direction) override;
  void attention(const AttentionArguments& arguments, const AttentionPlan& plan) override;
  void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan) override;
  void dropout(tensor::ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names, tensor::Matrix y,
               bool add) override;
  void convert(tensor::ConstMatrix x, float scale, tensor::Matrix y) override;
  void gather_rows(tensor::ConstMatrix table, std::span<const std::int32_t> indices, tensor::Matrix y) override;
  void move_rows(tensor::ConstMatrix x, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
                 tensor::Matrix y, bool add) override;
  void add_column_sums(tensor::ConstMatrix x, float* sums) override;
  void add(tensor::ConstMatrix x, tensor::Matrix y) override;
  void fill(tensor::Matrix y, float value) override;
  void unfold_patches(std::span<const std::uint8_t> tiles, std::int64_t edge, std::int64_t patch,
                      std::span<const std::array<float, 256>, 3> table, tensor::Matrix y) override;
  void place_patches(tensor::ConstMatrix patches, const float* class_token, tensor::ConstMatrix positions,
                     tensor::Matrix y) override;

  std::unique_ptr<WeightForm> prepare(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) override;
  void weight_gradient(tensor::ConstMatrix dy, tensor::ConstMatrix x, float scale, tensor::Matrix dw) override;
  void multiply(tensor::ConstMatrix x, tensor::ConstMatrix w, float scale, tensor::Matrix y, bool add) override;
  void multiply_backward(tensor::ConstMatrix dy, tensor::ConstMatrix w, float scale, tensor::Matrix dx,
                         bool add) override;

  void adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
             std::int64_t count) override;
  double square_sum(std::span<const std::span<const float>> lists) override;
  void scale(float* x, std::int64_t count, float factor) override;

 private:
  struct MemoryInfo {
    std::size_t free = 0, total = 0;
  };
  MemoryInfo memory_info() const;
  void add_repeated_rows(tensor::ConstMatrix x, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
                         tensor::Matrix y);

  int index_;
  std::string name_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<Gemm> gemm_;
};

/// A matrix on the GPU as a view for kernels. Throws InvalidInput for types that they do not support.
View view_of(tensor::ConstMatrix matrix);
Fp8View view_of(const Fp8Rows& rows);

}  // namespace e5v::ops::cuda
