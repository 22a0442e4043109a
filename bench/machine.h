#pragma once
#include "base/json.h"

namespace e5v::bench {

/// The machine and the time of figures: processor, cores, threads, instruction set, memory, system, library, date, and
/// the commit of the sources.
Json machine_json();

}  // namespace e5v::bench
