#pragma once
#include <string>

namespace e5v::ops {

/// The widest instruction set that e5v's loops and oneDNN use here: "avx2", "avx512_core", "avx512_core_bf16", ... The
/// environment variable ONEDNN_MAX_CPU_ISA limits both.
std::string instruction_set();

/// True when the CPU multiplies bf16 matrices in hardware, so that bf16 GEMMs are faster than f32 ones.
bool has_native_bf16();

/// True when the CPU has 8-bit dot products that oneDNN's GEMM uses (AVX512-VNNI).
bool has_native_int8();

/// True when the CPU multiplies tiles of bf16 and of bytes (AMX), and the system lets this process use them.
bool has_tiles();

/// The width in bits of the vectors in e5v's own loops.
int vector_bits();

}  // namespace e5v::ops
