#pragma once
#include "library/library.h"

namespace e5v::app {

/// Prints the state of a library on stdout, for readers or as JSON. Returns the exit code.
int print_index_status(library::Library& library, bool json);

}  // namespace e5v::app
