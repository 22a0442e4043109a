#pragma once
#include <string>

#include "tensor/device.h"

namespace e5v::ops {

/// Opens the device on which a model is computed: "cpu"; "cuda" or "cuda:N", the first or the N-th GPU that CUDA shows;
/// "auto", a GPU if there is one that this build can use. The environment variable E5V_DEVICE may replace "auto". The
/// result is Place::device when a GPU is open; a process has at most one. Throws InvalidInput for other names, and
/// DeviceError when the GPU cannot be used or another one is open.
tensor::Place open_device(const std::string& name);

/// Throws InvalidInput for a name that open_device does not know.
void check_device_name(const std::string& name);

/// The name; for "auto", the value of the environment variable, if there is one.
std::string wanted_device(const std::string& name);

/// The name of the device that open_device opened: "cpu", or the GPU's.
std::string device_name(tensor::Place place);

}  // namespace e5v::ops
