#include "serve/library/search_routes.h"

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class SearchRoutes : public LibraryServiceTest {
 protected:
  /// The cosines with all photos, from the definition, by name.
  std::map<std::string, double> cosines(const std::vector<float>& query) {
    std::map<std::string, double> result;
    for (const char* name : {"0.jpg", "60.jpg", "120.jpg", "180.jpg", "240.jpg", "tall.jpg"}) {
      const std::vector<float> photo = embedded({Input::from_image(photos().photos() / name)})[0];
      double dot = 0;
      for (std::size_t d = 0; d < photo.size(); ++d) dot += double{photo[d]} * query[d];
      result[name] = dot;
    }
    return result;
  }
  void expect_scores(const Json& body, const std::vector<float>& query, const std::string& missing = "") {
    auto expected = cosines(query);
    expected.erase(missing);
    const Json photos = search(body).at("photos");
    ASSERT_EQ(photos.size(), expected.size());
    for (std::size_t i = 0; i < photos.size(); ++i) {
      EXPECT_NEAR(photos[i].at("score").get<double>(), expected.at(photos[i].at("name")), 2e-3);  // vectors are f16
      EXPECT_LE(photos[i].at("score"), photos[i == 0 ? 0 : i - 1].at("score"));
    }
  }
};

TEST_F(SearchRoutes, ScoresAreTheCosinesOfTheQuery) {
  expect_scores({{"text", "a red square"}}, embedded({Input::from_text("a red square")})[0]);
  expect_scores({{"image", golden_image()}}, embedded({golden_image_input()})[0]);
  Input both = golden_image_input();
  both.text = "but blue";
  expect_scores({{"image", golden_image()}, {"text", "but blue"}}, embedded({both})[0]);
}

TEST_F(SearchRoutes, TextsAreAddedAndTakenAway) {
  const auto vectors = embedded({Input::from_text("a"), Input::from_text("b"), Input::from_text("c")});
  std::vector<float> query(vectors[0].size());
  double square = 0;
  for (std::size_t d = 0; d < query.size(); ++d) {
    query[d] = vectors[0][d] + vectors[1][d] - 0.5f * vectors[2][d];
    square += double{query[d]} * query[d];
  }
  for (float& value : query) value /= static_cast<float>(std::sqrt(square));
  expect_scores({{"text", "a"}, {"plus", {"b"}}, {"minus", {"c:0.5"}}}, query);
  expect_scores({{"plus", {"b"}}}, vectors[1]);
}

TEST_F(SearchRoutes, APhotoIsTheQuery) {
  const std::string id = id_of("120.jpg");
  const std::filesystem::path file = photos().photos() / "120.jpg";
  expect_scores({{"like", id}}, embedded({Input::from_image(file)})[0], "120.jpg");  // it is no match itself
  expect_scores({{"like", id}, {"text", "but blue"}}, embedded({Input::composed(file, "but blue")})[0], "120.jpg");
}

TEST_F(SearchRoutes, PhotosThatTheLibraryDoesNotHaveAreNotFound) {
  for (const std::string& id : {std::string("x"), std::string(32, '0'), std::string("../../etc/passwd")}) {
    EXPECT_THAT(refusal({{"like", id}}, 404), HasSubstr("[like] expected the id of a photo of the library"));
    EXPECT_THAT(refusal({{"like", id}, {"text", "a"}}, 404), HasSubstr("[like]"));
  }
}

TEST_F(SearchRoutes, PagesFollowOneAnother) {
  const std::vector<std::string> all = names({{"text", "a"}, {"top", 100}});
  EXPECT_THAT(all, SizeIs(6));
  std::vector<std::string> pages;
  for (const int offset : {0, 4, 8})
    for (const std::string& name : names({{"text", "a"}, {"top", 4}, {"offset", offset}})) pages.push_back(name);
  EXPECT_EQ(pages, all);
  EXPECT_THAT(names({{"top", 2}, {"offset", 1}}), SizeIs(2));
  EXPECT_THAT(names({{"offset", 1'000'000}}), SizeIs(0));
  EXPECT_THAT(names({{"text", "a"}, {"offset", 1'000'000}}), SizeIs(0));
}

TEST_F(SearchRoutes, FiltersComeBeforeTheRanking) {
  EXPECT_THAT(names({{"text", "a"}, {"filter", {{"orientation", "portrait"}}}}), ElementsAre("tall.jpg"));
  EXPECT_THAT(names({{"filter", {{"orientation", "portrait"}}}}), ElementsAre("tall.jpg"));
  EXPECT_EQ(search({{"text", "a"}, {"filter", {{"orientation", "landscape"}}}}).at("searched"), 5);
  EXPECT_THAT(names({{"text", "a"}, {"filter", {{"from", "2019"}}}}), SizeIs(0));
  EXPECT_THAT(names({{"text", "a"}, {"filter", {{"folder", "/nowhere"}}}}), SizeIs(0));
  EXPECT_THAT(names({{"text", "a"}, {"min_score", 1}}), SizeIs(0));
}

TEST_F(SearchRoutes, BrokenImagesAreTheClientsFault) {
  EXPECT_THAT(refusal({{"image", e5v::to_base64("no image")}}), HasSubstr("[image]"));
}

}  // namespace
}  // namespace e5v::serve
