#pragma once
#include "inspect/doctor.h"

namespace e5v::inspect {

/// Compares this machine's kernels, and a small random language model made of them, with plain loops in double.
void self_test(const ReportCheck& report);

}  // namespace e5v::inspect
