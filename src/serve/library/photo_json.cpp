#include "serve/library/photo_json.h"

#include <filesystem>

namespace e5v::serve {
namespace {

void add_unless_empty(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}

}  // namespace

Json photo_summary(const library::Photo& photo) {
  const library::Metadata& metadata = photo.metadata;
  Json json{{"id", photo.hash.hex()}, {"width", metadata.width}, {"height", metadata.height}};
  json["name"] = photo.paths.empty() ? "" : std::filesystem::path(photo.paths.front()).filename().string();
  add_unless_empty(json, "taken", metadata.taken);
  add_unless_empty(json, "caption", metadata.caption);
  if (metadata.rating) json["rating"] = *metadata.rating;
  return json;
}

Json photo_details(const library::Photo& photo) {
  const library::Metadata& metadata = photo.metadata;
  Json json = photo_summary(photo);
  json["paths"] = photo.paths;
  json["bytes"] = photo.bytes;
  add_unless_empty(json, "camera", metadata.camera);
  add_unless_empty(json, "lens", metadata.lens);
  if (metadata.latitude && metadata.longitude) json["place"] = {*metadata.latitude, *metadata.longitude};
  if (!metadata.keywords.empty()) json["keywords"] = metadata.keywords;
  return json;
}

}  // namespace e5v::serve
