// CLIP checkpoints by the same commands.
#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string clip_folder() { return golden("ckpt/tiny-clip").string(); }

TEST(ClipProgram, EmbedsTextsAndImagesIntoOneSpace) {
  const Outcome outcome = run({"embed", "--model", clip_folder(), "--dtype", "f32", "--threads", "1", "--text",
                               "a photo of a cat", "--image", golden("images/img04_tiny_3x2.png").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 2u);
  for (const std::string& line : lines) {
    const auto vector = Json::parse(line).at("embedding").get<std::vector<double>>();
    EXPECT_EQ(vector.size(), 40u);
    double square = 0;
    for (const double value : vector) square += value * value;
    EXPECT_NEAR(square, 1, 1e-5);
  }
}

TEST(ClipProgram, IsComparedDescribedAndChecked) {
  const Outcome similarity =
      run({"similarity", "--model", clip_folder(), "--text", "a cat", "--text", "a cat", "--json"});
  EXPECT_NEAR(Json::parse(similarity.out).at("similarity")[0][1].get<double>(), 1, 1e-6);
  const Outcome info = run({"info", "--model", clip_folder()});
  EXPECT_THAT(info.out, testing::AllOf(HasSubstr("architecture     CLIP\n"), HasSubstr("text tower       3 layers"),
                                       HasSubstr("images of 224, patches of 16"),
                                       HasSubstr("context          77 tokens"), HasSubstr("prompts          none")));
  const Outcome doctor = run({"doctor", "--model", clip_folder()});
  EXPECT_EQ(doctor.code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("shorter edge 224, the middle 224 of it"));
  const Outcome tokens = run({"tokenize", "--model", clip_folder(), "--text", "A Cat", "--json", "--prompt", "sts"});
  EXPECT_EQ(Json::parse(tokens.out)[0].at("pieces").front(), "<|startoftext|>");
  EXPECT_EQ(Json::parse(tokens.out)[0].at("text"), "A Cat");
}

TEST(ClipProgram, IsEvaluatedLikeAnyModelAndItsVectorFilesGiveTheSameFigures) {
  const TemporaryFolder folder;
  std::string captions, texts, images;
  const Json crops = read_json(golden("clip/clip.json")).at("models").at("tiny-clip").at("crops");
  for (const Json& crop : crops) {
    const auto name = crop.at("image").get<std::string>();
    const std::string image = golden("images/" + name).string();
    captions += Json{{"image", image}, {"captions", {name}}}.dump() + '\n';
    texts += Json{{"text", name}}.dump() + '\n';
    images += Json{{"image", image}}.dump() + '\n';
  }
  const fs::path list = folder.write("captions.jsonl", captions);
  const auto evaluated = [&](const std::string& task, std::vector<std::string> more) {
    const fs::path figures = folder.path() / "figures.json";
    std::vector<std::string> arguments{"eval", task, "--captions", list, "--json", figures};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Json::parse(content_of(figures));
  };
  const std::vector<std::string> model{"--model", clip_folder(), "--dtype", "f32", "--store", folder.path() / "store"};
  const Json by_model = evaluated("retrieval", model);
  EXPECT_EQ(by_model.at("computed"), 2 * crops.size());
  for (const auto& [name, lines] : {std::pair("texts", texts), std::pair("images", images)}) {
    const Outcome outcome = run({"embed", "--model", clip_folder(), "--dtype", "f32", "--input",
                                 folder.write(std::string(name) + ".jsonl", lines), "--output",
                                 folder.path() / (std::string(name) + ".npy")});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  const std::vector<std::string> files{"--text-vectors", folder.path() / "texts.npy", "--image-vectors",
                                       folder.path() / "images.npy"};
  EXPECT_EQ(evaluated("retrieval", files).at("figures"), by_model.at("figures"));
  const Json gap = evaluated("gap", model).at("figures"), gap_of_files = evaluated("gap", files).at("figures");
  ASSERT_EQ(gap.size(), 5u);
  for (std::size_t i = 0; i < gap.size(); ++i)
    EXPECT_NEAR(gap[i].at("value").get<double>(), gap_of_files[i].at("value").get<double>(), 1e-5) << gap[i];
}

TEST(ClipProgram, WhatItCannotDoIsSaid) {
  const TemporaryFolder folder;
  const fs::path composed = folder.write(
      "items.jsonl",
      Json{{"image", golden("images/img04_tiny_3x2.png").string()}, {"text", "make it blue"}}.dump() + "\n");
  expect_failure(run({"embed", "--model", clip_folder(), "--input", composed}), 1,
                 "\"cirr-query\" is for an image changed by a text; this model takes a text or an image, not both");
  expect_failure(run({"embed", "--model", clip_folder(), "--text", "a", "--adapter", folder.path()}), 1,
                 "is for a language model, but");
  expect_failure(run({"quantize", "--model", clip_folder(), "--format", "int8", "--output", folder.path() / "q"}), 1,
                 "expected a LLaVA-NeXT or one of its language models");
}

}  // namespace
}  // namespace e5v::test
