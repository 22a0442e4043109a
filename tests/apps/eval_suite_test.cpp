// e5v eval all, the report as a page, and evaluations that are killed.
#include <fmt/format.h>

#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EvalSuite : public testing::Test {
 protected:
  TemporaryFolder folder_;

  EvalSuite() {
    fs::create_directory(folder_.path() / "data");
    Json lines;
    std::string captions;
    for (const char* image : {"images/img04_tiny_3x2.png", "images/img18_dark_90x60.png"})
      captions += Json{{"image", golden(image).string()}, {"caption", std::string("about ") + image}}.dump() + '\n';
    folder_.write("data/captions.jsonl", captions);
    folder_.write("data/judged.csv", "sent0,sent1,score\na cat,a dog,2\na cat,the cat,4\nit rains,a house,0\n");
  }
  fs::path suite(const Json& content) const { return folder_.write("data/suite.json", content.dump()); }
  Outcome all(const fs::path& suite, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"eval",    "all",         "--suite", suite.string(),
                                       "--store", path("store"), "--json",  path("all.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  Json results() const { return Json::parse(content_of(path("all.json"))).at("results"); }
};

const Json kRetrieval{{"task", "retrieval"}, {"captions", "captions.jsonl"}, {"max-tiles", 1}, {"name", "coco"}};
const Json kPairsTask{{"task", "pairs"}, {"pairs", "judged.csv"}, {"text-prompt", "sts"}};

TEST_F(EvalSuite, GivesAllTablesOneFileAndOnePage) {
  Json drawn = kRetrieval;
  drawn["rendered-text"] = true;
  const fs::path file = suite({{"threads", 1}, {"tasks", {kRetrieval, drawn, kPairsTask}}});
  const Outcome outcome = all(file, {"--model", model_folder(), "--html", path("all.html")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(testing::StartsWith("Retrieval, coco (recall x 100)\n"),
                                 HasSubstr("\n\nRetrieval, coco, rendered captions (recall x 100)\n"),
                                 HasSubstr("\n\nPairs, judged (correlation with the scores x 100)\n")));
  const Json list = results();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_FALSE(Json::parse(content_of(path("all.json"))).contains("unfinished"));
  EXPECT_EQ(list[0].at("computed"), 4);
  EXPECT_EQ(list[1].at("computed"), 2) << "images are known from before";
  EXPECT_EQ(list[1].at("reused"), 2);
  EXPECT_EQ(list[2].at("figures")[0].at("name"), "Spearman");
  const std::string html = content_of(path("all.html"));
  EXPECT_THAT(html, AllOf(HasSubstr("3 evaluations"), HasSubstr("Summary"), HasSubstr("<section id=\"evaluation2\">"),
                          Not(HasSubstr("<script")), Not(HasSubstr("http"))));
}

TEST_F(EvalSuite, ATasksOwnOptionsComeBeforeTheCommandLinesAndTheSuites) {
  Json own = kPairsTask, given = kPairsTask;
  own["dtype"] = "bf16";
  const fs::path file = suite({{"model", golden("ckpt/tiny-small-bf16-2shard").string()},
                               {"dtype", "f32"},
                               {"tasks", {own, given, {{"task", "pairs"}, {"pairs", "judged.csv"}}}}});
  ASSERT_EQ(all(file).code, 0);
  EXPECT_THAT(results()[0].at("facts").at("model").get<std::string>(), testing::EndsWith("tiny-small-bf16-2shard"));
  EXPECT_EQ(results()[1].at("computed"), 5) << "under another dtype";
  EXPECT_EQ(results()[2].at("computed"), 5) << "under another prompt";
  ASSERT_EQ(all(file, {"--model", model_folder(), "--dtype", "bf16"}).code, 0);
  EXPECT_EQ(results()[0].at("facts").at("model"), model_folder());
  EXPECT_EQ(results()[1].at("computed"), 0) << "the same dtype as the first task's";
}

TEST_F(EvalSuite, NamesAllProblemsBeforeAnythingIsComputed) {
  const fs::path file = suite({{"model", model_folder()},
                               {"colour", "red"},
                               {"tasks",
                                {kPairsTask,
                                 {{"task", "sts"}, {"data", "SentEval"}},
                                 {{"task", "pairs"}, {"pairs", "none.csv"}},
                                 {{"task", "gap"}},
                                 {{"task", "gap"}, {"captions", "captions.jsonl"}, {"capitals", true}},
                                 {{"task", "pairs"}, {"pairs", "judged.csv"}, {"model", "nowhere"}},
                                 {{"task", "dance"}},
                                 {{"task", "pairs"}, {"pairs", {{"a", 1}}}},
                                 {{"task", "pairs"}, {"pairs", "judged.csv"}, {"max-tiles", -1}}}}});
  const Outcome outcome = all(file);
  expect_failure(outcome, 1, "data/suite.json] nothing was computed: ");
  const std::string folder = path("data/");
  for (const std::string& part :
       {"tasks[1]: [" + folder + "SentEval] is no folder; expected SentEval's data folder",
        "tasks[2]: [" + folder + "none.csv] is missing; expected columns",
        std::string("tasks[3]: --captions is required"), std::string("tasks[4]: gap has no option \"capitals\""),
        "tasks[5]: [" + folder + "nowhere] is no folder, expected a checkpoint",
        std::string("tasks[6]: \"dance\" is no task, expected one of sts, transfer, retrieval"),
        std::string("tasks[7]: \"pairs\" has an unexpected type: object"), std::string("tasks[8]: --max-tiles"),
        std::string("no task has an option \"colour\"")})
    EXPECT_THAT(outcome.err, HasSubstr(part));
  EXPECT_THAT(outcome.err, Not(HasSubstr("tasks[0]")));
  EXPECT_FALSE(fs::exists(path("store")));
}

TEST_F(EvalSuite, PromptsAndVectorsAreLookedAtBeforeAnythingIsComputed) {
  Json files = kRetrieval, image = kRetrieval, own = kPairsTask;
  files["text-vectors"] = "t.npy", files["image-vectors"] = "t.npy";
  image["image-prompt"] = "text";
  own["composed-prompt"] = "Say <sent> in a word:";
  const std::string items = folder_.write("items.jsonl", "{\"text\": \"a\"}\n").string();
  ASSERT_EQ(run(with_model("embed", {"--input", items, "--output", path("data/t.npy")})).code, 0);
  const Json clip = golden("ckpt/tiny-clip").string();
  const Json composed{{"image0", golden("images/img04_tiny_3x2.png").string()}, {"sent0", "red"}, {"sent1", "a"}};
  folder_.write("data/composed.jsonl", composed.dump() + '\n' + composed.dump() + '\n');
  const Outcome outcome = all(suite({{"model", model_folder()},
                                     {"tasks",
                                      {kPairsTask,
                                       {{"task", "sts"}, {"data", "SentEval"}, {"prompt", "nonsense"}},
                                       {{"task", "transfer"}, {"data", "SentEval"}, {"prompt", "image"}},
                                       image,
                                       own,
                                       files,
                                       {{"task", "fashioniq"}, {"data", "fashion-iq"}, {"model", clip}},
                                       {{"task", "cirr"}, {"data", "CIRR"}, {"model", clip}},
                                       {{"task", "pairs"}, {"pairs", "composed.jsonl"}, {"model", clip}}}}}));
  expect_failure(outcome, 1, "data/suite.json] nothing was computed: ");
  for (const std::string& part :
       {std::string("tasks[1]: --prompt: [prompt] \"nonsense\" is no prompt; give text, image, sts"),
        std::string("tasks[2]: --prompt: [prompt] \"image\" has no <sent>, expected <sent> alone"),
        std::string("tasks[3]: --image-prompt: [prompt] \"text\" has <sent>, expected <image> alone"),
        std::string("has no <image>, expected both <sent> and <image>"),
        "tasks[5]: [" + path("data/t.npy") + "] expected 2 vectors, one for each caption, found 1",
        std::string("tasks[6]: [prompt] \"fashioniq-query-shirt\" is for an image changed by a text"),
        std::string("tasks[7]: [prompt] \"cirr-query\" is for an image changed by a text"),
        std::string("tasks[8]: [prompt] \"cirr-query\" is for an image changed by a text")})
    EXPECT_THAT(outcome.err, HasSubstr(part));
  EXPECT_FALSE(fs::exists(path("store")));
}

TEST_F(EvalSuite, WhatIsFinishedStaysWhenALaterEvaluationFails) {
  folder_.write("data/bad.csv", "sent0,sent1\na cat,a dog\nan <image> in a text,a house\n");
  const Json bad{{"task", "pairs"}, {"pairs", "bad.csv"}};
  const fs::path file = suite({{"model", model_folder()}, {"threads", 1}, {"tasks", {kPairsTask, bad, kPairsTask}}});
  const Outcome outcome = all(file, {"--html", path("all.html")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(lines_of(outcome.err).back(),
              testing::StartsWith("e5v: [first halves, item 1] \"an <image> in a text\": [input] <image> stands in"));
  EXPECT_THAT(outcome.out, AllOf(testing::StartsWith("Pairs, judged ("), Not(HasSubstr("Pairs, bad"))));
  ASSERT_EQ(results().size(), 1u);
  EXPECT_EQ(results()[0].at("title"), "Pairs, judged");
  EXPECT_EQ(Json::parse(content_of(path("all.json"))).at("unfinished"), 2);
  EXPECT_THAT(content_of(path("all.html")), HasSubstr("Pairs, judged"));
  folder_.write("data/bad.csv", "sent0,sent1\na cat,a dog\na picture in a text,a house\n");
  const Outcome repaired = all(file);
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_EQ(results().size(), 3u);
  EXPECT_EQ(results()[1].at("reused"), 1) << "\"a cat\", of the batch with the bad one";
}

TEST_F(EvalSuite, RefusesWhatIsNoSuite) {
  expect_failure(all(path("none.json")), 1, "none.json] is missing, expected a suite");
  expect_failure(all(suite({{"tasks", Json::array()}})), 1, "has no list \"tasks\"");
  expect_failure(all(suite(Json::array())), 1, "has no list \"tasks\"");
  expect_failure(all(suite({{"tasks", {3}}})), 1, "tasks[0]: expected an object with \"task\"");
  expect_failure(all(suite({{"tasks", {kPairsTask}}})), 1,
                 "tasks[0]: expected a model: \"model\" in the task or in the suite, or --model");
  expect_failure(all(suite({{"tasks", {{{"task", "gap"}, {"caption", "c.jsonl"}}}}})), 1,
                 "tasks[0]: gap has no option \"caption\", did you mean \"captions\"?");
  expect_failure(run({"eval", "all"}), 2, "--suite is required");
}

TEST_F(EvalSuite, VectorsNeedNoModel) {
  Json files = kRetrieval;
  files["text-vectors"] = "t.npy", files["image-vectors"] = "i.npy";
  const std::string items = folder_.write("items.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n").string();
  for (const char* name : {"data/t.npy", "data/i.npy"})
    ASSERT_EQ(run(with_model("embed", {"--input", items, "--output", path(name)})).code, 0);
  ASSERT_EQ(all(suite({{"tasks", {files}}})).code, 0);
  EXPECT_EQ(results()[0].at("figures")[0].at("value"), 100);
  EXPECT_FALSE(results()[0].at("facts").contains("model"));
  ASSERT_EQ(all(suite({{"model", model_folder()}, {"tasks", {files, kPairsTask}}})).code, 0);
  EXPECT_FALSE(results()[0].at("facts").contains("model"));
  EXPECT_TRUE(results()[1].at("facts").contains("model"));
}

TEST_F(EvalSuite, KilledHalfWayAndRepeatedComputesOnlyTheRest) {
  std::string lines = "sent0,sent1\n";
  constexpr int kPairCount = 3000;
  for (int i = 0; i < kPairCount; ++i) lines += fmt::format("question number {},answer {}\n", i, i);
  folder_.write("data/many.csv", lines);
  const fs::path file =
      suite({{"model", model_folder()}, {"threads", 1}, {"tasks", {{{"task", "pairs"}, {"pairs", "many.csv"}}}}});
  const auto kept = [&] {
    std::int64_t rows = 0;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(path("store"), ignored))
      if (entry.path().filename() == "keys") rows += static_cast<std::int64_t>(fs::file_size(entry.path()) / 24);
    return rows;
  };
  Process process({"eval", "all", "--suite", file.string(), "--store", path("store"), "--json", path("all.json")});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (kept() < 1000 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  process.send(SIGKILL);
  ASSERT_EQ(process.wait().signal, SIGKILL);
  const std::int64_t known = kept();
  ASSERT_GE(known, 1000);
  ASSERT_LT(known, 2 * kPairCount) << "it was done before it was killed";
  EXPECT_FALSE(fs::exists(path("all.json")));
  ASSERT_EQ(all(file).code, 0);
  EXPECT_EQ(results()[0].at("reused"), known);
  EXPECT_EQ(results()[0].at("computed"), 2 * kPairCount - known);
  ASSERT_EQ(all(file).code, 0);
  EXPECT_EQ(results()[0].at("computed"), 0);
}

}  // namespace
}  // namespace e5v::test
