// e5v search: what users find in a library of photos.
#include "apps/photo_library.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Search : public PhotoLibrary {
 protected:
  void copy(const std::vector<std::string>& names) const {
    for (const std::string& name : names) fs::copy_file(E5V_DEMO_FOLDER "/gallery/" + name, photos() / name);
  }
};

TEST_F(Search, PhotosAreFoundByWordsByAnImageAndByBoth) {
  for (const std::string name : {"noto-2764.jpg", "noto-1f499.jpg", "fluent-1f408.jpg"})
    fs::copy_file(E5V_DEMO_FOLDER "/gallery/" + name, photos() / name);
  index();
  const std::string heart = (photos() / "noto-2764.jpg").string();
  EXPECT_EQ(found({"red heart", "--top", "1"}), std::vector<std::string>{"noto-2764.jpg"});
  EXPECT_EQ(found({"red", "heart", "--top", "1"}), std::vector<std::string>{"noto-2764.jpg"});
  EXPECT_EQ(found({"--image", heart, "--top", "1"}), std::vector<std::string>{"noto-2764.jpg"});
  EXPECT_GE(found({"--image", heart, "blue"}).size(), 1u);
  const Json best = Json::parse(lines_of(search({"--image", heart, "--format", "json"}).out).front());
  EXPECT_NEAR(best.at("score").get<double>(), 1, 1e-3);
  EXPECT_EQ(best.at("paths").size(), 1u);
  EXPECT_GT(best.at("width"), 0);
  EXPECT_THAT(search({"--image", heart}).out, HasSubstr("1   1.0000       -  -"));
}

TEST_F(Search, FiltersAndScoresLimitWhatIsFound) {
  copy_drawings(4);
  index();
  EXPECT_EQ(found({"a star", "--top", "2"}).size(), 2u);
  EXPECT_EQ(found({"a star", "--folder", photos().string()}).size(), 4u);
  const Outcome none = search({"a star", "--from", "2019"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("no photo was found among 0 that match the filters"));
  EXPECT_THAT(search({"a star", "--min-score", "1"}).err,
              HasSubstr("no photo was found among 4 that the library holds"));
  expect_failure(search({"a star", "--to", "July"}), 2, "--to: expected a date such as 2019");
  expect_failure(search({"a star", "--from", "2020", "--to", "2019"}), 1,
                 "expected a first date that is not after the last one, found \"2020\" and \"2019\"");
  expect_failure(search({""}), 2, "an argument is empty, expected [TEXT]");
  expect_failure(search({"--image", path("none.jpg")}), 1, "e5v: [" + path("none.jpg") + "] no such file");
  expect_failure(search({}), 2, "a TEXT, --image, --like or --plus is required");
}

TEST_F(Search, APhotoOfTheLibraryNeedsNoModel) {
  copy({"noto-2764.jpg", "noto-1f499.jpg", "fluent-1f408.jpg"});
  fs::copy(E5V_DEMO_FOLDER "/model", path("model"));
  EXPECT_EQ(run(arguments({photos().string(), "--model", path("model")})).code, 0);
  fs::remove_all(path("model"));
  const std::string heart = (photos() / "noto-2764.jpg").string();
  EXPECT_THAT(found({"--like", heart}), ElementsAre("noto-1f499.jpg", "fluent-1f408.jpg")) << "it is not its own match";
  const Json first = Json::parse(lines_of(search({"--like", heart, "--format", "json"}).out).front());
  const std::string hash = first.at("hash");
  EXPECT_THAT(found({"--like", hash.substr(0, 8), "--top", "1"}), ElementsAre("noto-2764.jpg"));
  expect_failure(search({"--like", heart, "blue"}), 1, "/model] ");
  expect_failure(
      search({"--like", "nothing"}), 1,
      "the library has no photo \"nothing\"; expected the path of an indexed file, or at least 6 digits of its "
      "hash");
  expect_failure(search({"--like", heart, "--image", heart}), 2, "--image excludes --like");
}

TEST_F(Search, OptionsThatAreGivenReplaceThoseOfTheLibrary) {
  copy({"noto-2764.jpg", "noto-1f499.jpg"});
  index();
  const std::string heart = (photos() / "noto-2764.jpg").string();
  expect_failure(
      search({"heart", "--dtype", "f32"}), 1,
      "leave out --model and the options that change vectors, so that those of the library (model " E5V_DEMO_FOLDER
      "/model) are used, or index with --rebuild, which computes all vectors again");
  expect_failure(search({"heart", "--alpha", "drop"}), 1, "expected preprocessing ");
  expect_failure(search({"heart", "--adapter", path("none")}), 1, "e5v: [" + path("none"));
  expect_failure(search({"--image", heart, "--max-pixels", "100"}), 1, "expected at most 100 pixels");
  std::string words;
  for (int i = 0; i < 5000; ++i) words += "red ";
  expect_failure(search({words}), 1, "the context holds");
  EXPECT_EQ(found({words, "--truncate"}).size(), 2u);
}

TEST_F(Search, APhotoIsNamedInAFolderOfTheLibrary) {
  copy({"noto-2764.jpg", "noto-1f499.jpg"});
  index();
  EXPECT_THAT(found({"--like", "noto-2764.jpg"}), ElementsAre("noto-1f499.jpg"));
}

TEST_F(Search, TermsAreAddedAndSubtracted) {
  copy({"noto-2764.jpg", "noto-1f499.jpg", "fluent-1f408.jpg"});
  index();
  EXPECT_THAT(found({"--plus", "red heart", "--top", "1"}), ElementsAre("noto-2764.jpg"));
  EXPECT_THAT(found({"heart", "--minus", "red:0.8", "--plus", "blue:0.8", "--top", "1"}),
              ElementsAre("noto-1f499.jpg"));
  EXPECT_EQ(search({"red heart"}).out, search({"--plus", "red heart:1"}).out);
  EXPECT_NE(search({"red heart:1"}).out, search({"red heart"}).out) << "the TEXT has no weight";
  expect_failure(search({"--minus", "red"}), 2, "a TEXT, --image, --like or --plus is required");
  expect_failure(search({"heart", "--minus", "red:0"}), 2, "--minus: expected a weight above 0 and at most 100");
  expect_failure(search({"heart", "--minus", "heart"}), 1, "the parts of the query cancel each other");
}

TEST_F(Search, ScoresAreComparedWithUnrelatedOnes) {
  copy_drawings(40);
  copy({"noto-2764.jpg"});
  index();
  const auto percentile = [&](const std::vector<std::string>& query) {
    std::vector<std::string> rest = query;
    rest.insert(rest.end(), {"--top", "1", "--format", "json"});
    const Json match = Json::parse(lines_of(search(rest).out).front());
    return match.contains("percentile") ? match.at("percentile").get<double>() : -1;
  };
  EXPECT_GT(percentile({"a red heart"}), 99);
  EXPECT_GT(percentile({"--image", (photos() / "noto-2764.jpg").string()}), 99.9) << "it is itself";
  EXPECT_GT(percentile({"heart", "--plus", "red"}), 90);
  EXPECT_EQ(percentile({"--image", (photos() / "noto-2764.jpg").string(), "blue"}), -1) << "nothing to compare with";
  EXPECT_THAT(search({"a red heart", "--top", "1"}).out,
              testing::ContainsRegex("1   0\\.[0-9]+  99\\.[0-9][0-9]%  -  "));
}

TEST_F(Search, ResultsAreWrittenAsAPageAndASheet) {
  copy({"noto-2764.jpg", "noto-1f499.jpg"});
  fs::rename(photos() / "noto-1f499.jpg", photos() / "<b>&.jpg");
  index();
  const Outcome page = search({"heart", "--format", "html", "--contact-sheet", path("sheet.png")});
  EXPECT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(page.out, StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page.out, HasSubstr("<h1>heart</h1>"));
  EXPECT_THAT(page.out, HasSubstr("alt=\"&lt;b&gt;&amp;.jpg\" src=\"data:image/jpeg;base64,"));
  EXPECT_THAT(page.out, HasSubstr("/%3Cb%3E%26.jpg\""));
  EXPECT_THAT(page.out, Not(HasSubstr("<b>")));
  EXPECT_THAT(content_of(path("sheet.png")), StartsWith("\x89PNG"));
  EXPECT_EQ(search({"heart", "--contact-sheet", path("sheet.jpg")}).code, 0);
  EXPECT_THAT(content_of(path("sheet.jpg")), StartsWith("\xFF\xD8"));
  expect_failure(search({"heart", "--contact-sheet", path("sheet.gif")}), 2,
                 "expected a name that ends with .jpg or .png");
  expect_failure(search({"heart", "--contact-sheet", path("none/sheet.jpg")}), 1, "none/sheet.jpg");
  fs::remove(photos() / "noto-2764.jpg");
  EXPECT_THAT(search({"heart", "--format", "html"}).out, HasSubstr("cannot be read"));
}

TEST_F(Search, ImagesAreShownOnlyWhereTheyAreAskedFor) {
  copy({"noto-2764.jpg"});
  index();
  EXPECT_THAT(search({"heart"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(search({"heart", "--thumbnails", "kitty"}).out, StartsWith("\x1b_Ga=T,f=100,q=2,r=8,m="));
  EXPECT_THAT(search({"heart", "--thumbnails", "sixel"}).out, StartsWith("\x1bP0;1;0q\"1;1;"));
  EXPECT_THAT(search({"heart", "--thumbnails", "sixel", "--format", "paths"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(Search, SizesFilter) {
  copy({"noto-2764.jpg"});
  index();
  EXPECT_EQ(found({"heart", "--min-size", "0.001"}).size(), 1u);
  EXPECT_EQ(found({"heart", "--min-size", "12"}).size(), 0u);
  EXPECT_EQ(found({"heart", "--min-size", "20x30"}).size(), 1u);
  EXPECT_EQ(found({"heart", "--min-size", "20x3000"}).size(), 0u);
  expect_failure(search({"heart", "--min-size", "big"}), 2,
                 "--min-size: expected megapixels such as 12, or sides such as 1920x1080, found big");
}

}  // namespace
}  // namespace e5v::test
