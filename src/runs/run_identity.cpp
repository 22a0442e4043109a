#include "runs/run_identity.h"

#include <string_view>
#include <utility>

#include "base/error.h"

namespace e5v::runs {
namespace {

/// What the user knows a key as, and the options that change it.
constexpr std::pair<std::string_view, std::string_view> kWords[] = {
    {"weights", "the model's weights"},
    {"preprocessing",
     "the preprocessing (tokenizer; the options max-tiles, alpha, no-exif, paper-compat and truncate; "
     "e5v's revision)"},
    {"compute", "the arithmetic (the options dtype and no-normalize; the CPU's bf16; e5v's revision)"},
    {"prompt", "the prompt"},
    {"width", "the width of a vector"},
};

}  // namespace

RunIdentity identity_of(const vectors::VectorOrigin& origin) {
  return {{"weights", origin.weights},
          {"preprocessing", origin.preprocessing},
          {"compute", origin.compute},
          {"prompt", origin.prompt},
          {"width", std::to_string(origin.width)}};
}

void require_same_identity(const std::filesystem::path& output, const RunIdentity& before, const RunIdentity& now) {
  for (const auto& [key, words] : kWords) {
    const auto value_in = [&name = key](const RunIdentity& identity) {
      const auto found = identity.find(std::string(name));
      return found == identity.end() ? std::string() : found->second;
    };
    require(value_in(before) == value_in(now),
            "[{}] cannot be resumed: {} was {}, now it is {}; option force starts over", output.string(), words,
            in_quotes(value_in(before)), in_quotes(value_in(now)));
  }
}

}  // namespace e5v::runs
