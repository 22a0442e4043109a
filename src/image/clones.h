#pragma once

// Marks a function whose loops are compiled once more for AVX2; which one runs is settled when the program is loaded.
// Not under a sanitizer, whose run-time library is not ready that early, and not by clang, whose clones differ.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define E5V_AVX2_CLONE __attribute__((target_clones("avx2", "default")))
#else
#define E5V_AVX2_CLONE
#endif
