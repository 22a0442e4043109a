// The goldens on a GPU. Where there is none, nothing is computed.
#include "embed/golden_suite.h"
#include "ops/accelerator.h"

namespace e5v::test {
namespace {

class GoldenCuda : public testing::TestWithParam<ComputeType> {
 protected:
  void SetUp() override {
    try {
      ops::open_device("cuda");
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  static GoldenModel model(const char* folder, const char* name) {
    return {golden("ckpt") / folder, golden("embed"), name};
  }
};

INSTANTIATE_TEST_SUITE_P(Types, GoldenCuda, testing::Values(ComputeType::f32, ComputeType::bf16),
                         [](const auto& type) { return type.param == ComputeType::f32 ? "F32" : "Bf16"; });

TEST_P(GoldenCuda, Texts) {
  check_texts(model("tiny-small-f32", "small_f32"), GetParam(), "cuda");
  check_texts(model("tiny-small-bf16-2shard", "small_bf16"), GetParam(), "cuda");
}

TEST_P(GoldenCuda, Images) {
  check_images(model("tiny-small-f32", "small_f32"), GetParam(), "v5", "cuda");
  check_images(model("tiny-small-bf16-2shard", "small_bf16"), GetParam(), "v4412", "cuda");
}

}  // namespace
}  // namespace e5v::test
