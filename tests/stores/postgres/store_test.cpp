#include "stores/postgres/store.h"

#include <thread>

#include "stores/copy_photos.h"
#include "stores/library_store.h"
#include "stores/postgres/database.h"
#include "stores/postgres/schema.h"
#include "stores/recall.h"
#include "temporary_folder.h"

namespace e5v::stores::postgres {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 128;

class StoreTest : public test::PostgresTest {
 protected:
  test::RandomPhotos random_{kWidth};
};

TEST_F(StoreTest, SearchesAreExactWithAndWithoutAnIndex) {
  const auto photos = random_.make(700);
  Store store(url());
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  test::expect_exact_searches(store, photos, random_);
  EXPECT_EQ(store.index(), "");
  store.make_index();
  EXPECT_NE(store.index(), "");
  test::expect_exact_searches(store, photos, random_);
}

TEST_F(StoreTest, ALibraryComesBackAsItWas) {
  const test::TemporaryFolder a, b;
  const auto photos = random_.make(600);
  LibraryStore from(a.path(), "test"), to(b.path(), "test");
  from.set_model(test::model_of_width(kWidth));
  from.set_root({"/photos", {"*.tif", "a'b"}});
  from.put(photos);
  Store store(url());
  EXPECT_EQ(copy_photos(from, store), 600);
  test::expect_photos(store, photos);
  EXPECT_EQ(copy_photos(store, to), 600);
  test::expect_photos(to, photos);
  EXPECT_EQ(to.roots(), from.roots());
  EXPECT_EQ(to.model()->json(), from.model()->json());
}

TEST_F(StoreTest, TheIndexFindsMostPhotosOfE5VsWidth) {
  test::RandomPhotos random(4096);
  const auto photos = random.make(4000);
  auto store = std::make_unique<Store>(url());
  store->set_model(test::model_of_width(4096));
  store->put(photos);
  store->make_index();
  connection_.execute("ANALYZE e5v.photos; ANALYZE e5v.files");
  const Recall recall = measure_recall(*store);
  std::printf("recall of HNSW over bit(4096): %.4f over %d queries; %.1f ms, exactly %.1f ms\n", recall.share,
              static_cast<int>(recall.queries), 1e3 * recall.near_seconds, 1e3 * recall.exact_seconds);
  EXPECT_EQ(recall.queries, 50);
  EXPECT_GE(recall.share, 0.95);
  store.reset();  // when its connection has ended, the server publishes what it has counted
  const auto uses = [&] {
    return number("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'photos_signs'");
  };
  for (int i = 0; i < 100 && uses() < 50; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(uses(), 50);
}

TEST_F(StoreTest, ASearchWhoseFilterRefusesNearlyAllPhotosIsExact) {
  const auto photos = random_.make(3000);
  Store store(url());
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  store.make_index();
  StoreQuery query;
  query.vector = random_.query();
  query.exact = false;
  query.filter.from = "2007-07", query.filter.to = "2007-07", query.filter.min_rating = 5;
  const auto expected = test::best_photos(photos, query.vector, 10, [](const StoredPhoto& photo) {
    return photo.metadata.taken.starts_with("2007") && photo.metadata.rating == 5;
  });
  EXPECT_EQ(expected.size(), 10u);
  EXPECT_EQ(test::hashes_of(store.search(query)), expected);
}

TEST_F(StoreTest, PhotosAreFoundByPathAndHash) {
  const auto photos = random_.make(30);
  Store store(url());
  EXPECT_THAT([&] { store.find("x"); }, ThrowsMessage<InvalidInput>(HasSubstr("the store has no photos yet")));
  EXPECT_TRUE(store.sample(5).empty());
  EXPECT_FALSE(store.model().has_value());
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  EXPECT_EQ(store.find("/photos/1/00001.jpg").hash, photos[1].hash);
  EXPECT_EQ(store.find(photos[7].hash.hex().substr(0, 8)).files, photos[7].files);
  for (const char* name : {"/none.jpg", "abcde", "0123456789abcdef"})
    EXPECT_THAT([&] { store.find(name); }, ThrowsMessage<InvalidInput>(HasSubstr("the store has no photo")));
  EXPECT_EQ(store.sample(5).size(), 5u);
}

TEST_F(StoreTest, AnotherModelIsRefused) {
  Store store(url());
  store.set_model(test::model_of_width(kWidth));
  library::ModelRecord elsewhere = test::model_of_width(kWidth);
  elsewhere.folder = "/elsewhere/e5-v";
  store.set_model(elsewhere);
  EXPECT_EQ(store.model()->folder, "/models/e5-v") << "that of the first machine";
  EXPECT_THAT([&] { store.set_model(test::model_of_width(kWidth, "other")); },
              ThrowsMessage<InvalidInput>(HasSubstr("another vector space")));
  EXPECT_THAT(
      [&] {
        stores::StoreQuery query;
        query.vector.resize(3);
        store.search(query);
      },
      ThrowsMessage<InvalidInput>(HasSubstr("the query has 3 dimensions, the store 128")));
}

}  // namespace
}  // namespace e5v::stores::postgres
