#pragma once
#include <string>
#include <string_view>

namespace e5v::app {

/// A message of the library in the words of the command line: a field of a struct ("option held_out") becomes its flag
/// ("--held-out"). A word after "option" that is no such field stays.
std::string with_flags(std::string_view message);

}  // namespace e5v::app
