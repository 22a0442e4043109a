#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace e5v::ops::cuda {

/// Throws DeviceError with CUDA's words for any status except success.
inline void check(cudaError_t status, const char* what) {
  require<DeviceError>(status == cudaSuccess, "[cuda] {}: {}", what, cudaGetErrorString(status));
}

inline std::size_t float_bytes(std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(float); }

/// Memory for the work that is put on a stream while the object exists. It is taken and freed in the stream's order,
/// from a pool that keeps it.
class Temporary {
 public:
  Temporary(std::size_t bytes, cudaStream_t stream) : stream_(stream) {
    if (bytes > 0) check(cudaMallocAsync(&data_, bytes, stream), "temporary memory");
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  cudaStream_t stream_;
  void* data_ = nullptr;
};

/// A copy of host values for the work that is put on a stream while the object exists. The values may be changed at
/// once, because CUDA has copied pageable memory when the call returns.
template <class T>
class Uploaded {
 public:
  Uploaded(std::span<const T> values, cudaStream_t stream) : memory_(values.size_bytes(), stream) {
    if (values.empty()) return;
    check(cudaMemcpyAsync(memory_.as<T>(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice, stream),
          "copy to the GPU");
  }

  const T* data() const { return memory_.as<const T>(); }

 private:
  Temporary memory_;
};

}  // namespace e5v::ops::cuda
