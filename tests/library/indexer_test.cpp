#include "library/indexer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/interrupted.h"
#include "golden.h"
#include "image/encode.h"
#include "library/changes.h"
#include "library/metadata_module.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

class IndexerTest : public testing::Test {
 protected:
  static const Embedder& embedder() {
    static const Embedder embedder = Embedder::load(test::golden("ckpt/tiny-small-f32"));
    return embedder;
  }
  void SetUp() override {
    library_.set_model(ModelRecord::of(embedder(), test::golden("ckpt/tiny-small-f32"), {}, {}));
  }

  fs::path path(const std::string& name) const { return photos_.path() / name; }
  /// A JPEG of one colour.
  void make(const std::string& name, std::uint8_t colour) const {
    image::Bitmap bitmap(20, 10);
    std::fill(bitmap.pixels.begin(), bitmap.pixels.end(), colour);
    photos_.write(name, image::encode_jpeg(bitmap, 90));
  }
  Changes record() {
    return record_changes(library_.catalogue(), root_, walk(root_, WalkFilter({root_, {}}, "/none")));
  }
  Indexed index(const IndexHooks& hooks = {}) {
    record();
    Indexed done = recognise_files(library_, hooks);
    return done += embed_files(library_, embedder(), {}, hooks);
  }
  std::vector<float> vector_of(const std::string& name) {
    const auto rows = library_.vectors();
    for (const auto& [hash, row] : library_.catalogue().rows_of_photos()) {
      if (library_.catalogue().find(root_ + "/" + name)->hash != hash) continue;
      std::vector<float> vector;
      for (const tensor::Half value : rows->row(row)) vector.push_back(static_cast<float>(value));
      return vector;
    }
    return {};
  }

  test::TemporaryFolder folder_, photos_;
  std::string root_ = fs::canonical(photos_.path()).string();
  Library library_{folder_.path(), "test"};
};

TEST_F(IndexerTest, VectorsAreThoseOfTheEmbedder) {
  make("a.jpg", 10), make("b.jpg", 200);
  EXPECT_EQ(index(), (Indexed{.embedded = 2}));
  const Embeddings expected =
      embedder().embed(std::vector{Input::from_image(path("a.jpg")), Input::from_image(path("b.jpg"))});
  EXPECT_THAT(vector_of("a.jpg"), Pointwise(FloatNear(1e-3f), expected.row(0)));
  EXPECT_THAT(vector_of("b.jpg"), Pointwise(FloatNear(1e-3f), expected.row(1)));
}

TEST_F(IndexerTest, MovedAndRenamedFilesKeepTheirVectors) {
  make("a.jpg", 10), make("b.jpg", 200);
  index();
  const std::vector<float> before = vector_of("a.jpg");
  fs::create_directory(path("x"));
  fs::rename(path("a.jpg"), path("x/a.jpg"));
  fs::rename(path("b.jpg"), path("c.jpg"));
  record();
  EXPECT_EQ(recognise_files(library_), (Indexed{.moved = 2}));
  EXPECT_EQ(library_.catalogue().counts(), (Counts{.done = 2, .vectors = 2}));
  EXPECT_EQ(vector_of("x/a.jpg"), before);
}

TEST_F(IndexerTest, EqualFilesShareAVector) {
  make("a.jpg", 10), make("b.jpg", 10);
  EXPECT_EQ(index(), (Indexed{.embedded = 1, .known = 1}));
  make("c.jpg", 10);
  EXPECT_EQ(index(), (Indexed{.known = 1}));
  EXPECT_EQ(library_.catalogue().counts(), (Counts{.done = 3, .vectors = 1}));
}

TEST_F(IndexerTest, AChangedFileGetsAnotherVector) {
  make("a.jpg", 10);
  index();
  const std::vector<float> before = vector_of("a.jpg");
  make("a.jpg", 250);
  fs::last_write_time(path("a.jpg"), fs::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(index(), (Indexed{.embedded = 1}));
  EXPECT_NE(vector_of("a.jpg"), before);
}

TEST_F(IndexerTest, BrokenFilesHaveTheirReasonsAndStopNothing) {
  make("a.jpg", 10);
  photos_.write("cut.jpg", photos_.read("a.jpg").substr(0, 200));
  photos_.write("empty.png", "");
  photos_.write("page.jpg", "<html><body>not found</body></html>");
  make("z.jpg", 20);
  std::vector<std::string> told;
  IndexHooks hooks;
  hooks.failed = [&](const std::string& file, const std::string&) { told.push_back(fs::path(file).filename()); };
  EXPECT_EQ(index(hooks), (Indexed{.embedded = 2, .failed = 3}));
  EXPECT_THAT(told, ElementsAre("cut.jpg", "empty.png", "page.jpg"));
  const auto failed = library_.catalogue().files_with(FileState::failed);
  ASSERT_EQ(failed.size(), 3u);
  EXPECT_THAT(failed[0].reason, HasSubstr("JPEG"));
  EXPECT_THAT(failed[2].reason, testing::StartsWith("image: expected")) << "the path is not repeated";
  EXPECT_EQ(index(hooks), Indexed()) << "they are not tried again";
  make("cut.jpg", 30);
  EXPECT_EQ(index(hooks), (Indexed{.embedded = 1})) << "until they change";
}

TEST_F(IndexerTest, WhatWasComputedBeforeAnInterruptIsKept) {
  for (int i = 0; i < 8; ++i) make(fmt::format("{}.jpg", i), static_cast<std::uint8_t>(30 * i));
  record();
  int asked = 0;
  IndexHooks hooks;
  hooks.check_stop = [&] {
    if (++asked == 6) throw Interrupted();
  };
  RunOptions small;
  small.token_budget = 1;  // an image per batch
  EXPECT_THROW(embed_files(library_, embedder(), small, hooks), Interrupted);
  const Counts counts = library_.catalogue().counts();
  EXPECT_EQ(counts.done + counts.waiting, 8);
  EXPECT_EQ(counts.done, counts.vectors);
  EXPECT_EQ(embed_files(library_, embedder()).embedded, counts.waiting);
}

TEST_F(IndexerTest, ChangedSidecarsReplaceTheMetadataWithoutAVector) {
  make("a.jpg", 10);
  photos_.write("a.txt", "a grey field");
  index();
  photos_.write("a.txt", "a field of snow");
  EXPECT_EQ(record(), (Changes{.described = 1}));
  EXPECT_EQ(refresh_metadata(library_), (Indexed{.described = 1}));
  Database& database = library_.catalogue().database();
  EXPECT_EQ(database.number("SELECT count(*) FROM photos WHERE caption = 'a field of snow' AND row = 0"), 1);
  EXPECT_EQ(refresh_metadata(library_), Indexed());
  fs::remove(path("a.txt"));
  record();
  refresh_metadata(library_);
  EXPECT_EQ(database.number("SELECT count(*) FROM photos WHERE caption IS NULL"), 1);
}

TEST_F(IndexerTest, MetadataThatAModuleCouldNotReadAreReadWhenItIsThere) {
  make("a.jpg", 10), make("b.jpg", 20);
  index();
  const bool has_module = metadata_reader().reader != nullptr;
  EXPECT_EQ(library_.catalogue().setting("metadata") == "sizes only", !has_module);
  library_.catalogue().set("metadata", "sizes only");
  EXPECT_EQ(refresh_metadata(library_), (Indexed{.described = has_module ? 2 : 0}));
  EXPECT_EQ(refresh_metadata(library_), Indexed());
}

TEST_F(IndexerTest, FilesAboveTheLimitAreRefused) {
  make("a.jpg", 10);
  IndexHooks hooks;
  hooks.max_file_bytes = 100;
  EXPECT_EQ(index(hooks), (Indexed{.failed = 1}));
  EXPECT_THAT(library_.catalogue().files_with(FileState::failed).front().reason,
              testing::MatchesRegex("has [0-9]+ bytes, expected at most 100"));
}

TEST_F(IndexerTest, MetadataGoesIntoTheCatalogue) {
  make("a.jpg", 10);
  photos_.write("a.txt", "a grey field");
  index();
  EXPECT_EQ(library_.catalogue().database().number("SELECT width FROM photos WHERE caption = 'a grey field'"), 20);
}

}  // namespace
}  // namespace e5v::library
