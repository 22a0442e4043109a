#include "stores/rest/collection_store.h"

#include "stores/stored_photos.h"

namespace e5v::stores::rest {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 32;

/// What the server of a test has.
struct Memory {
  bool exists = false;
  Json settings;
  std::map<std::string, Found> photos;
};

class MemoryCollection : public Collection {
 public:
  explicit MemoryCollection(Memory& memory) : memory_(memory) {}
  const std::string& name() const override { return name_; }
  bool exists() override { return memory_.exists; }
  void make(std::int64_t) override { memory_.exists = true; }
  Json settings() override { return memory_.settings; }
  void set_settings(const Json& settings) override { memory_.settings = settings; }
  void write(std::span<const StoredPhoto> photos) override {
    for (const StoredPhoto& photo : photos) {
      Found& found = memory_.photos[photo.hash.hex()];
      found = {fields_of(photo), {}, 0};
      for (const tensor::Half value : photo.vector) found.vector.push_back(static_cast<float>(value));
    }
  }
  void wait_until_seen() override {}
  std::vector<Found> with_hashes(const std::vector<std::string>& hashes) override {
    std::vector<Found> found;
    for (const std::string& hash : hashes)
      if (memory_.photos.contains(hash)) found.push_back(memory_.photos[hash]);
    return found;
  }
  std::vector<Found> with_prefix(const std::string& prefix, std::int64_t most) override {
    std::vector<Found> found;
    for (const auto& [hash, photo] : memory_.photos)
      if (hash.starts_with(prefix) && std::ssize(found) < most) found.push_back(photo);
    return found;
  }
  void for_each(const std::vector<Condition>& conditions, bool vectors,
                const std::function<void(const Found&)>& visit) override {
    for (const auto& [hash, photo] : memory_.photos) {
      if (!std::ranges::all_of(conditions, [&](const Condition& one) { return holds(one, photo.fields); })) continue;
      for (int twice = 0; twice < 2; ++twice) visit({photo.fields, vectors ? photo.vector : std::vector<float>(), 0});
    }
  }
  std::vector<Found> search(std::span<const float>, const std::vector<Condition>&, std::int64_t limit) override {
    return with_prefix("", limit);
  }

 private:
  Memory& memory_;
  std::string name_ = "memory";
};

class CollectionStoreTest : public testing::Test {
 protected:
  CollectionStore open() { return CollectionStore(std::make_unique<MemoryCollection>(memory_)); }
  Memory memory_;
  test::RandomPhotos random_{kWidth};
};

TEST_F(CollectionStoreTest, SearchesAreExact) {
  const auto photos = random_.make(2300);
  CollectionStore store = open();
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  CollectionStore again = open();
  test::expect_exact_searches(again, photos, random_);
  StoreQuery query;
  query.vector = random_.query();
  query.exact = false;
  EXPECT_EQ(again.search(query).size(), 10u) << "among what the server finds";
}

TEST_F(CollectionStoreTest, EverythingComesBack) {
  const auto photos = random_.make(100);
  CollectionStore store = open();
  EXPECT_FALSE(store.model().has_value());
  EXPECT_EQ(store.count({}), 0);
  EXPECT_THAT([&] { store.find("x"); }, ThrowsMessage<InvalidInput>(HasSubstr("the store has no photos yet")));
  store.set_model(test::model_of_width(kWidth));
  for (const library::Root& root : {library::Root{"/photos/1", {}}, {"/photos", {"*.tif"}}, {"/z", {}}})
    store.set_root(root);
  store.put(photos);
  CollectionStore again = open();
  test::expect_photos(again, photos);
  EXPECT_EQ(again.roots(), (std::vector<library::Root>{{"/photos", {"*.tif"}}, {"/z", {}}}));
  EXPECT_EQ(again.model()->json(), test::model_of_width(kWidth).json());
  EXPECT_EQ(again.find("/photos/1/00001.jpg").hash, photos[1].hash);
  EXPECT_EQ(again.find(photos[7].hash.hex().substr(0, 9)).files, photos[7].files);
  EXPECT_THAT([&] { again.find("abcde"); }, ThrowsMessage<InvalidInput>(HasSubstr("the store has no photo")));
  EXPECT_EQ(again.sample(20).size(), 20u);
  EXPECT_EQ(again.shared_files(), nullptr);
}

TEST_F(CollectionStoreTest, FilesAreAddedAndThoseWithoutAUtf8NameLeftOut) {
  auto photos = random_.make(2);
  CollectionStore store = open();
  store.set_model(test::model_of_width(kWidth));
  store.put(photos);
  std::vector<StoredPhoto> again{photos[1]};
  again[0].files = {{"/photos/zzz.jpg", 5, 6, 7}, {"/photos/\xff.jpg", 5, 6, 7}};
  again[0].metadata.caption = "another one";
  store.put(again);
  photos[1].files.push_back(again[0].files[0]);
  photos[1].metadata.caption = "another one";
  test::expect_photos(store, photos);
}

TEST_F(CollectionStoreTest, OtherModelsAndNewerFormatsAreRefused) {
  CollectionStore store = open();
  store.set_model(test::model_of_width(kWidth));
  EXPECT_THAT([&] { store.set_model(test::model_of_width(kWidth, "other")); },
              ThrowsMessage<InvalidInput>(HasSubstr("another vector space")));
  memory_.settings["format"] = 2;
  EXPECT_THAT([&] { open(); },
              ThrowsMessage<InvalidInput>(HasSubstr("[memory] has format 2, which a newer version of e5v wrote")));
}

}  // namespace
}  // namespace e5v::stores::rest
