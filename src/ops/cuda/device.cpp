// Opens the GPU and manages its memory.
#include <cuda_runtime_api.h>

#include "ops/cuda/backend.h"
#include "ops/cuda/memory.h"
#include "ops/cuda/module.h"

namespace e5v::ops::cuda {
namespace {

using tensor::Place;

constexpr double kMiB = 1 << 20;

/// Small pieces are allocated and freed in every step of a training, and would make the host wait each time. Large ones
/// would leave gaps in the pool.
bool is_pooled(std::size_t bytes) { return bytes <= std::size_t{4} << 20; }

cudaMemcpyKind kind_of(Place from, Place to) {
  if (from == Place::host) return to == Place::host ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice;
  return to == Place::host ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice;
}

}  // namespace

CudaBackend::CudaBackend(int index) : index_(index) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  require<DeviceError>(status == cudaSuccess && count > 0, "[cuda] there is no GPU: {}", cudaGetErrorString(status));
  require<DeviceError>(index < count, "[cuda] there is no GPU {}, only {} of them", index, count);
  check(cudaSetDevice(index), "choice of the GPU");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "properties of the GPU");
  require<DeviceError>(properties.major >= 8,
                       "[cuda] GPU {} ({}) is of compute capability {}.{}, expected 8.0 or newer", index,
                       properties.name, properties.major, properties.minor);
  name_ = fmt::format("cuda:{} ({})", index, properties.name);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, index), "memory pool");
  std::uint64_t keep = std::uint64_t{1} << 62;  // freed temporary memory stays in the pool
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "memory pool");
  gemm_ = std::make_unique<Gemm>(stream_);
}

void CudaBackend::use_on_this_thread() { check(cudaSetDevice(index_), "choice of the GPU"); }

std::size_t CudaBackend::total_bytes() const { return memory_info().total; }

std::size_t CudaBackend::free_bytes() const { return memory_info().free; }

CudaBackend::MemoryInfo CudaBackend::memory_info() const {
  MemoryInfo info;
  check(cudaSetDevice(index_), "choice of the GPU");  // any thread may ask
  check(cudaMemGetInfo(&info.free, &info.total), "memory");
  return info;
}

std::byte* CudaBackend::allocate(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = is_pooled(bytes) ? cudaMallocAsync(&memory, bytes, stream_) : cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error, which would be reported again
    fail<DeviceError>(
        "[cuda] {} has {:.0f} MiB free of {:.0f}, {:.0f} more are needed: a smaller option token_budget, or "
        "quantised weights, take less memory",
        name_, static_cast<double>(free_bytes()) / kMiB, static_cast<double>(total_bytes()) / kMiB,
        static_cast<double>(bytes) / kMiB);
  }
  check(status, "memory");
  return static_cast<std::byte*>(memory);
}

void CudaBackend::release(std::byte* memory, std::size_t bytes) noexcept {
  if (is_pooled(bytes))
    cudaFreeAsync(memory, stream_);
  else
    cudaFree(memory);
}

void CudaBackend::copy(const std::byte* from, Place from_place, std::byte* to, Place to_place, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, kind_of(from_place, to_place), stream_), "copy");
  if (from_place == Place::host || to_place == Place::host) check(cudaStreamSynchronize(stream_), "copy");
}

void CudaBackend::copy_rows(const std::byte* from, Place from_place, std::byte* to, Place to_place, const Rows& rows) {
  check(cudaMemcpy2DAsync(to, rows.to_stride, from, rows.from_stride, rows.bytes, rows.rows,
                          kind_of(from_place, to_place), stream_),
        "copy");
  if (from_place == Place::host || to_place == Place::host) check(cudaStreamSynchronize(stream_), "copy");
}

void CudaBackend::synchronize() { check(cudaStreamSynchronize(stream_), "work"); }

}  // namespace e5v::ops::cuda

/// The function that kOpenBackend names. The module has its own copy of the layers below it, so they must be given the
/// GPU, too. The GPU is never closed, because static objects may free memory at any time when the process ends.
extern "C" E5V_EXPORT e5v::tensor::Device* e5v_open_cuda_1(int index) {
  auto* backend = new e5v::ops::cuda::CudaBackend(index);
  e5v::tensor::set_device(*backend);
  return backend;
}
