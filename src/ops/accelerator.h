#pragma once
#include <string>

#include "tensor/device.h"

namespace e5v::ops {

/// Where a model is to be computed: "cpu"; "cuda" or "cuda:N", the first or the N-th GPU that CUDA shows; "auto", a GPU
/// if there is one that this build can use. For "auto" the environment variable E5V_DEVICE may say otherwise.
/// Opens the GPU if the answer is Place::device; a process has at most one. Throws InvalidInput for other names, and
/// DeviceError when the GPU that was asked for cannot be used, or another one is open.
tensor::Place open_device(const std::string& name);

/// Throws InvalidInput for names that open_device does not know.
void check_device_name(const std::string& name);

/// The name, but for "auto" what the environment variable says instead.
std::string wanted_device(const std::string& name);

/// The name of what open_device gave: "cpu", or the GPU's.
std::string device_name(tensor::Place place);

}  // namespace e5v::ops
