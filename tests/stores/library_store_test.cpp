#include "stores/library_store.h"

#include "stores/stored_photos.h"
#include "temporary_folder.h"

namespace e5v::stores {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 64;

TEST(LibraryStoreTest, PhotosStayAsTheyAre) {
  const test::TemporaryFolder folder;
  const auto photos = test::RandomPhotos(kWidth).make(100);
  {
    LibraryStore store(folder.path(), "test");
    store.set_model(test::model_of_width(kWidth));
    store.set_root({"/photos", {"*.tif"}});
    store.put(photos);
    store.put(std::span(photos).first(10));
  }
  LibraryStore store(folder.path());
  test::expect_photos(store, photos);
  EXPECT_EQ(store.roots(), (std::vector<library::Root>{{"/photos", {"*.tif"}}}));
  EXPECT_EQ(store.model()->fingerprint.weights, "w");
}

TEST(LibraryStoreTest, SearchesAreExact) {
  const test::TemporaryFolder folder;
  test::RandomPhotos random(kWidth);
  const auto photos = random.make(500);
  {
    LibraryStore store(folder.path(), "test");
    store.set_model(test::model_of_width(kWidth));
    store.put(photos);
  }
  LibraryStore store(folder.path());
  test::expect_exact_searches(store, photos, random);
  EXPECT_EQ(store.find("/photos/1/00001.jpg").hash, photos[1].hash);
  EXPECT_EQ(store.find(photos[7].hash.hex().substr(0, 10)).files, photos[7].files);
  EXPECT_EQ(store.sample(20).size(), 20u);
  EXPECT_THAT([&] { store.find("/photos/none.jpg"); }, ThrowsMessage<InvalidInput>(HasSubstr("has no photo")));
}

TEST(LibraryStoreTest, MetadataAreReplacedAndFilesAdded) {
  const test::TemporaryFolder folder;
  auto photos = test::RandomPhotos(kWidth).make(3);
  LibraryStore store(folder.path(), "test");
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  photos[1].metadata.caption = "another one";
  std::vector<StoredPhoto> again{photos[1]};
  again[0].files = {{"/photos/zzz.jpg", 5, 6, 7}};
  store.put(again);
  photos[1].files.push_back(again[0].files[0]);
  test::expect_photos(store, photos);
}

}  // namespace
}  // namespace e5v::stores
