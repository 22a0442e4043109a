// Single operations with Llama-3-8B's sizes. Each reports FLOP/s or bytes/s. "quick" ones only show that the code runs.
// Legend: T rows, D model width, K inputs, N outputs, H heads, E head width.
#include <benchmark/benchmark.h>

#include <span>
#include <string>

#include "model/synthetic.h"
#include "nn/linear.h"
#include "ops/activation.h"
#include "ops/attention.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace e5v::bench {
namespace {

using benchmark::Counter;
using benchmark::State;
using tensor::DType;
using tensor::Tensor;

tensor::Arena arena;  // for all measurements

Tensor random(DType type, const tensor::Shape& shape) {
  Tensor result(type, shape);
  const model::SyntheticTensor plan{{"bench", type, shape}, 0, 0.1f};
  fill_synthetic(plan, 1, 0, {result.data(), static_cast<std::size_t>(result.elements() * size_of(type))});
  return result;
}

void report(State& state, const char* unit, double amount) {
  state.counters[unit] = Counter(amount, Counter::kIsIterationInvariantRate, Counter::kIs1000);
}

void linear(State& state, nn::Precision precision, DType stored) {
  const std::int64_t T = state.range(0), K = state.range(1), N = state.range(2);
  const Tensor w = random(stored, {N, K}), x = random(DType::f32, {T, K}), y(DType::f32, {T, N});
  const nn::Linear layer({w.view()}, precision);
  const Tensor input(layer.input_type(), {T, K});
  ops::convert(matrix_of(x), matrix_of(input));
  for (auto _ : state) layer.forward(arena, matrix_of(input), matrix_of(y));
  report(state, "FLOP", 2 * static_cast<double>(T) * static_cast<double>(K) * static_cast<double>(N));
}

/// The speed does not depend on the integers and scales of a quantised weight.
void linear_quantized(State& state, nn::Precision precision, tensor::WeightFormat format) {
  const std::int64_t T = state.range(0), K = state.range(1), N = state.range(2);
  const bool int8 = format == tensor::WeightFormat::int8;
  const Tensor x = random(DType::f32, {T, K}), y(DType::f32, {T, N}),
               scales = random(DType::f32, {N, int8 ? 1 : K / 64});
  const Tensor values(int8 ? DType::i8 : DType::i32, {N, int8 ? K : K / 8});
  for (std::int64_t i = 0; i < values.elements() * size_of(values.dtype()); ++i) {
    values.data()[i] = static_cast<std::byte>(i * 37 % 251);
  }
  const nn::Linear layer({int8 ? tensor::StoredMatrix::int8(values.view(), scales.view())
                               : tensor::StoredMatrix::int4(values.view(), scales.view(), K)},
                         precision);
  const Tensor input(layer.input_type(), {T, K});
  ops::convert(matrix_of(x), matrix_of(input));
  for (auto _ : state) layer.forward(arena, matrix_of(input), matrix_of(y));
  report(state, "FLOP", 2 * static_cast<double>(T) * static_cast<double>(K) * static_cast<double>(N));
}

void attention(State& state, bool bf16) {
  constexpr std::int64_t E = 128;
  const std::int64_t T = state.range(0), H = state.range(1), KV = state.range(2);
  const Tensor q = random(DType::f32, {T, H * E}), k = random(DType::f32, {T, KV * E}),
               v = random(DType::f32, {T, KV * E});
  const Tensor out(DType::f32, {T, H * E});
  const ops::AttentionPlan plan{{{0, T}}, {{{0, T}, {0}, true}}};
  for (auto _ : state) {
    ops::attention({matrix_of(q), matrix_of(k), matrix_of(v), matrix_of(out), H, KV, 0.088f, bf16}, plan, arena);
  }
  report(state, "FLOP", 2 * static_cast<double>(H * E) * static_cast<double>(T) * static_cast<double>(T + 1));
}

void rms_norm(State& state) {
  const std::int64_t T = state.range(0), D = state.range(1);
  const Tensor x = random(DType::f32, {T, D}), gamma = random(DType::f32, {D}), y(DType::f32, {T, D});
  for (auto _ : state) ops::rms_norm(matrix_of(x), gamma.as<float>(), 1e-5f, matrix_of(y));
  report(state, "bytes", 8 * static_cast<double>(T * D));
}

void swiglu(State& state) {
  const std::int64_t T = state.range(0), F = state.range(1);
  const Tensor x = random(DType::f32, {T, 2 * F}), y(DType::f32, {T, F});
  for (auto _ : state) ops::swiglu(matrix_of(x), matrix_of(y));
  report(state, "bytes", 12 * static_cast<double>(T * F));
}

void quick_gelu(State& state) {
  const std::int64_t T = state.range(0), F = state.range(1);
  const Tensor x = random(DType::f32, {T, F}), y(DType::f32, {T, F});
  for (auto _ : state) ops::quick_gelu(matrix_of(x), matrix_of(y));
  report(state, "bytes", 8 * static_cast<double>(T * F));
}

void widen_bf16(State& state) {
  const std::int64_t T = state.range(0), D = state.range(1);
  const Tensor x = random(DType::bf16, {T, D}), y(DType::f32, {T, D});
  for (auto _ : state) ops::convert(matrix_of(x), matrix_of(y));
  report(state, "bytes", 6 * static_cast<double>(T * D));
}

void synthetic_bf16(State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(random(DType::bf16, {state.range(0), state.range(1)}));
  report(state, "bytes", 2 * static_cast<double>(state.range(0) * state.range(1)));
}

void llama_shapes(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {8, 32, 128, 512, 2048}) b->Args({rows, 4096, 14336});
  b->Args({2885, 1024, 3072})
      ->Args({2885, 1024, 1024})
      ->Args({2885, 1024, 4096})
      ->Args({2885, 4096, 1024})
      ->Args({2048, 4096, 6144});
  b->Args({2048, 4096, 4096})->Args({2048, 14336, 4096})->Unit(benchmark::kMillisecond)->UseRealTime();
}

void small(benchmark::internal::Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMillisecond); }

// A new type is one line here.
BENCHMARK_CAPTURE(linear, f32, nn::Precision::f32, DType::f32)->Apply(llama_shapes);
BENCHMARK_CAPTURE(linear, bf16, nn::Precision::bf16, DType::bf16)->Apply(llama_shapes);
BENCHMARK_CAPTURE(linear_quantized, int8, nn::Precision::int8, tensor::WeightFormat::int8)->Apply(llama_shapes);
BENCHMARK_CAPTURE(linear_quantized, int4, nn::Precision::bf16, tensor::WeightFormat::int4)->Apply(llama_shapes);
BENCHMARK_CAPTURE(linear, quick, nn::Precision::bf16, DType::bf16)->Args({32, 64, 64});
BENCHMARK_CAPTURE(attention, f32, false)->Args({2048, 32, 8})->Args({512, 32, 8})->Apply(small);
BENCHMARK_CAPTURE(attention, f32, false)->Name("attention/quick")->Args({64, 4, 2});
BENCHMARK_CAPTURE(attention, bf16, true)->Args({2048, 32, 8})->Args({512, 32, 8})->Apply(small);
BENCHMARK(rms_norm)->Args({2048, 4096})->Apply(small);
BENCHMARK(swiglu)->Args({2048, 14336})->Apply(small);
BENCHMARK(quick_gelu)->Args({2885, 4096})->Apply(small);
BENCHMARK(widen_bf16)->Args({14336, 4096})->Apply(small);
BENCHMARK(synthetic_bf16)->Args({4096, 4096})->Apply(small);

}  // namespace
}  // namespace e5v::bench
