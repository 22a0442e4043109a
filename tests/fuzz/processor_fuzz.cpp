// Any bytes are the image processor's settings in a model folder, or an error of the kind that is promised. The part up
// to the first zero is preprocessor_config.json, the rest processor_config.json.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "image/preprocess.h"
#include "image/processor_file.h"
#include "scratch.h"

namespace {

void expect(bool ok) {
  if (!ok) std::abort();
}

void check(const e5v::image::Preprocess& preprocess) {
  expect(preprocess.tile > 1 && preprocess.tile <= preprocess.shortest_edge);
  for (const float deviation : preprocess.std) expect(deviation > 0);
  for (const auto& grid : preprocess.grid_pinpoints)
    expect(grid.height > 0 && grid.height % preprocess.tile == 0 && grid.width > 0 &&
           grid.width % preprocess.tile == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [alone, combined] = e5v::fuzz::halves({reinterpret_cast<const char*>(data), size});
  e5v::fuzz::put("preprocessor_config.json", alone);
  e5v::fuzz::put("processor_config.json", combined.empty() ? "{}" : combined);
  try {
    const auto file = e5v::image::find_processor(e5v::fuzz::scratch());
    expect(file.has_value());
    check(e5v::image::Preprocess::from_json(file->settings, file->path.filename().string()));
  } catch (const e5v::ModelError&) {
  }
  return 0;
}
