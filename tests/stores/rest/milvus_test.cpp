#include "stores/rest/milvus.h"

#include <cstdlib>
#include <map>

#include "stores/recall.h"
#include "stores/rest/collection_store.h"
#include "stores/rest/json_server.h"
#include "stores/stored_photos.h"

namespace e5v::stores::rest {
namespace {

using Kind = Condition::Kind;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 128;

/// The address of a collection that no other test has.
StoreUrl collection_url(const std::string& name) {
  const char* url = std::getenv("E5V_TEST_MILVUS");
  return StoreUrl(std::string(url == nullptr ? "" : url) + "/" + name);
}

TEST(MilvusTest, ConditionsAreAnExpression) {
  EXPECT_EQ(milvus_expression({}), "");
  EXPECT_EQ(milvus_expression({{"pixels", Kind::at_least, 10709.2}, {"taken", Kind::at_most, 20190799999999}}),
            "pixels >= 10710 and taken <= 20190799999999");
  EXPECT_EQ(milvus_expression({{"camera", Kind::any_of, 0, {"a \"b\"", "c\\"}}, {"folders", Kind::has, 0, {"/p"}}}),
            R"(camera in ["a \"b\"","c\\"] and json_contains(folders, "/p"))");
}

TEST(MilvusTest, SearchesAreExactAndPhotosComeBack) {
  test::RandomPhotos random(kWidth);
  const auto photos = random.make(1500);
  CollectionStore store(std::make_unique<Milvus>(collection_url("exact")));
  EXPECT_FALSE(store.model().has_value());
  store.set_model(test::model_of_width(kWidth));
  store.set_root({"/photos", {"*.tif"}});
  store.put(photos);
  store.make_index();
  CollectionStore again(std::make_unique<Milvus>(collection_url("exact")));
  test::expect_photos(again, photos);
  test::expect_exact_searches(again, photos, random);
  EXPECT_EQ(again.roots(), (std::vector<library::Root>{{"/photos", {"*.tif"}}}));
  EXPECT_EQ(again.find("/photos/1/00001.jpg").hash, photos[1].hash);
  EXPECT_EQ(again.find(photos[7].hash.hex().substr(0, 9)).files, photos[7].files);
  const Recall recall = measure_recall(again, 20);
  std::printf("recall of Milvus: %.4f over %d queries; %.1f ms, exactly %.1f ms\n", recall.share,
              static_cast<int>(recall.queries), 1e3 * recall.near_seconds, 1e3 * recall.exact_seconds);
  EXPECT_GE(recall.share, 0.95);
  again.put(std::span(photos).first(3));
  again.make_index();
  EXPECT_EQ(again.count({}), 1500);
}

// The requests are those of the description of version 2; no server of a newer version was there to try them.
TEST(MilvusTest, NewerServersAreAskedByVersion2) {
  std::map<std::string, Json> asked;  // the last content of each path
  test::JsonServer server([&](const http::Request& request, const Json& content) {
    asked[request.path] = content;
    Json data = Json::object();
    if (request.path.ends_with("collections/list")) data = Json::array({"other"});
    if (request.path.ends_with("entities/query") || request.path.ends_with("entities/search"))
      data = Json::array(
          {{{"id", 7}, {"hash", std::string(32, 'a')}, {"photo", "{}"}, {"vector", {1, 0}}, {"distance", 0.5}}});
    return std::pair(200, Json{{"code", 0}, {"data", data}});
  });
  Milvus milvus(StoreUrl("milvus://me:secret@" + server.place() + "/photos"));
  EXPECT_FALSE(milvus.exists());
  milvus.make(2);
  EXPECT_EQ(asked["/v2/vectordb/collections/create"]["collectionName"], "photos_settings");
  EXPECT_EQ(asked["/v2/vectordb/collections/create"]["primaryFieldName"], "id");
  const std::vector<float> query{1, 0};
  EXPECT_EQ(milvus.search(query, {{"rating", Kind::at_least, 3}}, 10).at(0).score, 0.5);
  const Json& search = asked["/v2/vectordb/entities/search"];
  EXPECT_EQ(search["data"], Json::array({{1, 0}}));
  EXPECT_EQ(search["annsField"], "vector");
  EXPECT_EQ(search["filter"], "rating >= 3");
  EXPECT_EQ(search["consistencyLevel"], "Strong");
  milvus.write(test::RandomPhotos(2).make(1));
  EXPECT_EQ(asked["/v2/vectordb/entities/delete"]["filter"], "id in [7]");
  EXPECT_EQ(asked["/v2/vectordb/entities/insert"]["data"][0]["vector"].size(), 2u);
}

TEST(MilvusTest, RefusalsAreOneLine) {
  EXPECT_THAT(
      [] { Milvus milvus(collection_url("a-b")); },
      ThrowsMessage<InvalidInput>(HasSubstr("expected a collection whose name has letters, digits and _ only")));
  Milvus milvus(collection_url("refused"));
  EXPECT_THAT([&] { milvus.make(100'000); },
              ThrowsMessage<InvalidInput>(HasSubstr("collections/create: the server answers ")));
}

}  // namespace
}  // namespace e5v::stores::rest
