// e5v copy between libraries. Copies with real servers are tested in tests/stores.
#include "apps/photo_library.h"

namespace e5v::test {
namespace {

using testing::HasSubstr;

class Copy : public PhotoLibrary {};

TEST_F(Copy, PhotosAreFoundInTheCopyAndStayThere) {
  copy_drawings(3);
  ASSERT_EQ(index().code, 0);
  const std::string library = path("library"), copy = path("copy");
  EXPECT_THAT(run({"copy", library, copy}).err, HasSubstr("3 photos copied from"));
  const auto search = [&](const std::string& where) {
    return run({"search", "a star", "--library", where, "--format", "paths"}).out;
  };
  EXPECT_EQ(search(copy), search(library));
  std::filesystem::remove(std::filesystem::directory_iterator(photos())->path());
  EXPECT_EQ(run(arguments({})).code, 0);
  EXPECT_THAT(run({"copy", library, copy}).err, HasSubstr("2 photos copied from"));
  EXPECT_NE(search(copy), search(library)) << "nothing is removed from the copy";
}

TEST_F(Copy, BadPlacesAreNamed) {
  for (const std::vector<std::string>& places : {std::vector<std::string>{}, {"only-one"}}) {
    std::vector<std::string> words{"copy"};
    words.insert(words.end(), places.begin(), places.end());
    expect_failure(run(words), 2, "expected FROM and TO, the folder or the address of each (see e5v copy --help)");
  }
  expect_failure(run({"copy", path("nothing"), path("copy")}), 1, "nothing");
  copy_drawings(1);
  ASSERT_EQ(index().code, 0);
  const std::string other = path("other");
  ASSERT_EQ(
      run({"index", photos().string(), "--library", other, "--model", E5V_DEMO_FOLDER "/model", "--dtype", "f32"}).code,
      0);
  expect_failure(run({"copy", path("library"), other}), 1, "has vectors of another vector space than");
}

}  // namespace
}  // namespace e5v::test
