#pragma once
#include "base/json.h"
#include "library/search.h"

namespace e5v::serve {

/// A photo in answers: its id, which is the hash of its content in hexadecimal, the name of its first file, and what is
/// needed to show it in a list.
Json photo_summary(const library::Photo& photo);

/// All that the library knows about a photo.
Json photo_details(const library::Photo& photo);

}  // namespace e5v::serve
