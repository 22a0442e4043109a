#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace e5v::tensor {

/// Where memory lies: in the process's own, or on the accelerator.
enum class Place : std::uint8_t { host, device };

/// An accelerator's memory. Its work is done in the order in which it is asked for, and may still be under way when a
/// call returns; copies to the host wait for it.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// "cuda:0 (NVIDIA H100 80GB HBM3)".
  virtual std::string name() const = 0;
  /// Bytes of its memory: all, and those that nobody has taken.
  virtual std::size_t total_bytes() const = 0;
  virtual std::size_t free_bytes() const = 0;
  /// Throws DeviceError naming the size when memory is short.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  /// Gives back what allocate(bytes) gave.
  virtual void release(std::byte* memory, std::size_t bytes) noexcept = 0;
  /// Copies; when it returns, the source may be changed, and a target on the host holds the bytes.
  virtual void copy(const std::byte* from, Place from_place, std::byte* to, Place to_place, std::size_t bytes) = 0;
  /// `rows` runs of so many bytes, at distances of so many bytes. As copy.
  struct Rows {
    std::size_t rows, bytes, from_stride, to_stride;
  };
  virtual void copy_rows(const std::byte* from, Place from_place, std::byte* to, Place to_place, const Rows& rows) = 0;
  /// Waits until all work is done; throws DeviceError when any of it failed.
  virtual void synchronize() = 0;
};

/// The accelerator of this process, which has at most one. Throws DeviceError when none is open.
Device& device();
/// Makes it the process's; it lives as long as the process.
void set_device(Device& opened);
bool has_device();

}  // namespace e5v::tensor
