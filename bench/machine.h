#pragma once
#include "base/json.h"

namespace e5v::bench {

/// Where and when figures were measured: processor, cores, threads, instruction set, memory, system, library, date, and
/// the commit of the sources.
Json machine_json();

}  // namespace e5v::bench
