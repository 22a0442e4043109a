// index_gallery MODEL GALLERY FOLDER: makes a library of the images of a gallery, for `e5v browse` and `e5v search`.
//
// GALLERY is JSON Lines: {"image": PATH, "caption": WORDS}; paths are relative to the file. FOLDER/drawings gets copies
// of the images, named by their captions, and FOLDER/library is the library. The model sees the images and not the
// names.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/parallel.h"
#include "library/calibration.h"
#include "library/indexer.h"
#include "library/reference_texts.h"
#include "library/scan.h"

namespace {

using namespace e5v;
namespace fs = std::filesystem;

void copy_images(const fs::path& gallery, const fs::path& target) {
  fs::create_directories(target);
  std::istringstream lines(read_file(gallery));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const Json item = parse_json(line, gallery.string());
    const auto text = [&](const char* key) {
      return json_value<std::string, InvalidInput>(item, key, {}, gallery.string());
    };
    const fs::path image = gallery.parent_path() / text("image");
    const fs::path copy = target / (text("caption") + image.extension().string());
    fs::copy_file(image, copy, fs::copy_options::skip_existing);
  }
}

void run(const fs::path& model, const fs::path& gallery, const fs::path& folder) {
  copy_images(gallery, folder / "drawings");
  library::Library library(folder / "library", "index_gallery");
  library::add_folder(library, folder / "drawings");
  library::scan_folders(library);
  library::recognise_files(library);
  const Embedder embedder = Embedder::load(model);
  library.set_model(library::ModelRecord::of(embedder, model, {}, {}));
  library::embed_files(library, embedder);
  library::keep_reference_texts(library, embedder);
  library::calibrate(library);
  fmt::print("{} drawings are indexed in {}; make demo-page shows the page that searches them\n",
             library.catalogue().counts().done, (folder / "library").string());
}

}  // namespace

int main(int count, char** arguments) {
  e5v::let_threads_sleep(arguments);
  if (count != 4) {
    fmt::print(stderr, "usage: index_gallery MODEL GALLERY.jsonl FOLDER\n");
    return 2;
  }
  try {
    run(arguments[1], arguments[2], arguments[3]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "index_gallery: {}\n", error.what());
    return 1;
  }
}
