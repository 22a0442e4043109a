#include "families/inspection.h"

#include "model/unused_tensors.h"

namespace e5v::families {

std::string unused_text(const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; not used: {}", model::names_text(names));
}

}  // namespace e5v::families
