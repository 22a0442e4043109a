#pragma once

// Marks a function that is also compiled for AVX2. The loader chooses the version when the program starts. Not under a
// sanitizer, because its run-time library is not ready that early, and not with clang, because its clones differ.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define E5V_AVX2_CLONE __attribute__((target_clones("avx2", "default")))
#else
#define E5V_AVX2_CLONE
#endif
