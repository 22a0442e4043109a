#include "stores/postgres/files.h"

#include <atomic>
#include <thread>

#include "stores/postgres/database.h"
#include "stores/postgres/store.h"

namespace e5v::stores::postgres {
namespace {

using namespace std::chrono_literals;
using library::Changes;
using library::FileStatus;
using library::Indexed;
using library::Walked;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kWidth = 8;

class FilesTest : public test::PostgresTest {
 protected:
  FilesTest() {
    store_.set_model(test::model_of_width(kWidth));
    for (int i = 0; i < 100; ++i) walked_.files.push_back({fmt::format("/p/{:03}.jpg", i), 10, 20, 0});
  }

  static Hash128 hash_of(const std::string& path) { return Hasher().add(path).digest(); }
  /// A batch with a photo for each file, whose content is its path.
  static library::IndexBatch batch_of(const std::vector<library::FileEntry>& files) {
    library::IndexBatch batch;
    for (const library::FileEntry& file : files) {
      auto& photo = *batch.photos.emplace_back(std::make_unique<library::NewPhoto>());
      photo.hash = hash_of(file.status.path);
      photo.vector = {1, 0, 0, 0, 0, 0, 0, 0};
      photo.files.push_back({file.id, file.status, photo.hash});
    }
    return batch;
  }
  Indexed settle_all(Files& files) {
    files.begin_claims(std::vector<std::string>{"/p"}, 10s);
    Indexed done;
    for (auto claimed = files.claim(1000); !claimed.empty(); claimed = files.claim(1000))
      done += files.commit(batch_of(claimed));
    files.end_claims();
    return done;
  }

  Store store_{url()};
  Files& files_ = dynamic_cast<Files&>(*store_.shared_files());
  Walked walked_;
};

TEST_F(FilesTest, ChangesAreThoseOfALibrary) {
  EXPECT_EQ(files_.record("/p", walked_), (Changes{.added = 100}));
  EXPECT_EQ(files_.record("/p", walked_), (Changes{.unchanged = 100}));
  EXPECT_EQ(settle_all(files_), (Indexed{.embedded = 100}));
  Walked now = walked_;
  now.files.erase(now.files.begin(), now.files.begin() + 3);  // 000 to 002
  now.files[0].size = 11;                                     // 003
  now.files[1].sidecars = 5;                                  // 004
  now.files.push_back({"/p/new.jpg", 1, 2, 0});
  now.files.push_back({"/p/not utf-8 \xff.jpg", 1, 2, 0});
  EXPECT_EQ(files_.record("/p", now), (Changes{.unchanged = 96, .added = 1, .changed = 2, .gone = 3}));
  EXPECT_EQ(store_.count({}), 95);
  now.files.insert(now.files.begin(), walked_.files[2]);
  now.unreadable = {"/p/q"};
  EXPECT_EQ(files_.record("/p", now).returned, 1);
  EXPECT_EQ(files_.record("/elsewhere", {}), Changes());
  EXPECT_EQ(files_.counts(), (library::Counts{.waiting = 3, .done = 96, .failed = 0, .gone = 2, .vectors = 100}));
  EXPECT_EQ(files_.purge(), 2);
  EXPECT_EQ(files_.counts().vectors, 96) << "the photos of 003 and 004 have no files, too";
}

TEST_F(FilesTest, UnreadableFoldersKeepTheirPhotos) {
  walked_.files.push_back({"/p/q/x.jpg", 1, 2, 0});
  files_.record("/p", walked_);
  settle_all(files_);
  walked_.files.pop_back();
  walked_.unreadable = {"/p/q"};
  EXPECT_EQ(files_.record("/p", walked_).gone, 0);
  walked_.unreadable.clear();
  EXPECT_EQ(files_.record("/p", walked_).gone, 1);
}

TEST_F(FilesTest, NoFileIsClaimedTwice) {
  files_.record("/p", walked_);
  std::vector<std::thread> programs;
  std::atomic<std::int64_t> claimed = 0, embedded = 0;
  for (int i = 0; i < 4; ++i)
    programs.emplace_back([&] {
      Store store(url());
      SharedFiles& files = *store.shared_files();
      files.begin_claims(std::vector<std::string>{"/p"}, 60s);
      for (auto some = files.claim(7); !some.empty(); some = files.claim(7)) {
        claimed += std::ssize(some);
        embedded += files.commit(batch_of(some)).embedded;
      }
      files.end_claims();
    });
  for (std::thread& program : programs) program.join();
  EXPECT_EQ(claimed, 100);
  EXPECT_EQ(embedded, 100);
  EXPECT_EQ(number("SELECT count(*) FROM e5v.files WHERE claimed_by IS NOT NULL"), 0);
}

TEST_F(FilesTest, ClaimsEndWithTheirTimeUnlessTheyAreRenewed) {
  files_.record("/p", walked_);
  Store other(url());
  files_.begin_claims(std::vector<std::string>{"/p"}, 600ms);
  EXPECT_EQ(files_.claim(60).size(), 60u);
  other.shared_files()->begin_claims(std::vector<std::string>{"/p"}, 60s);
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(other.shared_files()->claim(1000).size(), 40u) << "the others are renewed";
  connection_.execute(
      "UPDATE e5v.files SET claimed_until = now() - interval '1 second' WHERE claimed_until < now() + "
      "interval '30 seconds'");
  EXPECT_EQ(other.shared_files()->claim(1000).size(), 60u);
}

TEST_F(FilesTest, WhoHasLostAClaimSettlesNothingAndNoPhotoIsThereTwice) {
  files_.record("/p", walked_);
  files_.begin_claims(std::vector<std::string>{"/p"}, 60s);
  const auto claimed = files_.claim(10);
  connection_.execute("UPDATE e5v.files SET claimed_by = 'other' WHERE claimed_by IS NOT NULL");
  files_.commit(batch_of(claimed));
  EXPECT_EQ(files_.waiting(), 100);
  connection_.execute("UPDATE e5v.files SET claimed_by = NULL, claimed_until = NULL");
  EXPECT_EQ(settle_all(files_), (Indexed{.embedded = 90, .known = 10}));
  EXPECT_EQ(files_.counts().vectors, 100);
}

TEST_F(FilesTest, OnlyFilesOfTheFoldersAreClaimed) {
  files_.record("/p", walked_);
  files_.begin_claims(std::vector<std::string>{"/q", "/p/0"}, 60s);
  EXPECT_TRUE(files_.claim(10).empty());
  EXPECT_EQ(files_.waiting(), 0);
  files_.begin_claims({}, 60s);
  EXPECT_TRUE(files_.claim(10).empty());
}

TEST_F(FilesTest, FailedMovedAndForgottenFiles) {
  files_.record("/p", walked_);
  files_.begin_claims(std::vector<std::string>{"/p"}, 60s);
  auto claimed = files_.claim(100);
  files_.forget(claimed.back().id);
  claimed.pop_back();
  library::IndexBatch batch;
  batch.failed.push_back({claimed.back().id, claimed.back().status, "no \xff image"});
  claimed.pop_back();
  EXPECT_EQ(files_.commit(batch), (Indexed{.failed = 1}));
  EXPECT_EQ(files_.commit(batch_of(claimed)), (Indexed{.embedded = 98}));
  EXPECT_EQ(files_.failed().at(0).reason, "no \uFFFD image");
  EXPECT_EQ(files_.failed().at(0).status.path, "/p/098.jpg");
  files_.retry_failed();
  EXPECT_EQ(files_.waiting(), 1);
  Walked now = walked_;
  now.files.resize(98);
  now.files[0].path = "/p/renamed.jpg";
  EXPECT_EQ(files_.record("/p", now), (Changes{.unchanged = 97, .added = 1, .gone = 2}));
  files_.begin_claims(std::vector<std::string>{"/p"}, 60s);
  const auto renamed = files_.claim(10);
  ASSERT_EQ(renamed.size(), 1u);
  EXPECT_TRUE(files_.has_photo(hash_of("/p/000.jpg")));
  EXPECT_FALSE(files_.has_photo(hash_of("/p/renamed.jpg")));
  library::IndexBatch moved;
  moved.known.push_back({renamed[0].id, renamed[0].status, hash_of("/p/000.jpg")});
  EXPECT_EQ(files_.commit(moved), (Indexed{.moved = 1}));
  EXPECT_EQ(files_.counts(), (library::Counts{.waiting = 0, .done = 98, .failed = 0, .gone = 0, .vectors = 98}));
}

TEST_F(FilesTest, ARebuildRefusesVectorsOfTheModelBefore) {
  files_.record("/p", walked_);
  files_.begin_claims(std::vector<std::string>{"/p"}, 60s);
  const auto claimed = files_.claim(10);
  Store other(url());
  other.shared_files()->rebuild(test::model_of_width(16, "other"));
  EXPECT_THAT([&] { files_.commit(batch_of(claimed)); },
              ThrowsMessage<InvalidInput>(HasSubstr("another program has given the store another model")));
  EXPECT_EQ(other.model()->width, 16);
  EXPECT_EQ(other.shared_files()->counts().waiting, 100);
}

}  // namespace
}  // namespace e5v::stores::postgres
