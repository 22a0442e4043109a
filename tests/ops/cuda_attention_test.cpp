// The GPU's attention against its naive twin, and its gradients against the CPU's.
#include "ops/attention.h"
#include "ops/cuda.h"
#include "ops/forest.h"

namespace e5v::ops::test {
namespace {

struct Heads {
  std::int64_t heads, kv_heads, width;
};

class CudaAttention : public Cuda, public testing::WithParamInterface<Heads> {
 protected:
  void expect_equal(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys) const {
    const auto [heads, kv_heads, width] = GetParam();
    const std::int64_t HE = heads * width, KE = kv_heads * width;
    const RandomMatrix q(queries, HE, 1), kv(keys, 2 * KE, 2);
    const float scale = 1 / std::sqrt(static_cast<float>(width));
    for (const DType type : {DType::f32, DType::bf16}) {
      const reference::Matrix exact_q = rounded(q, type), exact_kv = rounded(kv, type);
      reference::Matrix k(keys, KE), v(keys, KE);
      for (std::int64_t r = 0; r < keys; ++r) {
        for (std::int64_t c = 0; c < KE; ++c) k.at(r, c) = exact_kv.at(r, c), v.at(r, c) = exact_kv.at(r, KE + c);
      }
      const auto expected = reference::attention(exact_q, k, v, heads, kv_heads, scale, plan);
      const Tensor gq = on_gpu(q, type), gkv = on_gpu(kv, type);
      const ConstMatrix keys_values = matrix_of(gkv);
      for (const DType out_type : {DType::f32, DType::bf16}) {
        const Tensor out = empty(queries, HE, out_type);
        if (out_type == DType::f32) fill(matrix_of(out), 0);
        tensor::Arena arena(Place::device);
        attention({matrix_of(gq), keys_values.column_range(0, KE), keys_values.column_range(KE, KE), matrix_of(out),
                   heads, kv_heads, scale, type == DType::bf16},
                  plan, arena);
        EXPECT_LT(difference(out, expected), type == DType::f32 && out_type == DType::f32 ? 1e-5 : 0.03)
            << heads << " " << kv_heads << " " << width << " " << name_of(type) << " to " << name_of(out_type) << ", "
            << queries << " queries";
      }
    }
  }

  /// The CPU's gradients have been compared with finite differences.
  void expect_gradients(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys) const {
    const auto [heads, kv_heads, width] = GetParam();
    const std::int64_t HE = heads * width, KE = kv_heads * width;
    const RandomMatrix q(queries, HE, 1), k(keys, KE, 2), v(keys, KE, 3), dout(queries, HE, 4);
    const float scale = 1 / std::sqrt(static_cast<float>(width));
    for (const DType type : {DType::f32, DType::bf16}) {
      const Tensor gq = on_gpu(q, type), gk = on_gpu(k, type), gv = on_gpu(v, type), gdout = on_gpu(dout);
      const Tensor fq = on_host(widened(gq.view())), fk = on_host(widened(gk.view())), fv = on_host(widened(gv.view()));
      GradientSum dq(queries, HE), dk(keys, KE), dv(keys, KE);
      attention_backward({matrix_of(fq), matrix_of(fk), matrix_of(fv), dout.matrix(), dq.matrix(), dk.matrix(),
                          dv.matrix(), heads, kv_heads, scale},
                         plan);
      const Tensor gdq = ones(queries, HE), gdk = ones(keys, KE), gdv = ones(keys, KE);
      attention_backward({matrix_of(gq), matrix_of(gk), matrix_of(gv), matrix_of(gdout), matrix_of(gdq), matrix_of(gdk),
                          matrix_of(gdv), heads, kv_heads, scale},
                         plan);
      const double bound = type == DType::f32 ? 1e-4 : 0.08;
      EXPECT_LT(difference(gdq, dq.tensor), bound) << width << " " << name_of(type) << " " << queries;
      EXPECT_LT(difference(gdk, dk.tensor), bound) << width << " " << name_of(type) << " " << queries;
      EXPECT_LT(difference(gdv, dv.tensor), bound) << width << " " << name_of(type) << " " << queries;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, CudaAttention,
                         testing::Values(Heads{8, 2, 16}, Heads{4, 4, 64}, Heads{8, 2, 64}, Heads{4, 1, 128},
                                         Heads{8, 2, 128}, Heads{2, 2, 80}, Heads{3, 3, 20}, Heads{1, 1, 2},
                                         Heads{6, 2, 32}));

TEST_P(CudaAttention, EqualsItsTwin) {
  for (const std::int64_t length : {1, 2, 15, 17, 63, 64, 65, 200}) {
    expect_equal({{{0, length}}, {{{0, length}, {0}, true}}}, length, length);
  }
  expect_equal({{{0, 50}, {50, 77}}, {{{0, 50}, {0}, false}, {{50, 77}, {1}, false}}}, 127, 127);
  expect_equal({{{0, 577}}, {{{0, 577}, {0}, false}}}, 577, 577);
  expect_equal(forest(), 355, 355);
  // Query rows in a matrix of their own: the last one of one node, the last three of another.
  expect_equal({{{0, 40}, {40, 25}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 65);
}

TEST_P(CudaAttention, GradientsEqualTheCpus) {
  for (const std::int64_t length : {1, 17, 64, 130}) {
    expect_gradients({{{0, length}}, {{{0, length}, {0}, true}}}, length, length);
  }
  expect_gradients({{{0, 50}, {50, 77}}, {{{0, 50}, {0}, false}, {{50, 77}, {1}, false}}}, 127, 127);
  expect_gradients(forest(), 355, 355);
  expect_gradients({{{0, 40}, {40, 25}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 65);
}

TEST_F(Cuda, LargeScoresStayFinite) {
  for (const DType type : {DType::f32, DType::bf16}) {
    const RandomMatrix q(70, 64, 1, 60), k(70, 64, 2, 60), v(70, 64, 3);
    const AttentionPlan plan{{{0, 70}}, {{{0, 70}, {0}, true}}};
    const Tensor gq = on_gpu(q, type), gk = on_gpu(k, type), gv = on_gpu(v, type), out = empty(70, 64);
    tensor::Arena arena(Place::device);
    attention({matrix_of(gq), matrix_of(gk), matrix_of(gv), matrix_of(out), 1, 1, 1.0f, type == DType::bf16}, plan,
              arena);
    const auto expected = reference::attention(rounded(q, type), rounded(k, type), rounded(v, type), 1, 1, 1, plan);
    EXPECT_LT(difference(out, expected), type == DType::f32 ? 2e-3 : 0.03);
  }
}

}  // namespace
}  // namespace e5v::ops::test
