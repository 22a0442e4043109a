#pragma once
// The instructions of attention's tiles. Addresses of shared memory have 32 bits.
#include <cuda_bf16.h>

#include <cstdint>

namespace e5v::ops::cuda {

/// Four 8 x 8 matrices of bf16 in a warp. Of each, lane l holds row l / 4, columns 2 (l % 4) and the next one.
struct Fragment {
  std::uint32_t matrix[4];
};

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// Starts to copy 16 bytes. With bytes == 0 it writes zeros and reads nothing.
__device__ __forceinline__ void cp_async16(std::uint32_t to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}

/// Starts to copy 4 bytes.
__device__ __forceinline__ void cp_async4(std::uint32_t to, const void* from) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;\n" ::"r"(to), "l"(from) : "memory");
}

/// Waits for the copies of this thread.
__device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_all;\n" ::: "memory"); }

/// Lanes 8i to 8i + 7 give the addresses of the rows of matrix i.
__device__ __forceinline__ Fragment ldmatrix(std::uint32_t address) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(f.matrix[0]), "=r"(f.matrix[1]), "=r"(f.matrix[2]), "=r"(f.matrix[3])
               : "r"(address)
               : "memory");
  return f;
}

/// Like ldmatrix, with each matrix transposed.
__device__ __forceinline__ Fragment ldmatrix_transposed(std::uint32_t address) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(f.matrix[0]), "=r"(f.matrix[1]), "=r"(f.matrix[2]), "=r"(f.matrix[3])
               : "r"(address)
               : "memory");
  return f;
}

/// c [16, 8] += a [16, 16] b [16, 8], or = if fresh. Lane l holds, of c, row l / 4, columns 2 (l % 4) and the next one,
/// and the same of row l / 4 + 8. Of a it holds the matrices of rows 0, 8, 0, 8 and columns 0, 0, 8, 8, and of b,
/// transposed, those of columns 0 and 8.
__device__ __forceinline__ void mma(float (&c)[4], const Fragment& a, std::uint32_t b0, std::uint32_t b1,
                                    bool fresh = false) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %11, %12, %13};\n"
      : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
      : "r"(a.matrix[0]), "r"(a.matrix[1]), "r"(a.matrix[2]), "r"(a.matrix[3]), "r"(b0), "r"(b1),
        "f"(fresh ? 0.0f : c[0]), "f"(fresh ? 0.0f : c[1]), "f"(fresh ? 0.0f : c[2]), "f"(fresh ? 0.0f : c[3]));
}

/// Two numbers as bf16, the first one in the lower half.
__device__ __forceinline__ std::uint32_t pack_bf16(float first, float second) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

/// 2^x in one instruction, within 2 ulp; 0 for -infinity.
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace e5v::ops::cuda
