#include "stores/rest/qdrant.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace e5v::stores::rest {
namespace {

constexpr int kQdrantPort = 6333;
constexpr std::int64_t kPage = 256;             // photos of an answer
constexpr std::size_t kNumbersOfPut = 500'000;  // of a request that adds photos

std::vector<std::string> key_of(const StoreUrl& url) {
  return url.password().empty() ? std::vector<std::string>() : std::vector{"api-key: " + url.password()};
}

/// "00112233-4455-6677-8899-aabbccddeeff".
std::string uuid_of(std::string hash) {
  for (const std::size_t at : {20, 16, 12, 8}) hash.insert(at, 1, '-');
  return hash;
}

Json condition_json(const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::at_least: return {{"key", condition.field}, {"range", {{"gte", condition.number}}}};
    case Condition::Kind::at_most: return {{"key", condition.field}, {"range", {{"lte", condition.number}}}};
    // Of a field that is a list, one element must match.
    case Condition::Kind::any_of:
    case Condition::Kind::has: return {{"key", condition.field}, {"match", {{"any", condition.texts}}}};
  }
  return nullptr;
}

std::vector<Found> points_in(const Json& points, const std::string& origin) {
  std::vector<Found> found;
  for (const Json& point : points) {
    found.push_back({member_of(point, "payload", origin),
                     json_value<std::vector<float>, DeviceError>(point, "vector", {}, origin),
                     json_value<double, DeviceError>(point, "score", 0, origin)});
  }
  return found;
}

}  // namespace

Json qdrant_filter(const std::vector<Condition>& conditions) {
  Json must = Json::array();
  for (const Condition& condition : conditions) must.push_back(condition_json(condition));
  return {{"must", must}};
}

Qdrant::Qdrant(const StoreUrl& url) : client_(url, kQdrantPort, key_of(url)) {
  const std::string collection = url.path().empty() ? "e5v" : url.path();
  const bool is_name = std::ranges::all_of(collection, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  require(is_name, "[{}] expected a collection whose name has letters, digits, - and _ only", url.name());
  photos_ = "/collections/" + collection;
  settings_ = photos_ + "_settings";
}

/// Sends a request and returns its result.
Json Qdrant::call(const std::string& method, const std::string& path, const Json& content) {
  const Answer answer = client_.send(method, path, content);
  if (answer.status == 200 && answer.body.is_object() && answer.body.contains("result")) return answer.body["result"];
  const auto status = answer.body.is_object() ? answer.body.find("status") : answer.body.end();
  const bool has_message = status != answer.body.end() && status->is_object() && status->contains("error");
  fail<InvalidInput>("[{}] {} {}: the server answers {} ({})", name(), method, path, answer.status,
                     has_message ? client_.url().masked((*status)["error"].dump()) : "no message");
}

bool Qdrant::has_collection(const std::string& path) {
  return json_as<bool, DeviceError>(member_of(call("GET", path + "/exists", nullptr), "exists", name()), "exists",
                                    name());
}

bool Qdrant::exists() { return has_collection(photos_); }

void Qdrant::make(std::int64_t width) {
  call("PUT", photos_, {{"vectors", {{"size", width}, {"distance", "Dot"}, {"on_disk", true}}}});
  for (const char* field : {"camera", "folders", "paths", "shape"})
    call("PUT", photos_ + "/index?wait=true", {{"field_name", field}, {"field_schema", "keyword"}});
  for (const char* field : {"taken", "rating", "pixels", "long_side", "short_side"})
    call("PUT", photos_ + "/index?wait=true", {{"field_name", field}, {"field_schema", "integer"}});
  if (!has_collection(settings_)) call("PUT", settings_, {{"vectors", {{"size", 1}, {"distance", "Dot"}}}});
}

Json Qdrant::settings() {
  const Json points = call("POST", settings_ + "/points", {{"ids", {1}}, {"with_payload", true}});
  if (points.empty()) return nullptr;
  const std::vector<Found> found = points_in(points, name());
  return parse_json(json_value<std::string, DeviceError>(found[0].fields, "settings", "", name()), name());
}

void Qdrant::set_settings(const Json& settings) {
  const std::string text = settings.dump(-1, ' ', false, Json::error_handler_t::replace);
  Json point{{"id", 1}, {"vector", {1}}, {"payload", {{"settings", text}}}};
  call("PUT", settings_ + "/points?wait=true", {{"points", Json::array({std::move(point)})}});
}

void Qdrant::write(std::span<const StoredPhoto> photos) {
  if (photos.empty()) return;
  const std::size_t together = std::max<std::size_t>(1, kNumbersOfPut / photos.front().vector.size());
  for (std::size_t begin = 0; begin < photos.size(); begin += together) {
    Json points = Json::array();
    for (const StoredPhoto& photo : photos.subspan(begin, std::min(together, photos.size() - begin))) {
      std::vector<float> vector;
      for (const tensor::Half value : photo.vector) vector.push_back(static_cast<float>(value));
      points.push_back({{"id", uuid_of(photo.hash.hex())}, {"vector", vector}, {"payload", fields_of(photo)}});
    }
    call("PUT", photos_ + "/points?wait=true", {{"points", std::move(points)}});
  }
}

std::vector<Found> Qdrant::with_hashes(const std::vector<std::string>& hashes) {
  Json ids = Json::array();
  for (const std::string& hash : hashes) ids.push_back(uuid_of(hash));
  return points_in(call("POST", photos_ + "/points", {{"ids", ids}, {"with_payload", true}}), name());
}

/// Points are in the order of their ids.
std::vector<Found> Qdrant::with_prefix(const std::string& prefix, std::int64_t most) {
  const std::string first = uuid_of(prefix + std::string(32 - prefix.size(), '0'));
  const Json page = call("POST", photos_ + "/points/scroll",
                         {{"offset", first}, {"limit", most}, {"with_payload", true}, {"with_vector", true}});
  std::vector<Found> found = points_in(member_of(page, "points", name()), name());
  std::erase_if(found, [&](const Found& photo) {
    return !json_value<std::string, DeviceError>(photo.fields, "hash", "", name()).starts_with(prefix);
  });
  return found;
}

void Qdrant::for_each(const std::vector<Condition>& conditions, bool vectors,
                      const std::function<void(const Found&)>& visit) {
  Json request{
      {"filter", qdrant_filter(conditions)}, {"limit", kPage}, {"with_payload", true}, {"with_vector", vectors}};
  for (;;) {
    const Json page = call("POST", photos_ + "/points/scroll", request);
    for (const Found& found : points_in(member_of(page, "points", name()), name())) visit(found);
    request["offset"] = member_of(page, "next_page_offset", name());
    if (request["offset"].is_null()) return;
  }
}

std::vector<Found> Qdrant::search(std::span<const float> query, const std::vector<Condition>& conditions,
                                  std::int64_t limit) {
  const Json result = call("POST", photos_ + "/points/query",
                           {{"query", std::vector<float>(query.begin(), query.end())},
                            {"filter", qdrant_filter(conditions)},
                            {"limit", limit},
                            {"with_payload", true},
                            {"with_vector", true}});
  return points_in(member_of(result, "points", name()), name());
}

}  // namespace e5v::stores::rest
