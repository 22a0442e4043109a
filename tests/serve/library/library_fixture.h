#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "image/encode.h"
#include "library/indexer.h"
#include "library/scan.h"
#include "serve/library/served_library.h"
#include "serve/service_fixture.h"
#include "temporary_folder.h"

namespace e5v::serve {

/// A folder of photos and a library of it.
class PhotoFolder {
 public:
  /// Writes a JPEG of one colour and this size.
  std::filesystem::path write(const std::string& name, std::uint8_t red, int width = 40, int height = 30) const {
    image::Bitmap bitmap(width, height);
    for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3) bitmap.pixels[i] = red;
    return photos_.write(name, image::encode_jpeg(bitmap, 90));
  }
  /// Brings the library up to date.
  void index(const Embedder& embedder) const {
    library::Library library(folder(), "test");
    library::add_folder(library, photos_.path());
    library::scan_folders(library);
    library.set_model(library::ModelRecord::of(embedder, test::golden("ckpt/tiny-small-f32"), {}, {}));
    library::recognise_files(library);
    library::embed_files(library, embedder);
  }
  std::filesystem::path folder() const { return library_.path() / "library"; }
  std::filesystem::path photos() const { return std::filesystem::canonical(photos_.path()); }

 private:
  test::TemporaryFolder photos_, library_;
};

/// A service that shows six photos: five of one colour, and a copy of one of them.
class LibraryServiceTest : public ServiceTest {
 protected:
  static const PhotoFolder& photos() {
    static const PhotoFolder* folder = [] {
      auto* made = new PhotoFolder;
      for (const int red : {0, 60, 120, 180, 240})
        made->write(fmt::format("{}.jpg", red), static_cast<std::uint8_t>(red));
      made->write("tall.jpg", 200, 30, 60);
      made->write("z-copy.jpg", 60);
      made->index(model()->embedder);
      return made;
    }();
    return *folder;
  }
  static const std::shared_ptr<ServedLibrary>& served() {
    static const std::shared_ptr<ServedLibrary> library = [] {
      auto made = std::make_shared<ServedLibrary>(photos().folder());
      made->set_model(model(), {});
      return made;
    }();
    return library;
  }
  static ServiceOptions with_library() {
    ServiceOptions options;
    options.library = served();
    return options;
  }
  explicit LibraryServiceTest(const ServiceOptions& options = with_library()) : ServiceTest(options) {}

  Json search(const Json& body) { return post("/library/search", body).json(); }
  /// The names of the photos that a search gives.
  std::vector<std::string> names(const Json& body) {
    std::vector<std::string> names;
    const Json found = search(body);
    for (const Json& photo : found.at("photos")) names.push_back(photo.at("name"));
    return names;
  }
  std::string id_of(const std::string& name) {
    const Json found = search({{"top", 100}});
    for (const Json& photo : found.at("photos"))
      if (photo.at("name") == name) return photo.at("id");
    return "";
  }
  /// The message of a refused search.
  std::string refusal(const Json& body, int status = 400) {
    const Answer answer = post("/library/search", body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.json().at("error").at("message");
  }
};

}  // namespace e5v::serve
