#pragma once
#include <string>
#include <string_view>

namespace e5v::app {

/// A message of the library, whose options are fields of structs ("option held_out"), with the command line's words in
/// their place ("--held-out"). What follows "option" but is no such field stays.
std::string with_flags(std::string_view message);

}  // namespace e5v::app
