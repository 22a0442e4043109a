// e5v eval retrieval --rendered-text.
#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class RenderedText : public testing::Test {
 protected:
  TemporaryFolder folder_;
  fs::path captions_, figures_ = folder_.path() / "figures.json";

  void SetUp() override {
    std::string lines;
    const auto add = [&](const char* image, const Json& captions) {
      lines += Json{{"image", golden(image).string()}, {"captions", captions}}.dump() + '\n';
    };
    add("images/img04_tiny_3x2.png", {"A dog sitting in the grass.", "שלום 12"});
    add("images/img18_dark_90x60.png", {"A tabby cat.", "A dog sitting in the grass."});
    captions_ = folder_.write("captions.jsonl", lines);
  }

  Outcome retrieval(std::vector<std::string> more) const {
    std::vector<std::string> arguments{
        "eval",        "retrieval", "--model", model_folder(),           "--captions", captions_, "--threads", "1",
        "--max-tiles", "1",         "--store", folder_.path() / "store", "--json",     figures_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  Json figures() const { return Json::parse(content_of(figures_)); }
};

TEST_F(RenderedText, SaysSoAndHasItsOwnPublishedFigures) {
  const Outcome outcome = retrieval({"--rendered-text", "--name", "coco"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::StartsWith("Retrieval, coco, rendered captions (recall x 100)\n"));
  EXPECT_THAT(outcome.out, testing::AllOf(HasSubstr("prompts: image\n"), HasSubstr("LiberationSans-Regular.ttf")));
  const Json result = figures();
  EXPECT_EQ(result.at("task"), "retrieval of rendered text");
  EXPECT_EQ(result.at("facts").at("captions"), "4");
  ASSERT_EQ(result.at("figures").size(), 6);
  EXPECT_EQ(result.at("figures")[0].at("paper"), 41.2);
  EXPECT_EQ(result.at("figures")[5].at("paper"), 84.9);
}

TEST_F(RenderedText, VectorsAreKept) {
  EXPECT_EQ(retrieval({"--rendered-text"}).code, 0);
  const Json first = figures();
  EXPECT_EQ(first.at("computed"), 5) << "two images and three different captions";
  EXPECT_EQ(retrieval({"--rendered-text"}).code, 0);
  const Json second = figures();
  EXPECT_EQ(second.at("computed"), 0);
  EXPECT_EQ(second.at("reused"), 5);
  EXPECT_EQ(second.at("figures"), first.at("figures"));
  // Another look is another image.
  EXPECT_EQ(retrieval({"--rendered-text", "--text-layout", "basic"}).code, 0);
  EXPECT_EQ(figures().at("computed"), 3);
  EXPECT_THAT(figures().at("facts").at("font").get<std::string>(), testing::EndsWith("layout basic"));
  // Captions as text are not those that were drawn.
  EXPECT_EQ(retrieval({}).code, 0);
  EXPECT_EQ(figures().at("computed"), 3);
  EXPECT_EQ(figures().at("task"), "retrieval");
}

TEST_F(RenderedText, MistakesAreNamed) {
  expect_failure(retrieval({"--rendered-text", "--font", folder_.path() / "arial.ttf"}), 1, "fonts-liberation");
  expect_failure(retrieval({"--rendered-text", "--font", captions_}), 1, "captions.jsonl] font: expected a TrueType");
  EXPECT_FALSE(fs::exists(folder_.path() / "store")) << "found before the model is loaded";
  expect_failure(retrieval({"--font", captions_}), 2, "--rendered-text");
  expect_failure(retrieval({"--text-layout", "basic"}), 2, "--rendered-text");
  expect_failure(retrieval({"--rendered-text", "--text-layout", "advanced"}), 2, "--text-layout");
  expect_failure(retrieval({"--rendered-text", "--text-prompt", "sts"}), 2, "--text-prompt");
  const fs::path vectors = folder_.path() / "a.npy";
  expect_failure(run({"eval", "retrieval", "--captions", captions_, "--rendered-text", "--text-vectors", vectors,
                      "--image-vectors", vectors}),
                 2, "--text-vectors");
}

}  // namespace
}  // namespace e5v::test
