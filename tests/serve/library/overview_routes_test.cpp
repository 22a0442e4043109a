#include "serve/library/overview_routes.h"

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

class OverviewRoutes : public LibraryServiceTest {};

TEST_F(OverviewRoutes, InfoSaysWhatThereIs) {
  const Json info = ask("GET", "/library/info").json();
  EXPECT_EQ(info.at("photos"), 6);
  EXPECT_EQ(info.at("files").at("done"), 7);
  EXPECT_EQ(info.at("model").at("name"), "tiny");
  EXPECT_EQ(info.at("model").at("dimensions"), 128);
  EXPECT_EQ(info.at("folders"), Json({{{"value", photos().photos().string()}, {"photos", 7}}}));
  EXPECT_EQ(info.at("ratings"), false);
}

TEST_F(OverviewRoutes, EqualFilesAreDuplicates) {
  const Json answer = ask("GET", "/library/duplicates?min_score=1").json();
  ASSERT_GE(answer.at("total"), 1);
  EXPECT_EQ(answer.at("near"), true);
  const Json& group = answer.at("groups")[0];
  EXPECT_EQ(group.at("exact"), true);
  EXPECT_EQ(group.at("files")[0].at("path"), (photos().photos() / "60.jpg").string());
  EXPECT_EQ(group.at("files")[1].at("id"), id_of("60.jpg"));
  EXPECT_THAT(ask("GET", "/library/duplicates?min_score=x").body,
              HasSubstr("[min_score] expected a number from 0 to 1"));
  EXPECT_EQ(ask("GET", "/library/duplicates?min_score=nan").status, 400);
  const Json all = ask("GET", "/library/duplicates?min_score=0").json();
  EXPECT_EQ(all.at("groups")[1].at("files").size(), 7u);
  EXPECT_EQ(ask("GET", "/library/duplicates?min_score=1").json(), answer);  // of the same state
}

TEST_F(OverviewRoutes, TheMapHasAllPhotos) {
  const Json map = ask("GET", "/library/map").json();
  ASSERT_EQ(map.at("points").size(), 6u);
  for (const Json& point : map.at("points")) {
    EXPECT_LE(std::abs(point.at("x").get<double>()), 1);
    EXPECT_EQ(point.at("id"), id_of(point.at("name")));
  }
  EXPECT_GT(map.at("variance"), 0.5);
}

}  // namespace
}  // namespace e5v::serve
