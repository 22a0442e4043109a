// Legend: M rows, K inputs, N outputs.
#include "gemm_peak.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <unordered_map>
#include <vector>

#include "base/parallel.h"
#include "clock.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

namespace e5v::bench {
namespace {

using dnnl::memory;
using tensor::DType;
using tensor::Tensor;

struct Gemm {
  std::int64_t M = 0, K = 0, N = 0;

  double flop() const { return 2 * static_cast<double>(M) * static_cast<double>(K) * static_cast<double>(N); }
  std::string text() const { return fmt::format("{} x {} x {}", M, K, N); }
};

constexpr std::array<Gemm, 2> kLlama3{{{2048, 4096, 4096}, {2048, 4096, 14336}}};
constexpr std::array<Gemm, 1> kQuick{{{128, 256, 256}}};
constexpr std::array<Gemm, 2> kCached{{{128, 4096, 64}, {256, 1024, 256}}};

/// Random numbers from -1 to 1, or bytes from -127 to 127. Equal numbers would take less power and allow higher clocks.
Tensor filled(DType type, const tensor::Shape& shape) {
  Tensor result(type, shape);
  std::minstd_rand engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto fill = [&](auto values, float scale) {
    using Value = typename decltype(values)::value_type;
    for (Value& value : values) value = static_cast<Value>(scale * uniform(engine));
  };
  switch (type) {
    case DType::f32: fill(result.as<float>(), 1); break;
    case DType::i8: fill(result.as<std::int8_t>(), 127); break;
    default: fill(result.as<tensor::BFloat16>(), 1);
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

/// A way to multiply that can be run repeatedly.
struct GemmPeak::Candidate {
  virtual ~Candidate() = default;
  virtual double run() = 0;  ///< GFLOP/s
  virtual std::string description() const = 0;
};

/// One product on all threads.
struct GemmPeak::Product : Candidate {
  enum class Way { plain, packed };

  Product(Way chosen, DType input, const Gemm& size)
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

  double run() override {
    const auto begin = Clock::now();
    multiply();
    return 1e-9 * gemm.flop() / seconds_since(begin);
  }

  void multiply() {
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
  }

  std::string description() const override { return fmt::format("{}, {}", kernel, gemm.text()); }

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

/// A product on each thread that fits into its caches, which measures the speed of the instructions.
struct GemmPeak::CachedProducts : Candidate {
  static constexpr int kRuns = 20;

  CachedProducts(DType input, const Gemm& size) {
    const int threads = thread_count();
    set_thread_count(1);  // the library's kernels depend on the number of threads at their creation
    for (int thread = 0; thread < threads; ++thread)
      products.push_back(std::make_unique<Product>(Product::Way::packed, input, size));
    set_thread_count(threads);
  }

  double run() override {
    const auto begin = Clock::now();
    parallel_for(std::ssize(products), 1, [&](std::int64_t thread) {
      for (int i = 0; i < kRuns; ++i) products[static_cast<std::size_t>(thread)]->multiply();
    });
    return 1e-9 * kRuns * static_cast<double>(products.size()) * products[0]->gemm.flop() / seconds_since(begin);
  }

  std::string description() const override { return products[0]->description() + " in each thread's cache"; }

  std::vector<std::unique_ptr<Product>> products;
};

/// A product of random numbers on the GPU. Equal numbers would take less power and allow higher clocks.
struct GemmPeak::DeviceProduct : Candidate {
  DeviceProduct(ops::Arithmetic arithmetic, const Gemm& size)
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

  double run() override {
    constexpr int kRuns = 10;
    tensor::device().synchronize();
    const auto begin = Clock::now();
    for (int i = 0; i < kRuns; ++i) ops::matmul(matrix_of(x), weight, {}, matrix_of(y));
    tensor::device().synchronize();
    return 1e-9 * kRuns * gemm.flop() / seconds_since(begin);
  }

  std::string description() const override { return fmt::format("{}, {}", weight.kernel(), gemm.text()); }

  Gemm gemm;
  Tensor x, w;
  ops::Weight weight;
  Tensor y;
};

GemmPeak::GemmPeak(ops::Arithmetic arithmetic, bool quick, tensor::Place place) {
  place == tensor::Place::host ? choose(arithmetic, quick) : choose_on_device(arithmetic, quick);
}

void GemmPeak::consider(std::unique_ptr<Candidate> candidate) {
  candidate->run();  // the first run creates the kernel and touches the memory
  const double speed = std::max(candidate->run(), candidate->run());
  if (speed <= best_) return;
  best_ = speed;
  candidate_ = std::move(candidate);
  description_ = candidate_->description();
}

void GemmPeak::choose_on_device(ops::Arithmetic arithmetic, bool quick) {
  const auto shapes = quick ? std::vector<Gemm>{{512, 512, 512}}
                            : std::vector<Gemm>{{8192, 8192, 8192}, {16384, 4096, 14336}, {16384, 4096, 4096}};
  for (const Gemm& shape : shapes) consider(std::make_unique<DeviceProduct>(arithmetic, shape));
}

void GemmPeak::choose(ops::Arithmetic arithmetic, bool quick) {
  using Way = Product::Way;
  const DType type = operand_type(arithmetic);
  const auto shapes =
      quick ? std::vector<Gemm>(kQuick.begin(), kQuick.end()) : std::vector<Gemm>(kLlama3.begin(), kLlama3.end());
  for (const Gemm& shape : shapes) {
    if (arithmetic != ops::Arithmetic::bf16) consider(std::make_unique<Product>(Way::plain, type, shape));
    consider(std::make_unique<Product>(Way::packed, type, shape));
  }
  for (const Gemm& shape : kCached) consider(std::make_unique<CachedProducts>(type, shape));
}

GemmPeak::~GemmPeak() = default;

double GemmPeak::measure() {
  const double speed = candidate_->run();
  best_ = std::max(best_, speed);
  return speed;
}

}  // namespace e5v::bench
