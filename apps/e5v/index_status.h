#pragma once
#include "library/library.h"
#include "stores/photo_store.h"
#include "stores/shared_index.h"

namespace e5v::app {

/// Prints the state of a library on stdout, for readers or as JSON. Returns the exit code.
int print_index_status(library::Library& library, bool json);

/// The same for a store; with `recall`, that of its index is measured.
int print_store_status(stores::PhotoStore& store, bool json, bool recall);

}  // namespace e5v::app
