#pragma once
#include "families/family.h"

namespace e5v::families {

/// CLIP: transformers' CLIPModel.
const Family& clip();

}  // namespace e5v::families
