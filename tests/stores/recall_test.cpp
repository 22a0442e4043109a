#include "stores/recall.h"

#include "stores/library_store.h"
#include "stores/stored_photos.h"
#include "temporary_folder.h"

namespace e5v::stores {
namespace {

/// A library whose searches that need not be exact find only the first `kept` photos of ten.
class ForgetfulStore : public LibraryStore {
 public:
  using LibraryStore::LibraryStore;
  std::vector<StoreMatch> search(const StoreQuery& query) override {
    std::vector<StoreMatch> matches = LibraryStore::search(query);
    for (const StoreMatch& match : matches) EXPECT_NE(match.photo.hash, query.without);
    if (!query.exact) matches.resize(std::min(kept, matches.size()));
    return matches;
  }
  std::size_t kept = 10;
};

TEST(RecallTest, ItIsTheShareOfTheExactList) {
  const test::TemporaryFolder folder;
  ForgetfulStore store(folder.path(), "test");
  EXPECT_EQ(measure_recall(store).queries, 0);
  store.set_model(test::model_of_width(32));
  store.put(test::RandomPhotos(32).make(100));
  ForgetfulStore read(folder.path());
  const Recall all = measure_recall(read);
  EXPECT_EQ(all.share, 1);
  EXPECT_EQ(all.queries, 50);
  EXPECT_EQ(all.top, 10);
  EXPECT_GT(all.exact_seconds, 0);
  read.kept = 7;
  EXPECT_DOUBLE_EQ(measure_recall(read, 20).share, 0.7);
}

}  // namespace
}  // namespace e5v::stores
