#include "library/library.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "library/rounded_rows.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class LibraryTest : public testing::Test {
 protected:
  static ModelRecord model(const std::string& weights = "w") {
    ModelRecord record;
    record.folder = "/m";
    record.fingerprint.weights = weights;
    record.width = 2;
    return record;
  }
  fs::path path() const { return folder_.path() / "library"; }
  /// A photo with a file; its vector is (row, 0).
  static void add(Library& library, int row) {
    const Hash128 hash{static_cast<std::uint64_t>(row), 7};
    EXPECT_EQ(library.writer().add(std::vector{static_cast<float>(row), 0.f}), row);
    library.writer().flush();
    const FileStatus status{fmt::format("/p/{}.jpg", row), 1, 1};
    library.catalogue().add_waiting(status);
    library.catalogue().add_photo(hash, row, {});
    library.catalogue().set_done(library.catalogue().find(status.path)->id, status, hash);
  }
  /// The first numbers of all vectors, read by another process.
  std::vector<float> stored() const {
    Library reader(path());
    std::vector<float> numbers;
    const auto rows = reader.vectors();
    for (std::int64_t i = 0; rows && i < rows->rows(); ++i) numbers.push_back(static_cast<float>(rows->row(i)[0]));
    return numbers;
  }
  /// Whether a search finds the rounded form of all rows, and no other one is there.
  bool is_rounded(std::int64_t rows) const {
    Library reader(path());
    const fs::path folder = rounded_folder(reader.vectors_path());
    const auto others = std::ranges::count_if(fs::directory_iterator(path()), [&](const fs::directory_entry& entry) {
      return entry.path().filename().string().starts_with("rounded") && entry.path() != folder;
    });
    return others == 0 && RoundedRows(reader.vectors_path(), reader.vectors()->matrix()).is_mapped() &&
           fs::file_size(folder / "rounded.bounds") == static_cast<std::uint64_t>(16 * rows);
  }
  std::vector<fs::path> vector_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path()))
      if (entry.path().extension() == ".f16") files.push_back(entry.path());
    return files;
  }
  test::TemporaryFolder folder_;
};

TEST_F(LibraryTest, AReaderSeesWhatTheWriterHasCommitted) {
  Library writer(path(), "test");
  EXPECT_THAT(stored(), ElementsAre());
  writer.set_model(model());
  add(writer, 0), add(writer, 1);
  EXPECT_THAT(stored(), ElementsAre(0, 1));
  EXPECT_EQ(Library(path()).model()->folder, "/m");
}

TEST_F(LibraryTest, RowsThatTheCatalogueDoesNotNameAreCut) {
  {
    Library writer(path(), "test");
    writer.set_model(model());
    add(writer, 0);
    writer.writer().add(std::vector{9.f, 9.f});
    writer.writer().flush();
  }
  std::ofstream(vector_files().front(), std::ios::app) << "x";  // a part of a row
  Library writer(path(), "test");
  EXPECT_EQ(fs::file_size(vector_files().front()), 4u);
  EXPECT_TRUE(is_rounded(1));
  add(writer, 1);
  EXPECT_THAT(stored(), ElementsAre(0, 1));
}

TEST_F(LibraryTest, PhotosWhoseRowsWereLostWaitAgain) {
  {
    Library writer(path(), "test");
    writer.set_model(model());
    add(writer, 0), add(writer, 1);
  }
  fs::resize_file(vector_files().front(), 5);
  EXPECT_THAT([&] { stored(); }, ThrowsMessage<InvalidInput>(HasSubstr("has 5 bytes, expected 2 rows of 4")));
  Library writer(path(), "test");
  EXPECT_THAT(stored(), ElementsAre(0));
  EXPECT_TRUE(is_rounded(1));
  EXPECT_EQ(writer.catalogue().files_with(FileState::waiting).front().status.path, "/p/1.jpg");
}

TEST_F(LibraryTest, AnotherModelIsRefusedUnlessTheVectorsAreForgotten) {
  Library writer(path(), "test");
  EXPECT_THAT([&] { writer.writer(); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a library with a model")));
  writer.set_model(model());
  add(writer, 0);
  EXPECT_THAT([&] { writer.set_model(model("x")); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected weights w, found x")));
  writer.forget_vectors();
  EXPECT_EQ(writer.catalogue().counts(), (Counts{.waiting = 1}));
  EXPECT_THAT(stored(), ElementsAre());
  ModelRecord wider = model("x");
  wider.width = 3;
  writer.set_model(wider);
  EXPECT_EQ(writer.writer().add(std::vector{1.f, 2.f, 3.f}), 0);
}

TEST_F(LibraryTest, PurgingFreesTheRowsOfPhotosWithoutFiles) {
  Library writer(path(), "test");
  EXPECT_EQ(writer.purge(), 0);
  writer.set_model(model());
  for (int row = 0; row < 4; ++row) add(writer, row);
  const auto mark = [&](const char* file) {
    writer.catalogue().set_state(writer.catalogue().find(file)->id, FileState::gone);
  };
  mark("/p/0.jpg"), mark("/p/2.jpg");
  EXPECT_EQ(writer.purge(), 2);
  EXPECT_THAT(stored(), ElementsAre(1, 3));
  EXPECT_EQ(vector_files().size(), 1u);
  EXPECT_TRUE(is_rounded(2));
  EXPECT_EQ(writer.purge(), 0);
  EXPECT_EQ(writer.writer().add(std::vector{5.f, 0.f}), 2) << "new rows follow";
}

TEST_F(LibraryTest, OpeningMakesAMissingRoundedFormAndRemovesLeftFiles) {
  {
    Library writer(path(), "test");
    writer.set_model(model());
    add(writer, 0), add(writer, 1);
  }
  const fs::path vectors = vector_files().front();
  fs::remove_all(rounded_folder(vectors));  // as in a library of an older version
  fs::copy_file(vectors, path() / "vectors-7.f16");
  fs::create_directory(path() / "rounded-7");
  EXPECT_THAT(stored(), ElementsAre(0, 1));
  Library writer(path(), "test");
  EXPECT_TRUE(is_rounded(2));
  EXPECT_EQ(vector_files(), std::vector{vectors});
}

TEST_F(LibraryTest, TheSecondWriterAndMissingLibrariesAreRefused) {
  EXPECT_THAT([&] { Library reader(path()); }, ThrowsMessage<InvalidInput>(HasSubstr("there is no library of photos")));
  const Library writer(path(), "e5v index");
  EXPECT_THAT([&] { Library(path(), "e5v index"); }, ThrowsMessage<InvalidInput>(HasSubstr("is writing this library")));
  folder_.write("file", "");
  EXPECT_THAT([&] { Library(folder_.path() / "file/x", "e5v index"); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot be made")));
}

TEST_F(LibraryTest, TheDefaultFolderIsThatOfTheUsersData) {
  const auto with = [](const char* data, const char* home) {
    data == nullptr ? ::unsetenv("XDG_DATA_HOME") : ::setenv("XDG_DATA_HOME", data, 1);
    home == nullptr ? ::unsetenv("HOME") : ::setenv("HOME", home, 1);
  };
  const std::string home = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
  with("/data", "/home/a");
  EXPECT_EQ(Library::default_folder(), "/data/e5v/library");
  with(nullptr, "/home/a");
  EXPECT_EQ(Library::default_folder(), "/home/a/.local/share/e5v/library");
  with("relative", "/home/a");  // the specification says that it is to be ignored
  EXPECT_EQ(Library::default_folder(), "/home/a/.local/share/e5v/library");
  with(nullptr, nullptr);
  EXPECT_THAT([] { Library::default_folder(); }, ThrowsMessage<InvalidInput>(HasSubstr("HOME or XDG_DATA_HOME")));
  with(nullptr, home.c_str());
}

}  // namespace
}  // namespace e5v::library
