// e5v index: what users do to a library of photos.
#include <map>
#include <random>

#include "apps/photo_library.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Index : public PhotoLibrary {};

TEST_F(Index, OnlyNewFilesAreComputedAndMovesCostNothing) {
  copy_drawings(12);
  Outcome outcome = index();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("12 photos embedded in "));
  EXPECT_THAT(run(arguments({})).err, HasSubstr("0 photos embedded in 0.0s; 12 unchanged"));
  fs::create_directory(photos() / "2019");
  int moved = 0;
  for (const auto& entry : std::vector<fs::directory_entry>(fs::directory_iterator(photos()), {}))
    if (entry.is_regular_file() && ++moved <= 5)
      fs::rename(entry.path(), photos() / "2019" / fmt::format("{}.jpg", moved));
  copy_drawings(1, 20);
  outcome = run(arguments({}));
  EXPECT_THAT(outcome.err, HasSubstr("1 photo embedded in "));
  EXPECT_THAT(outcome.err, HasSubstr("; 7 unchanged; 5 moved"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("deleted")));
  EXPECT_EQ(status().at("vectors"), 13);
}

TEST_F(Index, MovedFilesNeedNoModel) {
  copy_drawings(2);
  fs::copy(E5V_DEMO_FOLDER "/model", path("model"));
  EXPECT_EQ(run(arguments({photos().string(), "--model", path("model")})).code, 0);
  fs::remove_all(path("model"));
  fs::rename(photos() / fs::directory_iterator(photos())->path().filename(), photos() / "renamed.jpg");
  const Outcome outcome = run(arguments({}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("1 unchanged; 1 moved"));
  copy_drawings(1, 9);
  expect_failure(run(arguments({})), 1, "/model] ");
}

TEST_F(Index, AMovedModelIsRecordedWithoutNewPhotos) {
  copy_drawings(1);
  fs::copy(E5V_DEMO_FOLDER "/model", path("model"));
  EXPECT_EQ(run(arguments({photos().string(), "--model", path("model")})).code, 0);
  fs::rename(path("model"), path("moved"));
  EXPECT_THAT(run(arguments({"--model", path("moved")})).err, HasSubstr("0 photos embedded"));
  EXPECT_EQ(status().at("model"), path("moved"));
  EXPECT_EQ(found({"a star"}).size(), 1u);
}

TEST_F(Index, BrokenFilesAreListedWithTheirReasonsAndTriedAgain) {
  copy_drawings(1);
  folder.write("photos/broken.jpg", "<html>not found</html>");
  Outcome outcome = index();
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("1 photo embedded"));
  EXPECT_THAT(outcome.err, HasSubstr("; 1 cannot be read, e5v index --status says why"));
  const Json failed = status().at("failed");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].at("path"), (fs::canonical(photos()) / "broken.jpg").string());
  EXPECT_THAT(failed[0].at("reason").get<std::string>(), HasSubstr("found a web page (HTML)"));
  EXPECT_THAT(run(arguments({"--status"})).out, HasSubstr("broken.jpg: image: expected"));
  EXPECT_EQ(run(arguments({})).code, 0) << "it is not tried again";
  EXPECT_EQ(run(arguments({"--retry"})).code, 3);
}

TEST_F(Index, DeletedPhotosAreNotFoundAndPurgedOnRequest) {
  copy_drawings(3);
  index();
  fs::remove(*fs::directory_iterator(photos()));
  EXPECT_THAT(run(arguments({})).err, HasSubstr("2 unchanged; 1 deleted"));
  EXPECT_EQ(found({"a star"}).size(), 2u);
  EXPECT_EQ(status().at("vectors"), 3);
  EXPECT_THAT(run(arguments({"--purge"})).err, HasSubstr("1 deleted photo purged"));
  EXPECT_EQ(status().at("vectors"), 2);
  EXPECT_EQ(found({"a star"}).size(), 2u);
}

TEST_F(Index, KilledRunsLoseNothing) {
  constexpr int kDrawings = 120;
  copy_drawings(kDrawings);
  std::mt19937 random(5);
  int killed = 0;
  std::int64_t before = 0;
  for (int i = 0; i < 30; ++i) {
    Process process(arguments({photos().string(), "--model", E5V_DEMO_FOLDER "/model", "--token-budget", "1"}));
    process.ends_within(std::chrono::milliseconds(random() % 300));
    process.send(SIGKILL);
    killed += process.wait().signal == SIGKILL ? 1 : 0;
    if (!fs::exists(path("library/catalogue.sqlite"))) continue;
    const Outcome said = run({"index", "--library", path("library"), "--status", "--json"});
    if (said.code != 0) continue;  // killed before the catalogue had its tables
    const std::int64_t done = Json::parse(said.out).at("files").at("done");
    EXPECT_GE(done, before) << "what was committed stays";
    before = done;
  }
  EXPECT_GE(killed, 5);
  EXPECT_EQ(index().code, 0);
  EXPECT_EQ(status().at("files").at("done"), kDrawings);
  EXPECT_EQ(status().at("vectors"), kDrawings);
  EXPECT_EQ(fs::file_size(path("library/vectors-1.f16")), kDrawings * 2 * status().at("width").get<std::uint64_t>());
  EXPECT_EQ(fs::file_size(path("library/rounded-1/rounded.bounds")), kDrawings * 16u);
  // The vectors are those of an undisturbed run, up to the rounding of other batches.
  const auto scores = [&] {
    std::map<std::string, double> by_hash;
    for (const std::string& line : lines_of(search({"a red heart", "--top", "200", "--format", "json"}).out)) {
      const Json photo = Json::parse(line);
      by_hash[photo.at("hash")] = photo.at("score");
    }
    return by_hash;
  };
  const std::map<std::string, double> disturbed = scores();
  fs::remove_all(path("library"));
  index();
  const std::map<std::string, double> undisturbed = scores();
  EXPECT_EQ(undisturbed.size(), kDrawings);
  for (const auto& [hash, score] : undisturbed) EXPECT_NEAR(disturbed.at(hash), score, 2e-3) << hash;
}

TEST_F(Index, TheRoundedFormIsMadeWithoutAModel) {
  copy_drawings(20);
  index();
  const std::vector<std::string> before = found({"a red heart", "--top", "20"});
  fs::remove_all(path("library/rounded-1"));
  EXPECT_EQ(found({"a red heart", "--top", "20"}), before) << "a search needs it not";
  EXPECT_THAT(run(arguments({})).err, HasSubstr("0 photos embedded in "));
  EXPECT_EQ(fs::file_size(path("library/rounded-1/rounded.bounds")), 20u * 16);
  EXPECT_EQ(found({"a red heart", "--top", "20"}), before);
}

TEST_F(Index, TheSecondProcessIsToldWhoTheFirstIs) {
  copy_drawings(1);
  index();
  const Process watcher(arguments({"--watch"}));
  while (watcher.err_so_far().find("watching") == std::string::npos) std::this_thread::sleep_for(10ms);
  expect_failure(run(arguments({})), 1,
                 fmt::format("process {} (e5v index --watch) is writing this library", watcher.pid()));
  EXPECT_EQ(found({"a star"}).size(), 1u) << "readers need no lock";
}

TEST_F(Index, AWatchedFolderIsKeptUpWith) {
  copy_drawings(2);
  index();
  Process watcher(arguments({"--watch"}));
  const auto waits_for = [&](std::size_t photos) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (status().at("files").at("done") != photos && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(50ms);
    return status().at("files").at("done").get<std::size_t>();
  };
  while (watcher.err_so_far().find("watching") == std::string::npos) std::this_thread::sleep_for(10ms);
  copy_drawings(1, 2);
  EXPECT_EQ(waits_for(3), 3u);
  const fs::path one = *fs::directory_iterator(photos());
  folder.write("photos/" + one.stem().string() + ".txt", "the first one");
  while (watcher.err_so_far().find("1 with new metadata") == std::string::npos) std::this_thread::sleep_for(10ms);
  fs::create_hard_link(one, photos() / "link.jpg");
  EXPECT_EQ(waits_for(4), 4u);
  fs::remove(photos() / "link.jpg");
  EXPECT_EQ(waits_for(3), 3u);
  fs::create_directories(photos() / "new/inner");
  fs::copy_file(*fs::directory_iterator(E5V_DEMO_FOLDER "/photos"), photos() / "new/inner/photo.jpg");
  EXPECT_EQ(waits_for(4), 4u);
  fs::rename(photos() / "new", photos() / "old");
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(waits_for(4), 4u);
  fs::remove_all(photos() / "old");
  EXPECT_EQ(waits_for(3), 3u);
  watcher.send(SIGINT);
  const Outcome outcome = watcher.wait();
  EXPECT_EQ(outcome.code, 130);
  EXPECT_THAT(outcome.err, HasSubstr("1 moved"));
  EXPECT_THAT(outcome.err, HasSubstr("interrupted; the next e5v index continues"));
}

TEST_F(Index, AnInterruptedRunContinues) {
  copy_drawings(330);  // some seconds
  Process process(arguments({photos().string(), "--model", E5V_DEMO_FOLDER "/model", "--token-budget", "1"}));
  const auto has_begun = [&] {
    const Outcome said = run({"index", "--library", path("library"), "--status", "--json"});
    return said.code == 0 && Json::parse(said.out).at("files").at("done") > 0;
  };
  while (!has_begun()) ASSERT_FALSE(process.ends_within(20ms));
  process.send(SIGINT);
  EXPECT_EQ(process.wait().code, 130);
  EXPECT_EQ(index().code, 0);
  EXPECT_EQ(status().at("files").at("done"), 330);
}

TEST_F(Index, WhatCannotBeDoneIsSaid) {
  copy_drawings(1);
  expect_failure(run(arguments({})), 1, "a new library needs a model: --model names the checkpoint");
  EXPECT_FALSE(fs::exists(path("library"))) << "nothing was made";
  expect_failure(run(arguments({"--status"})), 1, "there is no library of photos; e5v index FOLDER makes one");
  expect_failure(search({"a star"}), 1, "there is no library of photos");
  expect_failure(run(arguments({path("none"), "--model", E5V_DEMO_FOLDER "/model"})), 1, "none] no such folder");
  EXPECT_EQ(index().code, 0);
  expect_failure(run(arguments({"--model", model_folder()})), 1, "belong to another vector space than those of");
  copy_drawings(1, 1);
  expect_failure(search({"a star", "--model", model_folder()}), 1,
                 "or index with --rebuild, which computes all vectors again");
  EXPECT_THAT(run(arguments({"--model", model_folder(), "--rebuild"})).err, HasSubstr("2 photos embedded"));
  expect_failure(run(arguments({"--json"})), 2, "--json requires --status");
  expect_failure(run(arguments({"--status", "--purge"})), 2, "--purge excludes --status");
  expect_failure(run(arguments({"--status", photos().string()})), 2, "--status excludes a FOLDER");
  expect_failure(run(arguments({"--exclude", "*.png"})), 1,
                 "--exclude sets the patterns of a folder: expected a FOLDER");
}

TEST_F(Index, OptionsThatAreGivenReplaceThoseOfTheLibrary) {
  copy_drawings(2);
  EXPECT_EQ(index().code, 0);
  const char* refusal = "another vector space than those of " E5V_DEMO_FOLDER "/model: expected arithmetic int8";
  expect_failure(run(arguments({"--dtype", "f32"})), 1, refusal);
  copy_drawings(1, 5);
  expect_failure(run(arguments({"--dtype", "f32"})), 1, refusal);
  expect_failure(run(arguments({"--no-exif"})), 1, "expected preprocessing");
  expect_failure(run(arguments({"--adapter", path("none")})), 1, "e5v: [" + path("none"));
  expect_failure(run(arguments({"--adapter", path("none"), "--rebuild"})), 1, "e5v: [" + path("none"));
  EXPECT_EQ(status().at("vectors"), 2) << "nothing was forgotten";
  EXPECT_THAT(run(arguments({"--dtype", "f32", "--rebuild"})).err, HasSubstr("3 photos embedded"));
  EXPECT_THAT(run(arguments({"--status"})).out, HasSubstr("/model (f32+l2"));
  copy_drawings(1, 6);
  EXPECT_THAT(run(arguments({})).err, HasSubstr("1 photo embedded")) << "they are kept";
  EXPECT_THAT(run(arguments({"--status"})).out, HasSubstr("/model (f32+l2"));
  EXPECT_EQ(found({"a star"}).size(), 4u);
}

TEST_F(Index, ALimitOfPixelsCanBeRaised) {
  copy_drawings(1);
  EXPECT_EQ(index({"--max-pixels", "100"}).code, 3);
  EXPECT_EQ(run(arguments({"--retry"})).code, 3) << "the limit is kept";
  EXPECT_THAT(run(arguments({"--retry", "--max-pixels", "1000000"})).err, HasSubstr("1 photo embedded"));
  copy_drawings(1, 1);
  EXPECT_THAT(run(arguments({})).err, HasSubstr("1 photo embedded")) << "the new limit is kept";
}

}  // namespace
}  // namespace e5v::test
