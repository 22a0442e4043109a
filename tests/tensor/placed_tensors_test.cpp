#include "tensor/placed_tensors.h"

#include <gmock/gmock.h>

#include <cstring>
#include <vector>

#include "tensor/fake_device.h"

namespace e5v::tensor {
namespace {

TEST(PlacedTensors, CopyOnceAndLieOneAfterTheOther) {
  test::FakeDevice& device = test::fake_device();
  const Tensor first = Tensor::from<float>(std::vector<float>(64, 1.5f), {64}),
               second = Tensor::from<float>(std::vector<float>{2, 3}, {2});
  PlacedTensors placed(Place::device, 64 * 4 + 2 * 4);
  EXPECT_EQ(placed.place(), Place::device);
  const TensorView a = placed.copy(first.view()), b = placed.copy(second.view()), again = placed.copy(first.view());
  EXPECT_EQ(a.place, Place::device);
  EXPECT_EQ(a.shape, first.shape());
  EXPECT_EQ(a.data, again.data);
  EXPECT_EQ(b.data, a.data + 64 * 4) << "what is asked for in a row is one matrix in memory";
  EXPECT_EQ(std::memcmp(b.data, second.data(), 8), 0);
  EXPECT_EQ(device.copies, 2);
  EXPECT_EQ(device.allocations, std::vector<std::size_t>{512}) << "one piece for all that may be asked for";
}

/// Copies of which the total has not known lie in pieces of their own.
TEST(PlacedTensors, TakeMoreThanWasExpected) {
  test::FakeDevice& device = test::fake_device();
  PlacedTensors placed(Place::device, 8);
  std::vector<Tensor> tensors;
  for (int i = 0; i < 3; ++i) tensors.emplace_back(DType::f32, Shape{100});
  for (const Tensor& tensor : tensors) placed.copy(tensor.view());
  EXPECT_EQ(device.allocations, (std::vector<std::size_t>{512, 512, 512}));
}

}  // namespace
}  // namespace e5v::tensor
