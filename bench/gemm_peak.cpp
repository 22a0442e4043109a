// Legend: M rows, K inputs, N outputs.
#include "gemm_peak.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <unordered_map>
#include <vector>

#include "base/parallel.h"
#include "ops/rows.h"
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
  switch (type) {
    case DType::f32: std::ranges::fill(result.as<float>(), 0.01f); break;
    case DType::i8: std::ranges::fill(result.as<std::int8_t>(), std::int8_t{1}); break;
    default: std::ranges::fill(result.as<tensor::BFloat16>(), tensor::BFloat16(0.01f));
  }
  return result;
}

memory::data_type dnnl_type(DType type) {
  switch (type) {
    case DType::f32: return memory::data_type::f32;
    case DType::i8: return memory::data_type::s8;
    default: return memory::data_type::bf16;
  }
}

DType operand_type(ops::Arithmetic arithmetic) {
  switch (arithmetic) {
    case ops::Arithmetic::bf16: return DType::bf16;
    case ops::Arithmetic::int8: return DType::i8;
    case ops::Arithmetic::fp8:
    case ops::Arithmetic::f32: break;
  }
  return DType::f32;
}

}  // namespace

/// One way to multiply, ready to run again and again.
struct GemmPeak::Candidate {
  enum class Way { plain, packed };

  Candidate(Way chosen, DType input, const Gemm& size)
      : way(chosen),
        gemm(size),
        x(filled(input, {size.M, size.K})),
        w(filled(input, {size.N, size.K})),
        y(DType::f32, {size.M, size.N}) {
    if (way == Way::packed) pack(dnnl_type(input));
    if (way == Way::plain) kernel = input == DType::i8 ? "gemm_s8s8s32" : "sgemm";
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
    } else if (x.dtype() == DType::i8) {
      const std::int32_t offset = 0;
      dnnl_gemm_s8s8s32('N', 'T', 'F', gemm.M, gemm.N, gemm.K, 1, x.as<std::int8_t>().data(), gemm.K, 0,
                        w.as<std::int8_t>().data(), gemm.K, 0, 0, reinterpret_cast<std::int32_t*>(y.data()), gemm.N,
                        &offset);
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
  std::string kernel;
};

/// A product on the GPU of random numbers: zeros and the like would take less power, and so run at higher clocks.
struct GemmPeak::DeviceCandidate {
  DeviceCandidate(ops::Arithmetic arithmetic, const Gemm& size)
      : gemm(size),
        x(random(size.M, size.K, ops::input_dtype(arithmetic))),
        w(random(size.N, size.K, ops::input_dtype(arithmetic))),
        weight(std::array{tensor::StoredMatrix(w.view())}, arithmetic),
        y(weight.result_dtype(), {size.M, size.N}, tensor::Place::device) {}

  static Tensor random(std::int64_t rows, std::int64_t columns, DType type) {
    const Tensor wide(DType::f32, {rows, columns});
    std::mt19937 engine(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& value : wide.as<float>()) value = uniform(engine);
    const Tensor there = copied(wide.view(), tensor::Place::device);
    Tensor result(type, {rows, columns}, tensor::Place::device);
    ops::convert(matrix_of(there), matrix_of(result));
    return result;
  }

  double run() const {
    constexpr int kRuns = 10;
    tensor::device().synchronize();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRuns; ++i) ops::matmul(matrix_of(x), weight, {}, matrix_of(y));
    tensor::device().synchronize();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return 2e-9 * kRuns * static_cast<double>(gemm.M) * static_cast<double>(gemm.K) * static_cast<double>(gemm.N) /
           seconds;
  }

  Gemm gemm;
  Tensor x, w;
  ops::Weight weight;
  Tensor y;
};

GemmPeak::GemmPeak(ops::Arithmetic arithmetic, bool quick, tensor::Place place) {
  place == tensor::Place::host ? choose(arithmetic, quick) : choose_on_device(arithmetic, quick);
}

void GemmPeak::choose_on_device(ops::Arithmetic arithmetic, bool quick) {
  const auto shapes = quick ? std::vector<Gemm>{{512, 512, 512}}
                            : std::vector<Gemm>{{8192, 8192, 8192}, {16384, 4096, 14336}, {16384, 4096, 4096}};
  for (const Gemm& shape : shapes) {
    auto candidate = std::make_unique<DeviceCandidate>(arithmetic, shape);
    candidate->run();
    const double speed = std::max(candidate->run(), candidate->run());
    if (speed <= best_) continue;
    best_ = speed;
    on_device_ = std::move(candidate);
  }
  const Gemm& g = on_device_->gemm;
  description_ = fmt::format("{}, {} x {} x {}", on_device_->weight.kernel(), g.M, g.K, g.N);
}

void GemmPeak::choose(ops::Arithmetic arithmetic, bool quick) {
  using Way = Candidate::Way;
  const std::vector<Way> ways =
      arithmetic == ops::Arithmetic::bf16 ? std::vector{Way::packed} : std::vector{Way::plain, Way::packed};
  const auto shapes =
      quick ? std::vector<Gemm>(kQuick.begin(), kQuick.end()) : std::vector<Gemm>(kLlama3.begin(), kLlama3.end());
  for (const Way way : ways) {
    for (const Gemm& shape : shapes) {
      auto candidate = std::make_unique<Candidate>(way, operand_type(arithmetic), shape);
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
  const double speed = on_device_ ? on_device_->run() : candidate_->run();
  best_ = std::max(best_, speed);
  return speed;
}

}  // namespace e5v::bench
