#pragma once

namespace e5v {

/// The user asked the run to stop. Not an Error: nothing is at fault.
struct Interrupted {};

}  // namespace e5v
