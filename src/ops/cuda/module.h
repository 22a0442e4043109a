#pragma once
#include "ops/backend.h"

/// What e5v_cuda.so has to offer. CUDA stands in a module of its own, which is loaded when a GPU is asked for: linked,
/// its libraries would come with every start of the program and every user of libe5v.so.
namespace e5v::ops::cuda {

/// Opens a GPU by CUDA's number, for as long as the process lives. Throws DeviceError when there is none, or it cannot
/// be used.
using OpenBackend = tensor::Device* (*)(int index);

/// The function's name in the module. It changes with the interface, so that a module of another version is not used.
inline constexpr const char* kOpenBackend = "e5v_open_cuda_1";

}  // namespace e5v::ops::cuda
