#include "stores/rest/qdrant.h"

#include "stores/rest/collection_store.h"
#include "stores/rest/json_server.h"
#include "stores/stored_photos.h"

namespace e5v::stores::rest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

constexpr std::int64_t kQdrantWidth = 32;

/// What the description of Qdrant's REST API says about the requests of this client. It is no Qdrant: what it takes, a
/// real server may refuse.
class QdrantStandIn {
 public:
  std::string url(const std::string& key = "secret") const {
    return "qdrant://:" + key + "@" + server_.place() + "/photos";
  }

 private:
  using Points = std::map<std::string, Json>;  // by id

  static Json answer(Json result) { return {{"result", std::move(result)}, {"status", "ok"}, {"time", 0.1}}; }
  static std::pair<int, Json> error(int status, const std::string& message) {
    return {status, {{"status", {{"error", message}}}, {"time", 0.1}}};
  }
  static std::string id_text(const Json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

  static bool matches(const Json& condition, const Json& payload) {
    const auto field = payload.find(condition.at("key").get<std::string>());
    if (field == payload.end()) return false;
    if (condition.contains("range")) {
      const Json& range = condition["range"];
      return (!range.contains("gte") || *field >= range["gte"]) && (!range.contains("lte") || *field <= range["lte"]);
    }
    const auto is_one = [&](const Json& value) {
      const Json& any = condition.at("match").at("any");
      return std::ranges::find(any, value) != any.end();
    };
    return field->is_array() ? std::ranges::any_of(*field, is_one) : is_one(*field);
  }
  static bool passes(const Json& content, const Json& point) {
    if (!content.contains("filter")) return true;
    return std::ranges::all_of(content["filter"].at("must"),
                               [&](const Json& condition) { return matches(condition, point["payload"]); });
  }
  /// A point as an answer has it.
  static Json shown(Json point, const Json& content) {
    if (!content.value("with_vector", false)) point.erase("vector");
    if (!content.value("with_payload", false)) point.erase("payload");
    return point;
  }

  static Json scroll(const Points& points, const Json& content) {
    Json page = Json::array(), next;
    for (auto at = points.lower_bound(content.value("offset", "")); at != points.end(); ++at) {
      if (!passes(content, at->second)) continue;
      if (page.size() == content.at("limit")) {
        next = at->first;
        break;
      }
      page.push_back(shown(at->second, content));
    }
    return {{"points", page}, {"next_page_offset", next}};
  }
  static Json query(const Points& points, const Json& content) {
    std::vector<Json> found;
    for (const auto& [id, point] : points) {
      if (!passes(content, point)) continue;
      double score = 0;
      for (std::size_t d = 0; d < point["vector"].size(); ++d)
        score += point["vector"][d].get<double>() * content["query"][d].get<double>();
      found.push_back(shown(point, content));
      found.back()["score"] = score;
    }
    std::ranges::sort(found, [](const Json& a, const Json& b) { return a["score"] > b["score"]; });
    found.resize(std::min(found.size(), content.at("limit").get<std::size_t>()));
    return {{"points", found}};
  }

  std::pair<int, Json> handle(const http::Request& request, const Json& content) {
    if (request.fields.find("api-key") != "secret") return error(403, "Invalid API key");
    const std::string path = request.path.substr(std::string("/collections/").size());
    const std::string name = path.substr(0, path.find('/')), rest = path.substr(name.size());
    if (rest == "/exists") return {200, answer({{"exists", collections_.contains(name)}})};
    if (request.method == "PUT" && rest.empty()) {
      if (content.at("vectors").at("size") > 65536) return error(400, "size is too large");
      return collections_[name], std::pair(200, answer(true));
    }
    if (!collections_.contains(name)) return error(404, "Not found: Collection `" + name + "` doesn't exist!");
    Points& points = collections_[name];
    if (rest == "/index") return {200, answer({{"status", "completed"}})};
    if (rest == "/points" && request.method == "PUT") {
      for (const Json& point : content.at("points")) points[id_text(point.at("id"))] = point;
      return {200, answer({{"status", "completed"}})};
    }
    if (rest == "/points/scroll") return {200, answer(scroll(points, content))};
    if (rest == "/points/query") return {200, answer(query(points, content))};
    Json found = Json::array();
    for (const Json& id : content.at("ids"))
      if (points.contains(id_text(id))) found.push_back(shown(points[id_text(id)], content));
    return {200, answer(found)};
  }

  std::map<std::string, Points> collections_;
  test::JsonServer server_{
      [this](const http::Request& request, const Json& content) { return handle(request, content); }};
};

CollectionStore open_qdrant(const std::string& url) { return CollectionStore(std::make_unique<Qdrant>(StoreUrl(url))); }

TEST(QdrantTest, ConditionsAreAFilter) {
  using Kind = Condition::Kind;
  EXPECT_EQ(qdrant_filter(
                {{"taken", Kind::at_least, 2019}, {"taken", Kind::at_most, 2020}, {"folders", Kind::has, 0, {"/p"}}}),
            Json::parse(R"({"must":[{"key":"taken","range":{"gte":2019.0}},{"key":"taken","range":{"lte":2020.0}},
                                    {"key":"folders","match":{"any":["/p"]}}]})"));
}

TEST(QdrantTest, SearchesAreExactAndPhotosComeBack) {
  const QdrantStandIn server;
  test::RandomPhotos random(kQdrantWidth);
  const auto photos = random.make(300);
  CollectionStore store = open_qdrant(server.url());
  EXPECT_FALSE(store.model().has_value());
  store.set_model(test::model_of_width(kQdrantWidth));
  store.set_root({"/photos", {"*.tif"}});
  store.put(photos);
  CollectionStore again = open_qdrant(server.url());
  test::expect_photos(again, photos);
  test::expect_exact_searches(again, photos, random);
  StoreQuery query;
  query.vector = random.query();
  query.exact = false;
  EXPECT_EQ(test::hashes_of(again.search(query)), test::best_photos(photos, query.vector, 10, nullptr));
  EXPECT_EQ(again.roots().size(), 1u);
  EXPECT_EQ(again.find("/photos/1/00001.jpg").hash, photos[1].hash);
  EXPECT_EQ(again.find(photos[7].hash.hex().substr(0, 9)).files, photos[7].files);
  again.put(std::span(photos).first(3));
  EXPECT_EQ(again.count({}), 300);
}

TEST(QdrantTest, RefusalsAreOneLineWithoutTheKey) {
  const QdrantStandIn server;
  EXPECT_THAT([&] { open_qdrant(server.url("wrongkey")); },
              ThrowsMessage<InvalidInput>(
                  AllOf(HasSubstr("the server answers 403 (\"Invalid API key\")"), Not(HasSubstr("wrongkey")))));
  EXPECT_THAT([&] { open_qdrant(server.url()).set_model(test::model_of_width(100'000)); },
              ThrowsMessage<InvalidInput>(HasSubstr("PUT /collections/photos: the server answers 400")));
  EXPECT_THAT([] { Qdrant qdrant(StoreUrl("qdrant://server/a b")); },
              ThrowsMessage<InvalidInput>(HasSubstr("letters, digits, - and _ only")));
}

}  // namespace
}  // namespace e5v::stores::rest
