#include "library/embedding_run.h"

#include <gmock/gmock.h>

#include <deque>

#include "base/error.h"
#include "base/interrupted.h"
#include "golden.h"
#include "image/encode.h"
#include "library/walk.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Keeps what it is given.
struct ListTarget : IndexTarget {
  std::deque<FileEntry> files;
  std::vector<Hash128> before;
  bool describes = false;
  std::vector<std::unique_ptr<NewPhoto>> photos;
  IndexBatch rest;

  std::optional<FileEntry> next_file() override {
    if (files.empty()) return std::nullopt;
    FileEntry file = files.front();
    files.pop_front();
    return file;
  }
  bool has_photo(const Hash128& hash) override { return std::ranges::find(before, hash) != before.end(); }
  bool describes_known_files() const override { return describes; }
  Indexed commit(const IndexBatch& batch) override {
    Indexed done;
    for (const auto& photo : batch.photos) photos.push_back(std::make_unique<NewPhoto>(*photo)), ++done.embedded;
    rest.known.insert(rest.known.end(), batch.known.begin(), batch.known.end());
    rest.failed.insert(rest.failed.end(), batch.failed.begin(), batch.failed.end());
    rest.described.insert(rest.described.end(), batch.described.begin(), batch.described.end());
    done.known = std::ssize(batch.known), done.failed = std::ssize(batch.failed);
    return done;
  }
};

class EmbeddingRunTest : public testing::Test {
 protected:
  static const Embedder& embedder() {
    static const Embedder embedder = Embedder::load(test::golden("ckpt/tiny-small-f32"));
    return embedder;
  }
  std::string make(const std::string& name, std::uint8_t colour) {
    image::Bitmap bitmap(20, 10);
    std::fill(bitmap.pixels.begin(), bitmap.pixels.end(), colour);
    return add(name, image::encode_jpeg(bitmap, 90));
  }
  std::string add(const std::string& name, const std::string& content) {
    const std::string path = folder_.write(name, content).string();
    target_.files.push_back({std::ssize(target_.files), *image_status(path), {}, FileState::waiting, ""});
    return path;
  }
  Indexed run(const IndexHooks& hooks = {}) { return embed_into(target_, embedder(), {}, {}, hooks); }

  const test::TemporaryFolder folder_;
  ListTarget target_;
};

TEST_F(EmbeddingRunTest, PhotosComeWithVectorMetadataAndAllTheirFiles) {
  const std::string a = make("a.jpg", 10);
  make("b.jpg", 10), make("c.jpg", 99);
  EXPECT_EQ(run().total(), 2);
  ASSERT_EQ(target_.photos.size(), 2u);
  EXPECT_EQ(target_.photos[0]->files.size(), 2u);
  EXPECT_EQ(target_.photos[0]->metadata.width, 20);
  EXPECT_EQ(target_.photos[0]->hash, content_hash(folder_.read("a.jpg")));
  const Embeddings expected = embedder().embed(std::vector{Input::from_image(a)});
  EXPECT_THAT(target_.photos[0]->vector, testing::Pointwise(testing::FloatEq(), expected.row(0)));
}

TEST_F(EmbeddingRunTest, KnownContentsNeedNoVectorAndAreDescribedOnRequest) {
  make("a.jpg", 10);
  target_.before = {content_hash(folder_.read("a.jpg"))};
  EXPECT_EQ(run(), (Indexed{.known = 1}));
  EXPECT_TRUE(target_.rest.described.empty());
  make("b.jpg", 10);
  target_.describes = true;
  folder_.write("b.txt", "a caption");
  EXPECT_EQ(run(), (Indexed{.known = 1}));
  ASSERT_EQ(target_.rest.described.size(), 1u);
  EXPECT_EQ(target_.rest.described[0].second.caption, "a caption");
}

TEST_F(EmbeddingRunTest, FilesThatCannotBeReadHaveReasonsWithoutTheirPaths) {
  add("a.jpg", "<html>"), make("b.jpg", 10);
  std::filesystem::remove(make("gone.jpg", 20));
  IndexHooks hooks;
  std::vector<std::string> told;
  std::int64_t advanced = 0;
  hooks.failed = [&](const std::string& path, const std::string&) { told.push_back(path); };
  hooks.advanced = [&](std::int64_t files) { advanced += files; };
  EXPECT_EQ(run(hooks), (Indexed{.embedded = 1, .failed = 1}));
  EXPECT_EQ(told, std::vector{(folder_.path() / "a.jpg").string()});
  EXPECT_EQ(advanced, 2);
  EXPECT_THAT(target_.rest.failed.at(0).reason, testing::Not(HasSubstr("a.jpg")));
  EXPECT_THAT(
      [&] {
        read_within({"/x", 11, 0}, 10);
      },
      ThrowsMessage<InvalidInput>(HasSubstr("[/x] has 11 bytes, expected at most 10")));
}

TEST_F(EmbeddingRunTest, AnInterruptCommitsWhatIsDone) {
  make("large.jpg", 10), make("b.jpg", 10);
  int calls = 0;
  IndexHooks hooks;
  hooks.max_file_bytes = 100;
  hooks.check_stop = [&] {
    if (++calls == 2) throw Interrupted();
  };
  EXPECT_THROW(run(hooks), Interrupted);
  EXPECT_EQ(target_.rest.failed.size(), 1u);
}

}  // namespace
}  // namespace e5v::library
