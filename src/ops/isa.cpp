#include "ops/isa.h"

#include <hwy/targets.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "ops/cpu/kernels.h"
#include "ops/cpu/tiles.h"

namespace e5v::ops {
namespace {

/// oneDNN's instruction sets are bit masks. A set includes another one when it has all of its bits.
bool includes(dnnl::cpu_isa whole, dnnl::cpu_isa part) {
  const auto bits = static_cast<unsigned>(part);
  return (static_cast<unsigned>(whole) & bits) == bits;
}

/// Prevents our own loops from using instructions that oneDNN does not use, because of the CPU or of
/// ONEDNN_MAX_CPU_ISA. It is done when the program starts, because Highway chooses at the first call of a loop.
const bool kLoopsFollow = [] {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  std::int64_t disabled = 0;
  if (!includes(isa, dnnl::cpu_isa::avx512_core)) disabled |= HWY_AVX3 | HWY_AVX3_DL;
  if (!includes(isa, dnnl::cpu_isa::avx2)) disabled |= HWY_AVX2;
  hwy::DisableTargets(disabled);
  return disabled != 0;
}();

}  // namespace

std::string instruction_set() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  constexpr std::pair<dnnl::cpu_isa, const char*> kNames[] = {
      {dnnl::cpu_isa::avx512_core_amx, "avx512_core_amx"},
      {dnnl::cpu_isa::avx512_core_bf16, "avx512_core_bf16"},
      {dnnl::cpu_isa::avx512_core_vnni, "avx512_core_vnni"},
      {dnnl::cpu_isa::avx512_core, "avx512_core"},
      {dnnl::cpu_isa::avx2_vnni, "avx2_vnni"},
      {dnnl::cpu_isa::avx2, "avx2"},
      {dnnl::cpu_isa::avx, "avx"},
      {dnnl::cpu_isa::sse41, "sse41"},
  };
  for (const auto& [candidate, name] : kNames) {
    if (includes(isa, candidate)) return name;
  }
  return "x86-64";
}

bool has_native_bf16() {
  static const bool result = includes(dnnl::get_effective_cpu_isa(), dnnl::cpu_isa::avx512_core_bf16);
  return result;
}

bool has_native_int8() {
  static const bool result = includes(dnnl::get_effective_cpu_isa(), dnnl::cpu_isa::avx512_core_vnni);
  return result;
}

bool has_tiles() {
  static const bool result =
      includes(dnnl::get_effective_cpu_isa(), dnnl::cpu_isa::avx512_core_amx) && cpu::request_tiles();
  return result;
}

int vector_bits() { return cpu::vector_bits(); }

}  // namespace e5v::ops
