#include "serve/routes.h"

#include <gmock/gmock.h>

#include <set>

namespace e5v::serve {
namespace {

TEST(Routes, EachPathAndMethodHasOneAnswer) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Route& route : all_routes()) {
    EXPECT_TRUE(seen.emplace(route.method, route.path).second) << route.method << " " << route.path;
    EXPECT_NE(route.answer, nullptr) << route.path;
    EXPECT_NE(route.error, nullptr) << route.path;
    EXPECT_TRUE(route.method == "GET" || route.method == "POST") << route.path;
    EXPECT_TRUE(route.path.starts_with("/")) << route.path;
    EXPECT_TRUE(route.path == "/" || !route.path.ends_with("/")) << route.path;
  }
}

/// One path of each dialect, so that none is left out.
TEST(Routes, EachDialectIsThere) {
  std::set<std::string_view> paths;
  for (const Route& route : all_routes()) paths.insert(route.path);
  for (const char* path :
       {"/v1/embeddings", "/v1/models", "/v1/embed", "/pooling", "/v2/embed", "/embed", "/embedding", "/health",
        "/metrics", "/openapi.json", "/", "/library", "/library/search", "/library/photos/{id}", "/library/map"}) {
    EXPECT_TRUE(paths.contains(path)) << path;
  }
}

TEST(Routes, WithoutALibraryNoneOfItsRoutesIsThere) {
  for (const Route& route : all_routes(false)) EXPECT_FALSE(route.path.starts_with("/library")) << route.path;
}

/// What shows photos needs a key if there are keys, and protection against pages of other sites.
TEST(Routes, PhotosAreProtected) {
  for (const Route& route : all_routes())
    if (route.path.starts_with("/library")) {
      const bool is_page = route.path == "/library" || route.path.ends_with(".js") || route.path.ends_with(".css");
      EXPECT_EQ(route.personal, !is_page) << route.path;
      EXPECT_EQ(route.access == Access::key, !is_page) << route.path;
    } else {
      EXPECT_FALSE(route.personal) << route.path;
    }
}

/// What embeds needs a key and a server that is ready; what is open tells nothing of models.
TEST(Routes, OnlyPagesAndWatchingAreOpen) {
  for (const Route& route : all_routes()) {
    const bool embeds = route.method == "POST" || route.path.starts_with("/v1/");
    EXPECT_TRUE(!embeds || route.access == Access::key) << route.path;
  }
}

/// Forms hold files, which GET has no body for.
TEST(Routes, FormsAreOfRequestsWithABody) {
  bool takes_forms = false;
  for (const Route& route : all_routes()) {
    takes_forms = takes_forms || route.takes_forms;
    EXPECT_TRUE(route.method == "POST" || !route.takes_forms) << route.path;
  }
  EXPECT_TRUE(takes_forms);
}

}  // namespace
}  // namespace e5v::serve
