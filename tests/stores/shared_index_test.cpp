#include "stores/shared_index.h"

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/interrupted.h"
#include "golden.h"
#include "image/encode.h"
#include "stores/stored_photos.h"
#include "temporary_folder.h"

namespace e5v::stores {
namespace {

using Clock = std::chrono::steady_clock;
using library::FileState;

/// What the programs of a test share.
struct SharedTable {
  struct Row {
    library::FileEntry file;
    std::string claimed_by;
    Clock::time_point claimed_until;
  };
  std::mutex mutex;
  std::vector<Row> rows;
  std::map<Hash128, int> photos;  // how often they were added
};

/// A store in memory, as one program sees it.
class MemoryFiles : public SharedFiles {
 public:
  MemoryFiles(SharedTable& table, std::string program) : table_(table), program_(std::move(program)) {}

  library::Changes record(const std::string&, const library::Walked& walked) override {
    for (const library::FileStatus& status : walked.files)
      table_.rows.push_back({{std::ssize(table_.rows), status, {}, FileState::waiting, ""}, "", {}});
    return {};
  }
  void begin_claims(std::span<const std::string>, std::chrono::milliseconds time) override { time_ = time; }
  std::vector<library::FileEntry> claim(std::int64_t count) override {
    const std::lock_guard lock(table_.mutex);
    std::vector<library::FileEntry> files;
    for (auto& row : table_.rows) {
      const bool is_free = row.claimed_by.empty() || row.claimed_until < Clock::now();
      if (row.file.state != FileState::waiting || !is_free || std::ssize(files) == count) continue;
      row.claimed_by = program_, row.claimed_until = Clock::now() + time_;
      files.push_back(row.file);
    }
    return files;
  }
  void forget(std::int64_t file) override { settle(file, FileState::gone); }
  bool has_photo(const Hash128& hash) override {
    const std::lock_guard lock(table_.mutex);
    return table_.photos.contains(hash);
  }
  std::int64_t waiting() override {
    const std::lock_guard lock(table_.mutex);
    return std::ranges::count_if(table_.rows, [](auto& row) { return row.file.state == FileState::waiting; });
  }
  library::Indexed commit(const library::IndexBatch& batch) override {
    library::Indexed done;
    for (const auto& photo : batch.photos) {
      for (const library::KnownFile& file : photo->files) done.embedded += settle(file.id, FileState::done);
      const std::lock_guard lock(table_.mutex);
      ++table_.photos[photo->hash];
    }
    for (const library::KnownFile& file : batch.known) done.known += settle(file.id, FileState::done);
    for (const library::FailedFile& file : batch.failed) done.failed += settle(file.id, FileState::failed);
    described += std::ssize(batch.described);
    return done;
  }
  void end_claims() noexcept override { ++ended; }
  void retry_failed() override {}
  std::int64_t purge() override { return 0; }
  void rebuild(const library::ModelRecord&) override {}
  library::Counts counts() override { return {}; }
  std::vector<library::FileEntry> failed() override { return {}; }

  std::int64_t described = 0;
  int ended = 0;

 private:
  int settle(std::int64_t file, FileState state) {
    const std::lock_guard lock(table_.mutex);
    SharedTable::Row& row = table_.rows[static_cast<std::size_t>(file)];
    if (row.claimed_by != program_) return 0;
    row.file.state = state;
    return 1;
  }

  SharedTable& table_;
  const std::string program_;
  std::chrono::milliseconds time_{0};
};

class SharedIndexTest : public testing::Test {
 protected:
  static const Embedder& embedder() {
    static const Embedder embedder = Embedder::load(test::golden("ckpt/tiny-clip"));
    return embedder;
  }
  void SetUp() override {
    for (int i = 0; i < 40; ++i) {
      image::Bitmap bitmap(20, 10);
      std::fill(bitmap.pixels.begin(), bitmap.pixels.end(), static_cast<std::uint8_t>(6 * i));
      const std::string name = fmt::format("{}.jpg", i);
      walked_.files.push_back(*library::image_status(photos_.write(name, image::encode_jpeg(bitmap, 90)).string()));
    }
    MemoryFiles(table_, "walk").record(folder_, walked_);
  }
  library::Indexed index(MemoryFiles& files, const library::IndexHooks& hooks = {}) {
    return index_shared(files, std::vector{folder_}, std::chrono::seconds(60), embedder(), {}, {}, hooks);
  }

  const test::TemporaryFolder photos_;
  const std::string folder_ = photos_.path().string();
  library::Walked walked_;
  SharedTable table_;
};

TEST_F(SharedIndexTest, ProgramsTogetherIndexEachPhotoOnce) {
  library::Indexed a, b;
  MemoryFiles first(table_, "a"), second(table_, "b");
  std::thread other([&] { b = index(second); });
  a = index(first);
  other.join();
  EXPECT_EQ(a.embedded + b.embedded, 40);
  EXPECT_EQ(table_.photos.size(), 40u);
  for (const auto& [hash, times] : table_.photos) EXPECT_EQ(times, 1);
  EXPECT_EQ(first.ended, 1);
}

TEST_F(SharedIndexTest, TheClaimsOfAKilledProgramAreWaitedFor) {
  MemoryFiles killed(table_, "killed");
  killed.begin_claims({}, std::chrono::milliseconds(700));
  EXPECT_EQ(killed.claim(10).size(), 10u);
  MemoryFiles files(table_, "a");
  EXPECT_EQ(index(files).embedded, 40);
  EXPECT_EQ(table_.photos.size(), 40u);
}

TEST_F(SharedIndexTest, KnownContentsAreDescribedAndMissingFilesForgotten) {
  std::filesystem::remove(photos_.path() / "3.jpg");
  photos_.write("5.jpg", photos_.read("4.jpg"));
  photos_.write("6.jpg", "<html>");
  MemoryFiles files(table_, "a");
  const library::Indexed done = index(files);
  EXPECT_EQ(done.failed, 1);
  EXPECT_EQ(table_.photos.size(), 37u);
  EXPECT_EQ(files.waiting(), 0);
  table_.rows[0].file.state = FileState::waiting;
  table_.rows[0].claimed_by.clear();
  EXPECT_EQ(index(files), (library::Indexed{.known = 1}));
  EXPECT_EQ(files.described, 1);
}

TEST_F(SharedIndexTest, AnInterruptEndsTheClaims) {
  MemoryFiles files(table_, "a");
  library::IndexHooks hooks;
  hooks.check_stop = [] { throw Interrupted(); };
  EXPECT_THROW(index(files, hooks), Interrupted);
  EXPECT_EQ(files.ended, 1);
}

}  // namespace
}  // namespace e5v::stores
