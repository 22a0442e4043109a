#include "library/reader.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "library/listing.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ReaderTest : public testing::Test {
 protected:
  static constexpr std::int64_t kWidth = 4;

  static ModelRecord model(const char* weights) {
    ModelRecord model;
    model.folder = "/m";
    model.width = kWidth;
    model.fingerprint.weights = weights;
    return model;
  }
  static void add(Library& library, std::uint64_t number) {
    std::vector<float> vector(kWidth);
    vector[number % kWidth] = 1;
    const Hash128 hash{number, 0};
    const FileStatus status{fmt::format("/p/{}.jpg", number), 1, 1};
    library.catalogue().add_photo(hash, library.writer().add(vector), {});
    library.catalogue().add_waiting(status);
    library.catalogue().set_done(library.catalogue().find(status.path)->id, status, hash);
    library.writer().flush();
  }
  void SetUp() override {
    Library library(folder_.path(), "test");
    library.set_model(model("one"));
    add(library, 1);
  }
  static std::int64_t rows(LibraryReader& reader) {
    return reader.read([](const LibraryReader::View& view) { return view.index.rows(); });
  }
  static std::int64_t state(LibraryReader& reader) {
    return reader.read([](const LibraryReader::View& view) { return view.state; });
  }

  test::TemporaryFolder folder_;
};

TEST_F(ReaderTest, NewPhotosAreSeenSoon) {
  LibraryReader reader(folder_.path());
  EXPECT_EQ(reader.model().folder, "/m");
  EXPECT_EQ(rows(reader), 1);
  const std::int64_t before = state(reader);
  EXPECT_EQ(state(reader), before);
  Library writer(folder_.path(), "test");
  add(writer, 2);
  EXPECT_GT(state(reader), before);
  // The catalogue is that of now, also while the index is still the old one.
  EXPECT_EQ(reader.read([](const LibraryReader::View& view) { return row_of(view.database, {2, 0}); }), 1);
  for (int i = 0; i < 200 && rows(reader) < 2; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(rows(reader), 2);
}

TEST_F(ReaderTest, RowsThatMoveAreNeverMixed) {
  {
    Library writer(folder_.path(), "test");
    add(writer, 2), add(writer, 3);
  }
  LibraryReader reader(folder_.path());
  EXPECT_EQ(rows(reader), 3);
  Library writer(folder_.path(), "test");
  writer.catalogue().set_state(writer.catalogue().find("/p/1.jpg")->id, FileState::gone);
  writer.purge();  // moves the vectors of the others
  const auto found = reader.read([](const LibraryReader::View& view) {
    const std::vector<float> query{0, 0, 1, 0};
    const auto best = view.index.search(query, allowed_rows(view.database, {}), 1, -1).at(0);
    return photo_of_row(view.database, best.row).hash;
  });
  EXPECT_EQ(found.low, 2u);
  EXPECT_EQ(rows(reader), 2);
}

TEST_F(ReaderTest, ItHoldsNoTransactionBetweenCalls) {
  LibraryReader reader(folder_.path());
  rows(reader);
  Library writer(folder_.path(), "test");
  add(writer, 2);
  Statement checkpoint(writer.catalogue().database(), "PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_TRUE(checkpoint.step());
  EXPECT_EQ(checkpoint.column<int>(0), 0) << "a reader keeps the log";
}

TEST_F(ReaderTest, AnotherModelIsAnError) {
  LibraryReader reader(folder_.path());
  Library writer(folder_.path(), "test");
  writer.forget_vectors();
  EXPECT_THAT([&] { rows(reader); }, ThrowsMessage<InvalidInput>(HasSubstr("another model")));
  writer.set_model(model("two"));
  EXPECT_THAT([&] { rows(reader); }, ThrowsMessage<InvalidInput>(HasSubstr("start the server again")));
}

TEST_F(ReaderTest, ALibraryWithoutVectorsIsAnError) {
  const test::TemporaryFolder empty;
  EXPECT_THAT([&] { LibraryReader reader(empty.path()); },
              ThrowsMessage<InvalidInput>(HasSubstr("there is no library")));
  Library library(empty.path(), "test");
  EXPECT_THAT([&] { LibraryReader reader(empty.path()); }, ThrowsMessage<InvalidInput>(HasSubstr("no vectors yet")));
}

}  // namespace
}  // namespace e5v::library
