#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace e5v::tensor {

/// Where memory is: in the process or on the accelerator.
enum class Place : std::uint8_t { host, device };

/// The memory of an accelerator. Its work is done in the order of the calls, and may continue after a call returns.
/// Copies to the host wait for it.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// The name, such as "cuda:0 (NVIDIA H100 80GB HBM3)".
  virtual std::string name() const = 0;
  /// The bytes of its memory, and those of its free memory.
  virtual std::size_t total_bytes() const = 0;
  virtual std::size_t free_bytes() const = 0;
  /// Throws DeviceError, which names the size, when memory is short.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  /// Releases the memory of allocate(bytes).
  virtual void release(std::byte* memory, std::size_t bytes) noexcept = 0;
  /// Copies. After the call, the source may be changed, and a target on the host holds the bytes.
  virtual void copy(const std::byte* from, Place from_place, std::byte* to, Place to_place, std::size_t bytes) = 0;
  /// `rows` runs of bytes with a distance in bytes between them. Like copy.
  struct Rows {
    std::size_t rows, bytes, from_stride, to_stride;
  };
  virtual void copy_rows(const std::byte* from, Place from_place, std::byte* to, Place to_place, const Rows& rows) = 0;
  /// Waits until all work is done. Throws DeviceError when any of it failed.
  virtual void synchronize() = 0;
};

/// The accelerator of this process, which has at most one. Throws DeviceError when none is open.
Device& device();
/// Sets the accelerator of the process, which keeps it until its end.
void set_device(Device& opened);
bool has_device();

}  // namespace e5v::tensor
