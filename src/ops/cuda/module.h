#pragma once
#include "ops/backend.h"

/// The interface of e5v_cuda.so. CUDA is in a separate module, which is loaded when a GPU is asked for. If it were
/// linked, every start of the program and every user of libe5v.so would load CUDA's libraries.
namespace e5v::ops::cuda {

/// Opens a GPU by CUDA's number, until the end of the process. Throws DeviceError when there is none, or it cannot be
/// used.
using OpenBackend = tensor::Device* (*)(int index);

/// The function's name in the module. It changes with the interface, so that a module of another version is not used.
inline constexpr const char* kOpenBackend = "e5v_open_cuda_1";

}  // namespace e5v::ops::cuda
