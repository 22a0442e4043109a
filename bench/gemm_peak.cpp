// Legend: M rows, K inputs, N outputs.
#include "gemm_peak.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "base/parallel.h"
#include "tensor/tensor.h"

namespace e5v::bench {
namespace {

using dnnl::memory;
using tensor::DType;
using tensor::Tensor;

struct Gemm {
  std::int64_t M = 0, K = 0, N = 0;
};

constexpr std::array<Gemm, 2> kLlama3{{{2048, 4096, 4096}, {2048, 4096, 14336}}};
constexpr std::array<Gemm, 1> kQuick{{{128, 256, 256}}};

/// Small numbers everywhere, so that nothing is denormal.
Tensor filled(DType type, const tensor::Shape& shape) {
  Tensor result(type, shape);
  if (type == DType::f32) {
    for (float& value : result.as<float>()) value = 0.01f;
  } else {
    for (tensor::BFloat16& value : result.as<tensor::BFloat16>()) value = tensor::BFloat16(0.01f);
  }
  return result;
}

}  // namespace

/// One way to multiply, ready to run again and again.
struct GemmPeak::Candidate {
  enum class Way { sgemm, packed };

  Candidate(Way chosen, DType input, const Gemm& size)
      : way(chosen),
        gemm(size),
        x(filled(input, {size.M, size.K})),
        w(filled(input, {size.N, size.K})),
        y(DType::f32, {size.M, size.N}) {
    if (way == Way::packed) pack(input == DType::f32 ? memory::data_type::f32 : memory::data_type::bf16);
  }

  void pack(memory::data_type type) {
    const memory::desc x_desc({gemm.M, gemm.K}, type, memory::format_tag::ab);
    const memory::desc any({gemm.K, gemm.N}, type, memory::format_tag::any);
    const memory::desc y_desc({gemm.M, gemm.N}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(x_desc, any, y_desc), engine);
    kernel = description.impl_info_str();
    memory plain(memory::desc({gemm.K, gemm.N}, type, memory::dims{1, gemm.K}), engine, w.data());
    packed = memory(description.weights_desc(), engine);
    dnnl::reorder(plain, packed).execute(stream, plain, packed);
    stream.wait();
    arguments = {{DNNL_ARG_SRC, memory(x_desc, engine, x.data())},
                 {DNNL_ARG_WEIGHTS, packed},
                 {DNNL_ARG_DST, memory(y_desc, engine, y.data())}};
    primitive = dnnl::matmul(description);
  }

  /// GFLOP/s of one run.
  double run() {
    const auto begin = std::chrono::steady_clock::now();
    if (way == Way::packed) {
      primitive.execute(stream, arguments);
      stream.wait();
    } else {
      dnnl_sgemm('N', 'T', gemm.M, gemm.N, gemm.K, 1, x.as<float>().data(), gemm.K, w.as<float>().data(), gemm.K, 0,
                 y.as<float>().data(), gemm.N);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return 2e-9 * static_cast<double>(gemm.M) * static_cast<double>(gemm.K) * static_cast<double>(gemm.N) / seconds;
  }

  Way way;
  Gemm gemm;
  Tensor x, w, y;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  memory packed;
  dnnl::matmul primitive;
  std::unordered_map<int, memory> arguments;
  std::string kernel = "sgemm";
};

GemmPeak::GemmPeak(ops::Arithmetic arithmetic, bool quick) {
  using Way = Candidate::Way;
  const std::vector<Way> ways =
      arithmetic == ops::Arithmetic::f32 ? std::vector{Way::sgemm, Way::packed} : std::vector{Way::packed};
  const auto shapes =
      quick ? std::vector<Gemm>(kQuick.begin(), kQuick.end()) : std::vector<Gemm>(kLlama3.begin(), kLlama3.end());
  for (const Way way : ways) {
    for (const Gemm& shape : shapes) {
      auto candidate = std::make_unique<Candidate>(way, ops::input_dtype(arithmetic), shape);
      candidate->run();  // the first run makes the kernel and touches the memory
      const double speed = std::max(candidate->run(), candidate->run());
      if (speed <= best_) continue;
      best_ = speed;
      candidate_ = std::move(candidate);
    }
  }
  const Gemm& g = candidate_->gemm;
  description_ = fmt::format("{}, {} x {} x {}", candidate_->kernel, g.M, g.K, g.N);
}

GemmPeak::~GemmPeak() = default;

double GemmPeak::measure() {
  const double speed = candidate_->run();
  best_ = std::max(best_, speed);
  return speed;
}

}  // namespace e5v::bench
