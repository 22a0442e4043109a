// What e5v eval says of data that are missing, for every task, and its help.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>

#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class EvalData : public testing::Test {
 protected:
  TemporaryFolder folder_;

  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }
  /// A file of vectors that differ, the same ones each time.
  void write_npy(const std::string& name, std::size_t rows, std::size_t columns, float scale = 1) const {
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
    header.resize(117, ' ');
    std::vector<float> values(rows * columns);
    std::uint32_t state = 1;
    for (float& value : values)
      value = scale * static_cast<float>((state = state * 1664525 + 1013904223) >> 8) / (1 << 24);
    std::string numbers(4 * values.size(), '\0');
    std::memcpy(numbers.data(), values.data(), numbers.size());
    write(name, std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" + numbers);
  }
  /// The first file that is missing, and how the folder must look.
  void expect_missing(const std::vector<std::string>& task, const std::string& file, const std::string& layout) const {
    std::vector<std::string> arguments{"eval"};
    arguments.insert(arguments.end(), task.begin(), task.end());
    arguments.insert(arguments.end(), {"--model", model_folder(), "--store", path("store")});
    const Outcome outcome = run(arguments);
    expect_failure(outcome, 1, file);
    EXPECT_THAT(outcome.err, HasSubstr(layout));
    EXPECT_FALSE(fs::exists(path("store"))) << "found before the model is loaded";
  }
};

TEST_F(EvalData, EveryTaskNamesTheFirstFileThatIsMissingAndTheLayout) {
  expect_missing({"sts", "--data", path("none")}, path("none") + "] is no folder", "STS/STSBenchmark/sts-test.csv");
  write("STS/STS12-en-test/STS.gs.MSRpar.txt", "1\n2\n");
  expect_missing({"sts", "--data", path("")}, "STS12-en-test/STS.input.MSRpar.txt] is missing",
                 "SICK/SICK_test_annotated.txt");
  for (const std::string task : {"retrieval", "gap"}) {
    expect_missing({task, "--captions", path("none.json")}, path("none.json") + "] is missing", "Karpathy's JSON");
    write("caption/1.txt", "one\n");
    expect_missing({task, "--captions", path("")}, path("image") + "] is missing", "image/NAME.jpg");
    write("c.jsonl", "{\"image\": \"none.jpg\", \"caption\": \"x\"}\n");
    expect_missing({task, "--captions", path("c.jsonl")}, path("none.jpg") + " does not exist", "--images");
    expect_missing({task, "--captions", path("c.jsonl"), "--images", path("none")}, path("none") + "] is no folder",
                   "expected the images of");
  }
  expect_missing({"fashioniq", "--data", path("")}, path("captions/cap.shirt.val.json") + "] is missing",
                 "images/ID.jpg");
  write("captions/cap.shirt.val.json", R"([{"candidate": "B0", "target": "B1", "captions": ["a", "b"]}])");
  expect_missing({"fashioniq", "--data", path("")}, path("image_splits/split.shirt.val.json") + "] is missing",
                 "images/ID.jpg");
  write("captions/cap.dress.val.json", R"([{"candidate": "B2", "target": "B2", "captions": ["a", "b"]}])");
  write("image_splits/split.shirt.val.json", R"(["B0", "B1"])");
  write("image_splits/split.dress.val.json", R"(["B2"])");
  expect_missing({"fashioniq", "--data", path(""), "--categories", "shirt,dress"},
                 path("images/B0.jpg") + " does not exist, " + path("images/B1.jpg") + " does not exist, " +
                     path("images/B2.jpg") + " does not exist",
                 "images/ID.jpg");
  expect_missing({"cirr", "--data", path("")}, path("captions/cap.rc2.val.json") + "] is missing", "dev/...");
  write("captions/cap.rc2.val.json",
        R"([{"pairid": 1, "reference": "d0", "target_hard": "d1", "caption": "x", "img_set": {"members": ["d1"]}}])");
  write("image_splits/split.rc2.val.json", R"({"d0": "./dev/d0.png", "d1": "./dev/d1.png"})");
  expect_missing({"cirr", "--data", path("")},
                 path("dev/d0.png") + " does not exist, " + path("dev/d1.png") + " does not exist", "test1/...");
  expect_missing({"pairs", "--pairs", path("none.csv")}, path("none.csv") + "] is missing", "sent0 or image0");
  expect_missing({"pairs", "--pairs", path("caption")}, path("caption") + "] is a folder", "sent0 or image0");
  write("config.json", "{\n  \"width\": 1\n}\n");
  expect_missing({"retrieval", "--captions", path("config.json")}, "config.json] has an unknown form",
                 "Karpathy's JSON");
}

TEST_F(EvalData, PlacesOfReportsAreLookedAtFirst) {
  const auto expect = [&](std::vector<std::string> arguments, const std::string& part) {
    arguments.insert(arguments.begin(), "eval");
    arguments.insert(arguments.end(), {"--model", model_folder(), "--store", path("store")});
    expect_failure(run(arguments), 1, part);
  };
  expect({"sts", "--data", path("none"), "--html", path("nowhere/page.html")},
         path("nowhere") + "] no such folder to write to");
  expect({"gap", "--captions", path("none"), "--json", path("")}, "is a folder, expected a file to write");
  expect({"all", "--suite", path("none"), "--html", path("nowhere/page.html")}, "no such folder to write to");
  expect({"cirr", "--data", path("none"), "--submission", path("nowhere/cirr.json")}, "no such folder to write to");
  write("mine.html", "<!DOCTYPE html>\n<html></html>");
  write("mine.json", "{\"mine\": 1}");
  write("cirr_subset.json", "mine");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  expect({"sts", "--data", path("none"), "--html", path("mine.html")}, "mine.html] exists and is no result of e5v");
  expect({"gap", "--captions", path("none"), "--json", path("mine.json")}, "mine.json] exists and is no result of e5v");
  expect({"cirr", "--data", path("none"), "--submission", path("cirr.json")},
         "cirr_subset.json] exists and is no result");
  expect({"sts", "--data", path("none"), "--json", path("fifo")}, "fifo] is a FIFO");
}

TEST_F(EvalData, FilesOfVectorsThatDoNotGoTogether) {
  write("c.jsonl", "{\"image\": \"a.jpg\", \"captions\": [\"x\", \"y\"]}\n");
  const auto expect = [&](const std::string& part) {
    for (const std::string task : {"retrieval", "gap"})
      expect_failure(run({"eval", task, "--captions", path("c.jsonl"), "--text-vectors", path("t.npy"),
                          "--image-vectors", path("i.npy")}),
                     1, part);
  };
  write_npy("t.npy", 2, 3);
  write_npy("i.npy", 1, 2);
  expect(path("t.npy") + "] has vectors of width 3, but " + path("i.npy") + " has vectors of width 2");
  write_npy("i.npy", 2, 3);
  expect(path("i.npy") + "] expected 1 vectors, one for each image, found 2");
  write_npy("t.npy", 3, 3);
  expect(path("t.npy") + "] expected 2 vectors, one for each caption, found 3");
}

TEST_F(EvalData, VectorsNeedNoImagesAndMayHaveAnyLength) {
  constexpr std::size_t kImages = 12;
  std::string captions;
  for (std::size_t i = 0; i < kImages; ++i)
    captions += fmt::format("{{\"image\": \"nowhere/{}.jpg\", \"caption\": \"{}\"}}\n", i, i);
  write("c.jsonl", captions);
  const auto figures = [&](const std::string& task, float scale) {
    write_npy("v.npy", kImages, 8, scale);
    const Outcome outcome = run({"eval", task, "--captions", path("c.jsonl"), "--text-vectors", path("v.npy"),
                                 "--image-vectors", path("v.npy"), "--json", path("o.json"), "--html", path("o.html")});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Json::parse(content_of(path("o.json"))).at("figures");
  };
  for (const std::string task : {"retrieval", "gap"}) {
    const Json plain = figures(task, 1);
    for (const float scale : {1e-30f, 1e30f}) {
      const Json scaled = figures(task, scale);
      for (std::size_t i = 0; i < plain.size(); ++i)
        EXPECT_NEAR(scaled[i].at("value").get<double>(), plain[i].at("value").get<double>(), 1e-4) << task << scale;
    }
  }
  EXPECT_EQ(figures("retrieval", 1e30f)[0].at("value"), 100) << "each vector finds itself";
}

TEST_F(EvalData, WhatIsLeftOutIsCountedInTheResult) {
  fs::create_directories(path("images"));
  for (int i = 0; i < 3; ++i)
    fs::copy_file(golden("images/img04_tiny_3x2.png"), path(fmt::format("images/B{}.png", i)));
  write("captions/cap.dress.val.json", R"([{"candidate": "B0", "target": "B1", "captions": ["a", "b"]},
    {"candidate": "B2", "target": "B3", "captions": ["c", "d"]}])");
  write("image_splits/split.dress.val.json", R"(["B0", "B1", "B2", "B3", "B4"])");
  const std::vector<std::string> arguments{
      "eval",      "fashioniq", "--model",      model_folder(), "--store",     path("store"),
      "--data",    path(""),    "--categories", "dress",        "--max-tiles", "1",
      "--threads", "1",         "--json",       path("o.json"), "--html",      path("o.html")};
  expect_failure(run(arguments), 1, "2 of 5 images are missing");
  std::vector<std::string> skipping = arguments;
  skipping.emplace_back("--skip-missing");
  const Outcome outcome = run(skipping);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::string counts = "2 of 5 images, 1 of 2 queries";
  EXPECT_THAT(outcome.out, HasSubstr("left out because images are missing: " + counts));
  EXPECT_THAT(content_of(path("o.html")), HasSubstr(counts));
  const Json result = Json::parse(content_of(path("o.json")));
  EXPECT_EQ(result.at("left_out").at("pictures"), 2);
  EXPECT_EQ(result.at("left_out").at("queries"), 1);
  EXPECT_EQ(result.at("left_out").at("missing")[1], path("images/B4.jpg"));
  EXPECT_EQ(result.at("facts").at("images"), "3");
  // Where nothing is missing, the counts say so.
  for (int i = 3; i < 5; ++i)
    fs::copy_file(golden("images/img04_tiny_3x2.png"), path(fmt::format("images/B{}.png", i)));
  EXPECT_EQ(run(skipping).code, 0);
  EXPECT_EQ(Json::parse(content_of(path("o.json"))).at("left_out").at("pictures"), 0);
}

TEST_F(EvalData, CirrsServerWantsAllQueries) {
  expect_failure(run({"eval", "cirr", "--model", model_folder(), "--data", path(""), "--submission", path("s.json"),
                      "--skip-missing"}),
                 2, "--skip-missing excludes --submission");
}

TEST_F(EvalData, TooFewImagesForAGapAreRefusedBeforeTheModelIsLoaded) {
  fs::copy_file(golden("images/img04_tiny_3x2.png"), path("a.png"));
  write("c.jsonl", "{\"image\": \"a.png\", \"caption\": \"x\"}\n");
  expect_missing({"gap", "--captions", path("c.jsonl")}, "[gap] 1 image,", "expected at least 10");
}

TEST_F(EvalData, FilesOfVectorsOfDifferentSpacesAreNotCompared) {
  write("a.jpg", "");
  write("c.jsonl", "{\"image\": \"a.jpg\", \"captions\": [\"x\"]}\n");
  const auto embed = [&](const std::string& output, const std::string& type) {
    ASSERT_EQ(run(with_model("embed", {"--text", "x", "--output", path(output), "--dtype", type})).code, 0);
  };
  const std::string endings[] = {"npy", "jsonl", "safetensors"};
  for (const std::string& ending : endings) {
    embed("t." + ending, "f32");
    embed("other." + ending, "bf16");
  }
  for (const std::string& ending : endings) {
    const std::string texts = path("t." + ending);
    const auto retrieval = [&](const std::string& images) {
      return run({"eval", "retrieval", "--captions", path("c.jsonl"), "--text-vectors", texts, "--image-vectors",
                  path(images)});
    };
    for (const std::string& images : endings) {
      EXPECT_EQ(retrieval("t." + images).code, 0) << ending << " with " << images;
      expect_failure(
          retrieval("other." + images), 1,
          "other." + images + "] its vectors cannot be compared with those of " + texts + ": the arithmetic differs, ");
    }
  }
}

TEST_F(EvalData, QueriesWithoutTargetsAreRefusedAtOnce) {
  write("captions/cap.shirt.test.json", R"([{"candidate": "B0", "captions": ["a", "b"]}])");
  write("image_splits/split.shirt.test.json", R"(["B0"])");
  expect_missing({"fashioniq", "--data", path(""), "--split", "test"},
                 path("captions/cap.shirt.test.json") + "[0]] has no \"target\"",
                 "FashionIQ does not publish the targets");
}

TEST_F(EvalData, ThreadsHoldForAllThatIsComputed) {
  constexpr std::size_t kImages = 1000;
  std::string captions;
  for (std::size_t i = 0; i < kImages; ++i) {
    captions += fmt::format("{{\"image\": \"images/{}.jpg\", \"caption\": \"{}\"}}\n", i, i);
  }
  write("c.jsonl", captions);
  write_npy("t.npy", kImages, 2048);
  write_npy("i.npy", kImages, 2048);
  const auto max_threads = [&](const std::string& threads) {
    Process process({"eval", "retrieval", "--captions", path("c.jsonl"), "--text-vectors", path("t.npy"),
                     "--image-vectors", path("i.npy"), "--threads", threads});
    int most = 0;
    siginfo_t ended{};
    std::error_code gone;
    while (::waitid(P_PID, static_cast<id_t>(process.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0) {
      int count = 0;
      for (fs::directory_iterator task(fmt::format("/proc/{}/task", process.pid()), gone);
           !gone && task != fs::directory_iterator(); task.increment(gone))
        ++count;
      most = std::max(most, count);
    }
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return most;
  };
  constexpr int kWatch = 1;  // waits for signals
  EXPECT_EQ(max_threads("1"), 1 + kWatch);
  EXPECT_EQ(max_threads("3"), 3 + kWatch);
}

TEST_F(EvalData, HelpSaysWhereDataAreAndHowTheyLook) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> parts{
      {"sts", {"--data DIR", "github.com/facebookresearch/SentEval", "STS12-en-test", "--html FILE"}},
      {"retrieval", {"--captions FILE", "cocodataset.org", "Urban1k", "ShareGPT4V", "--rendered-text"}},
      {"gap", {"--captions FILE", "cocodataset.org", "--html FILE"}},
      {"fashioniq", {"--data DIR", "github.com/XiaoxiaoGuo/fashion-iq", "cap.dress.val.json"}},
      {"cirr", {"--data DIR", "github.com/Cuberick-Orion/CIRR", "cap.rc2.val.json", "--submission FILE"}},
      {"pairs", {"--pairs FILE", "sent0", "image1", "score"}},
      {"all", {"--suite FILE", "\"tasks\"", "--json FILE", "--html FILE"}}};
  const std::string overview = run({"eval", "--help"}).out;
  for (const auto& [task, texts] : parts) {
    EXPECT_THAT(overview, HasSubstr("\n  " + task + " "));
    const Outcome outcome = run({"eval", task, "--help"});
    EXPECT_EQ(outcome.code, 0);
    for (const std::string& text : texts) EXPECT_THAT(outcome.out, HasSubstr(text)) << task;
  }
}

TEST_F(EvalData, OptionsThatAreMissingOrExcludeEachOtherAreWrongUsage) {
  expect_failure(run({"eval", "sts", "--data", path("")}), 2, "--model is required");
  expect_failure(run({"eval", "sts", "--model", model_folder()}), 2, "--data is required");
  expect_failure(run({"eval", "retrieval", "--captions", path("c")}), 2, "either --model, or both files of vectors");
  expect_failure(run({"eval", "retrieval", "--captions", path("c"), "--text-vectors", "t", "--image-vectors", "i",
                      "--model", model_folder()}),
                 2, "either --model, or both files of vectors");
  expect_failure(run({"eval", "retrieval", "--captions", path("c"), "--text-vectors", "t"}), 2, "--image-vectors");
  expect_failure(run({"eval", "sts", "--model", model_folder(), "--data", path(""), "--tasks", "STSB,SICKR,STSB"}), 2,
                 "--tasks: STSB is named twice");
  expect_failure(
      run({"eval", "fashioniq", "--model", model_folder(), "--data", path(""), "--categories", "shirt,shirt"}), 2,
      "--categories: shirt is named twice");
  expect_failure(run({"eval", "transfer", "--model", model_folder(), "--data", path(""), "--tasks", "MR,MR"}), 2,
                 "--tasks: MR is named twice");
  expect_failure(run({"eval", "sts", "--model", model_folder(), "--data", path(""), "--prompt", "nonsense"}), 2,
                 "--prompt: [prompt] \"nonsense\" is no prompt; give text, image, sts");
  expect_failure(run({"eval", "gap", "--model", model_folder(), "--captions", path("c"), "--text-prompt", "image"}), 2,
                 "--text-prompt: [prompt] \"image\" has no <sent>, expected <sent> alone");
  expect_failure(
      run({"eval", "gap", "--model", model_folder(), "--captions", path("c"), "--image-prompt", "<image> of <sent>"}),
      2, "\"<image> of <sent>\" has <sent>, expected <image> alone");
}

TEST_F(EvalData, InputOptionsReachTheImages) {
  const std::string image = golden("images/img04_tiny_3x2.png").string();
  write("p.jsonl", Json{{"image0", image}, {"sent1", "a cat"}}.dump() + "\n" +
                       Json{{"image0", golden("images/img18_dark_90x60.png").string()}, {"sent1", "a dog"}}.dump() +
                       "\n");
  const auto pairs = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"eval",    "pairs",         "--model", model_folder(),
                                 "--pairs", path("p.jsonl"), "--store", path("store")};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  expect_failure(pairs({"--max-pixels", "5"}), 1, "img04_tiny_3x2.png");
  const Outcome outcome = pairs({"--max-pixels", "5400", "--no-exif", "--token-budget", "64", "--max-tiles", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_failure(pairs({"--max-pixels", "0"}), 2, "--max-pixels: expected a whole number from 1");
}

}  // namespace
}  // namespace e5v::test
