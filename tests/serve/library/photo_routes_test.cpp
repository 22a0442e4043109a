#include "serve/library/photo_routes.h"

#include "image/decode.h"
#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class PhotoRoutes : public LibraryServiceTest {
 protected:
  std::string path(const std::string& id, const std::string& rest = "") { return "/library/photos/" + id + rest; }
};

TEST_F(PhotoRoutes, APhotoHasItsFilesAndMetadata) {
  const Json photo = ask("GET", path(id_of("60.jpg"))).json();
  EXPECT_EQ(photo.at("paths"),
            Json({(photos().photos() / "60.jpg").string(), (photos().photos() / "z-copy.jpg").string()}));
  EXPECT_EQ(photo.at("width"), 40);
}

TEST_F(PhotoRoutes, OnlyIdsOfPhotosAreKnown) {
  for (const std::string& id : {std::string("x"), std::string(32, 'f'), std::string(".."), std::string("etc%2fpasswd")})
    for (const char* rest : {"", "/thumbnail", "/file", "/words"}) {
      const Answer answer = ask("GET", path(id, rest));
      EXPECT_EQ(answer.status, 404) << id << rest;
      EXPECT_EQ(answer.type, "application/json");
    }
  EXPECT_EQ(ask("GET", "/library/photos/../../etc/passwd").status, 404);
  EXPECT_EQ(ask("GET", "/library/photos/").status, 404);
}

TEST_F(PhotoRoutes, ThumbnailsAreWebpAndKeptByTheBrowser) {
  const Answer answer = ask("GET", path(id_of("tall.jpg"), "/thumbnail"));
  EXPECT_EQ(answer.type, "image/webp");
  EXPECT_THAT(answer.fields.find("Cache-Control"), HasSubstr("immutable"));
  const image::Bitmap image = image::decode(std::as_bytes(std::span(answer.body)), "answer");
  EXPECT_EQ(std::pair(image.width, image.height), std::pair(30, 60));
  EXPECT_EQ(ask("GET", path(id_of("tall.jpg"), "/thumbnail?size=")).status, 400);
  EXPECT_EQ(ask("GET", path(id_of("tall.jpg"), "/words?top=")).status, 400);
  EXPECT_THAT(ask("GET", path(id_of("tall.jpg"), "/thumbnail?size=huge")).body,
              HasSubstr("[size] expected small or large"));
}

TEST_F(PhotoRoutes, TheFileIsThatOfThePhotoAndRunsNothing) {
  const Answer answer = ask("GET", path(id_of("120.jpg"), "/file"));
  EXPECT_EQ(answer.type, "image/jpeg");
  EXPECT_EQ(answer.body, read_file(photos().photos() / "120.jpg"));
  EXPECT_EQ(answer.fields.find("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.fields.find("Cross-Origin-Resource-Policy"), "same-origin");
  EXPECT_THAT(answer.fields.find("Content-Security-Policy"), HasSubstr("sandbox"));
  EXPECT_EQ(answer.fields.find("Content-Disposition"), "inline; filename=\"120.jpg\"");
}

/// A folder with one photo and its library.
struct OnePhoto {
  OnePhoto() { folder.write("a \"b\".jpg", 10); }
  PhotoFolder folder;
};

/// A service of a library of its own, whose files change.
class ChangedPhotos : protected OnePhoto, public ServiceTest {
 protected:
  ChangedPhotos() : ServiceTest(options(folder)) {}
  static ServiceOptions options(const PhotoFolder& folder) {
    folder.index(model()->embedder);
    ServiceOptions made;
    made.library = std::make_shared<ServedLibrary>(folder.folder());
    made.library->set_model(model(), {});
    return made;
  }
  std::string path(const std::string& rest) {
    const Json found = post("/library/search", Json::object()).json();
    return "/library/photos/" + found.at("photos").at(0).at("id").get<std::string>() + rest;
  }
  std::filesystem::path file() const { return folder.photos() / "a \"b\".jpg"; }
};

TEST_F(ChangedPhotos, AnotherFileInItsPlaceIsNotServed) {
  EXPECT_EQ(ask("GET", path("/file")).fields.find("Content-Disposition"), "inline; filename=\"a _b_.jpg\"");
  std::filesystem::remove(file());
  std::filesystem::create_symlink("/etc/hostname", file());
  const Answer answer = ask("GET", path("/file"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("expected the file that was indexed, found another content"));
}

TEST_F(ChangedPhotos, APhotoThatCannotBeReadHasAPlaceholder) {
  std::filesystem::remove(file());
  const Answer answer = ask("GET", path("/thumbnail"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, library::Thumbnails::placeholder());
  EXPECT_EQ(answer.fields.find("Cache-Control"), "no-store");
  EXPECT_EQ(answer.fields.find("E5V-Placeholder"), "true");
}

TEST_F(PhotoRoutes, AnswersOfAKeyNeedIt) {
  ServiceOptions options = with_library();
  options.keys = {{"me", "secret"}};
  Service service(options, nullptr);
  service.ready();
  for (const char* page : {"/library", "/library/library.js"})
    EXPECT_TRUE(std::holds_alternative<http::BodyLimit>(service.admit({.method = "GET", .path = page}))) << page;
  const std::string thumbnail = path(id_of("60.jpg"), "/thumbnail");
  for (const std::string& personal : {std::string("/library/info"), std::string("/library/map"), thumbnail}) {
    const auto refused = service.admit({.method = "GET", .path = personal});
    ASSERT_TRUE(std::holds_alternative<http::Response>(refused)) << personal;
    EXPECT_EQ(std::get<http::Response>(refused).status, 401);
    http::Request with_key{.method = "GET", .path = personal};
    with_key.fields.add("Authorization", "Bearer secret");
    with_key.fields.add("Host", "photos.example.org");
    EXPECT_TRUE(std::holds_alternative<http::BodyLimit>(service.admit(with_key))) << personal;
  }
}

TEST_F(PhotoRoutes, PagesOfOtherSitesCannotReadPhotos) {
  for (const char* host : {"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "photos.localhost", "192.168.1.7"})
    EXPECT_EQ(ask("GET", "/library/info", "", {{"Host", host}}).status, 200) << host;
  for (const char* host :
       {"evil.example.org", "evil.example.org:8080", "localhost.example.org", "127.0.0.1.example.org"}) {
    const Answer answer = ask("GET", "/library/info", "", {{"Host", host}});
    EXPECT_EQ(answer.status, 403) << host;
    EXPECT_THAT(answer.body, HasSubstr("expected a request to the address of this server or to localhost"));
    EXPECT_EQ(ask("GET", "/health", "", {{"Host", host}}).status, 200);
  }
}

}  // namespace
}  // namespace e5v::serve
