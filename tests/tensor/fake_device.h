#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tensor/device.h"

namespace e5v::tensor::test {

/// An accelerator whose memory is the process's own, and which counts what is asked of it.
class FakeDevice : public Device {
 public:
  std::string name() const override { return "fake"; }
  std::size_t total_bytes() const override { return 0; }
  std::size_t free_bytes() const override { return 0; }
  std::byte* allocate(std::size_t bytes) override {
    allocations.push_back(bytes);
    return new std::byte[bytes];
  }
  void release(std::byte* memory, std::size_t bytes) noexcept override {
    releases.push_back(bytes);
    delete[] memory;
  }
  void copy(const std::byte* from, Place, std::byte* to, Place, std::size_t bytes) override {
    ++copies;
    std::memcpy(to, from, bytes);
  }
  void copy_rows(const std::byte*, Place, std::byte*, Place, const Rows&) override { FAIL(); }
  void synchronize() override {}

  std::vector<std::size_t> allocations, releases;
  int copies = 0;
};

/// The process's accelerator from now on, which has counted nothing yet.
inline FakeDevice& fake_device() {
  static FakeDevice device;
  set_device(device);
  device.allocations.clear();
  device.releases.clear();
  device.copies = 0;
  return device;
}

}  // namespace e5v::tensor::test
