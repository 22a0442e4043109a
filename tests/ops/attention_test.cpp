#include "ops/attention.h"

#include <gmock/gmock.h>

#include "ops/forest.h"
#include "ops/isa.h"
#include "ops/random.h"

namespace e5v::ops::test {
namespace {

struct Case {
  std::int64_t heads, kv_heads, width;
};

/// In f32 and, where this CPU has instructions for it, in bf16.
void expect_equal(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys, const Case& shape) {
  const RandomMatrix q(queries, shape.heads * shape.width, 1), k(keys, shape.kv_heads * shape.width, 2),
      v(keys, shape.kv_heads * shape.width, 3);
  const float scale = 1 / std::sqrt(static_cast<float>(shape.width));
  const auto expected = reference::attention(q.exact, k.exact, v.exact, shape.heads, shape.kv_heads, scale, plan);
  for (const bool bf16 : {false, true}) {
    if (bf16 && !has_native_bf16()) continue;
    for (const tensor::DType type : {tensor::DType::f32, tensor::DType::bf16}) {
      const tensor::Tensor out(type, {queries, shape.heads * shape.width});
      std::fill_n(reinterpret_cast<char*>(out.data()), out.elements() * size_of(type), 0);
      tensor::Arena arena;
      attention({q.matrix(), k.matrix(), v.matrix(), matrix_of(out), shape.heads, shape.kv_heads, scale, bf16}, plan,
                arena);
      EXPECT_LT(max_difference(matrix_of(out), expected), bf16 || type == tensor::DType::bf16 ? 0.02 : 5e-6)
          << shape.heads << " " << shape.kv_heads << " " << shape.width << (bf16 ? " bf16" : " f32");
    }
  }
}

class Attention : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         testing::Values(Case{8, 2, 16}, Case{4, 4, 64}, Case{4, 1, 128}, Case{3, 3, 20},
                                         Case{6, 2, 96}, Case{2, 1, 80}, Case{1, 1, 2}));

TEST_P(Attention, CausalOverOneSequence) {
  for (const std::int64_t length : {1, 2, 15, 16, 17, 100}) {
    expect_equal({{{0, length}}, {{{0, length}, {0}, true}}}, length, length, GetParam());
  }
}

TEST_P(Attention, FullOverSeveralSequences) {
  expect_equal({{{0, 50}, {50, 50}}, {{{0, 50}, {0}, false}, {{50, 50}, {1}, false}}}, 100, 100, GetParam());
}

TEST_P(Attention, ForestWithSharedPrefixes) { expect_equal(forest(), 355, 355, GetParam()); }

TEST_P(Attention, LastQueriesOnly) {
  // Query rows stand in a matrix of their own: the last one of one node, the last three of another.
  expect_equal({{{0, 40}, {40, 25}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 65, GetParam());
}

TEST(AttentionLong, KeysBeyondOneBlock) {
  expect_equal({{{0, 1500}}, {{{0, 1500}, {0}, true}}}, 1500, 1500, {2, 1, 32});
}

TEST(AttentionExtremes, LargeScoresStayFinite) {
  RandomMatrix q(4, 16, 1, 100), k(4, 16, 2, 100), v(4, 16, 3);
  const AttentionPlan plan{{{0, 4}}, {{{0, 4}, {0}, true}}};
  const tensor::Tensor out(tensor::DType::f32, {4, 16});
  tensor::Arena arena;
  attention({q.matrix(), k.matrix(), v.matrix(), matrix_of(out), 1, 1, 1.0f}, plan, arena);
  EXPECT_LT(max_difference(matrix_of(out), reference::attention(q.exact, k.exact, v.exact, 1, 1, 1, plan)), 1e-4);
}

TEST(AttentionArgumentsChecks, PlanAndShapes) {
  const RandomMatrix q(4, 16, 1), k(4, 8, 2);
  tensor::Arena arena;
  const auto run = [&](const AttentionPlan& plan, std::int64_t heads, std::int64_t kv_heads) {
    return message_of<InvalidInput>([&] {
      attention({q.matrix(), k.matrix(), k.matrix(), q.matrix(), heads, kv_heads, 1}, plan, arena);
    });
  };
  EXPECT_THAT(run({{{0, 5}}, {}}, 2, 1), testing::HasSubstr("node of rows [0, 5) is outside the 4 key rows"));
  EXPECT_THAT(run({{{0, 4}}, {{{2, 3}, {0}, true}}}, 2, 1), testing::HasSubstr("span of rows [2, 5)"));
  EXPECT_THAT(run({{{0, 4}}, {{{0, 1}, {1}, true}}}, 2, 1), testing::HasSubstr("node 1 of 1"));
  EXPECT_THAT(run({{{0, 2}}, {{{0, 3}, {0}, true}}}, 2, 1), testing::HasSubstr("3 causal queries over 2 keys"));
  EXPECT_THAT(run({}, 3, 2), testing::HasSubstr("3 heads, 2 kv heads"));
  EXPECT_THAT(run({}, 4, 4), testing::HasSubstr("k is [4, 8], expected [4, 16]"));
}

void expect_gradients(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys, const Case& shape) {
  const std::int64_t HE = shape.heads * shape.width, KE = shape.kv_heads * shape.width;
  const RandomMatrix q(queries, HE, 1), k(keys, KE, 2), v(keys, KE, 3), dout(queries, HE, 4);
  GradientSum dq(queries, HE), dk(keys, KE), dv(keys, KE);
  const float scale = 1 / std::sqrt(static_cast<float>(shape.width));
  attention_backward({q.matrix(), k.matrix(), v.matrix(), dout.matrix(), dq.matrix(), dk.matrix(), dv.matrix(),
                      shape.heads, shape.kv_heads, scale},
                     plan);
  const auto twin = [&](const auto& q2, const auto& k2, const auto& v2) {
    return reference::attention(q2, k2, v2, shape.heads, shape.kv_heads, scale, plan);
  };
  const auto by_q = [&](const auto& m) { return twin(m, k.exact, v.exact); };
  const auto by_k = [&](const auto& m) { return twin(q.exact, m, v.exact); };
  const auto by_v = [&](const auto& m) { return twin(q.exact, k.exact, m); };
  EXPECT_LT(dq.difference(numeric_gradient(q.exact, dout.exact, by_q)), 1e-5);
  EXPECT_LT(dk.difference(numeric_gradient(k.exact, dout.exact, by_k)), 1e-5);
  EXPECT_LT(dv.difference(numeric_gradient(v.exact, dout.exact, by_v)), 1e-5);
}

TEST(AttentionBackward, EqualsFiniteDifferences) {
  for (const Case& shape : {Case{4, 2, 4}, Case{2, 2, 5}, Case{3, 1, 2}}) {
    expect_gradients({{{0, 9}}, {{{0, 9}, {0}, true}}}, 9, 9, shape);
    expect_gradients({{{0, 5}, {5, 6}}, {{{0, 5}, {0}, false}, {{5, 6}, {1}, false}}}, 11, 11, shape);
    // A forest: a root with two children, one of which has one of its own.
    expect_gradients(
        {{{0, 4}, {4, 3}, {7, 5}, {12, 2}},
         {{{0, 4}, {0}, true}, {{4, 3}, {0, 1}, true}, {{7, 5}, {0, 2}, true}, {{12, 2}, {0, 2, 3}, true}}},
        14, 14, shape);
    // Query rows of their own: the last one of one node, the last three of another.
    expect_gradients({{{0, 4}, {4, 5}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 9, shape);
  }
}

TEST(AttentionBackward, SeveralBlocksOfQueries) {
  expect_gradients({{{0, 60}}, {{{0, 60}, {0}, true}}}, 60, 60, {2, 1, 2});
}

TEST(AttentionBackward, ShapesAreChecked) {
  const RandomMatrix q(4, 16, 1), k(4, 8, 2);
  const AttentionPlan plan{{{0, 4}}, {{{0, 4}, {0}, true}}};
  const auto run = [&](const RandomMatrix& dk) {
    attention_backward({q.matrix(), k.matrix(), k.matrix(), q.matrix(), q.matrix(), dk.matrix(), k.matrix(), 2, 1, 1},
                       plan);
  };
  EXPECT_THAT(message_of<InvalidInput>([&] { run(q); }), testing::HasSubstr("dk is [4, 16], expected [4, 8]"));
}

}  // namespace
}  // namespace e5v::ops::test
