#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <limits>
#include <thread>

#include "api/embedder_impl.h"
#include "api/model.h"
#include "base/file.h"
#include "embed/goldens.h"
#include "image/decode.h"

namespace e5v::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::filesystem::path model_folder() { return golden("ckpt/tiny-small-f32"); }
std::filesystem::path small_image() { return golden("images/img18_dark_90x60.png"); }

Embeddings embed_one(Model& embedder, const Input& input) { return embedder.embed(std::span(&input, 1)); }

/// One tile per image keeps these tests quick; the goldens have them all.
Model quick_embedder(ModelOptions options = {}) {
  options.max_tiles = 1;
  return Model(model_folder(), options);
}

/// The pixels of an image with transparent ones, as options show them to the model.
Pixels pixels_of(const std::filesystem::path& file, bool drop_alpha) {
  const std::string bytes = read_file(file);
  image::DecodeOptions options;
  options.drop_alpha = drop_alpha;
  image::Bitmap bitmap = image::decode(std::as_bytes(std::span(bytes)), file.string(), options);
  return {bitmap.width, bitmap.height, std::move(bitmap.pixels)};
}

// A model of each family.
TEST(Alpha, IsLaidOnWhiteOrDropped) {
  const std::filesystem::path file = golden("images/img06_rgba_400x300.png");
  for (const char* model : {"ckpt/tiny-small-f32", "ckpt/tiny-clip"})
    for (const bool paper_compat : {false, true})
      for (const Alpha alpha : {Alpha::automatic, Alpha::white, Alpha::drop}) {
        SCOPED_TRACE(testing::Message() << model << paper_compat << static_cast<int>(alpha));
        ModelOptions options;
        options.max_tiles = 1;
        options.paper_compat = paper_compat;
        options.alpha = alpha;
        Model embedder(golden(model), options);
        const bool drops = alpha == Alpha::drop || (alpha == Alpha::automatic && paper_compat);
        const Embeddings found =
            embedder.embed(std::vector{Input::from_image(file), Input::from_image(pixels_of(file, drops)),
                                       Input::from_image(pixels_of(file, !drops))});
        EXPECT_EQ(max_difference(found.row(0), found.row(1)), 0);
        EXPECT_LT(cosine(found.row(0), found.row(2)), 0.9999);
      }
}

class Refusals : public testing::Test {
 protected:
  void expect_refused(const Input& input, const std::string& part) {
    EXPECT_THAT([&] { embed_one(embedder, input); }, ThrowsMessage<InvalidInput>(HasSubstr(part)));
  }
  Model embedder = quick_embedder();
};

TEST_F(Refusals, NameWhatIsWrong) {
  expect_refused({}, "input 0: ");
  expect_refused(Input::from_text("a <image> of a dog"), "<image> stands in a text, but there is no image");
  expect_refused(Input::composed(small_image(), "with <image>"), "holds <image> 2 times, expected once");
  expect_refused(Input::from_text("bad \xff bytes"), "UTF-8");
  expect_refused({"a", {}, "image"}, "[prompt image] has no slot for a text, the input has one");
  expect_refused({std::nullopt, {small_image()}, "text"}, "[prompt text] has a slot for a text, the input has none");
  expect_refused({"a", {}, "nonsense"}, "cirr-gallery");  // the names are listed
  expect_refused({"a", {small_image()}, "only <sent>"}, "has no slot for an image, the input has one");
  expect_refused(Input::from_image("/nonexistent/cat.jpg"), "[/nonexistent/cat.jpg] no such file");
  expect_refused(Input::from_image(golden("images")), "is a folder, expected a file");
  expect_refused(Input::from_image(EncodedImage{{}, "nothing.png"}), "[nothing.png]");
  expect_refused(Input::from_image(Pixels{0, 3, {}}), "0 x 3");
  expect_refused(Input::from_image(Pixels{2, 2, std::vector<std::uint8_t>(11)}),
                 "11 bytes for 2 x 2 pixels, expected 12");
}

TEST_F(Refusals, TextsBeyondTheContext) {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += "word ";
  expect_refused(Input::from_text(text), "the context holds 8192; shorten the text, or have it cut by option truncate");
  ModelOptions options;
  options.truncate = true;
  Model cutting = quick_embedder(options);
  const Embeddings cut = embed_one(cutting, Input::from_text(text));
  EXPECT_LE(cut.token_counts[0], 8192);
  EXPECT_GT(cut.token_counts[0], 8180);
}

TEST(EmbedderImages, FileMemoryAndPixelsAgree) {
  Model embedder = quick_embedder();
  const std::string bytes = read_file(small_image());
  const auto encoded = std::as_bytes(std::span(bytes));
  const std::vector<Input> inputs{Input::from_image(small_image()),
                                  Input::from_image(EncodedImage{{encoded.begin(), encoded.end()}, "memory"})};
  const Embeddings found = embedder.embed(inputs);
  EXPECT_LT(max_difference(found.row(0), found.row(1)), 1e-9);  // one and the same rows
  const image::Bitmap bitmap = image::decode(encoded, "png");
  const Embeddings pixels = embed_one(embedder, Input::from_image(Pixels{bitmap.width, bitmap.height, bitmap.pixels}));
  EXPECT_LT(max_difference(found.row(0), pixels.row(0)), 1e-5);
  EXPECT_EQ(found.token_counts[0], 577 + 27);  // the base tile, its newline, and the prompt around them
}

TEST(EmbedderImages, PixelLimitIsAdjustable) {
  ModelOptions options;
  options.max_pixels = 90 * 60 - 1;
  Model embedder = quick_embedder(options);
  EXPECT_THAT([&] { embed_one(embedder, Input::from_image(small_image())); },
              ThrowsMessage<InvalidInput>(HasSubstr("5399")));
}

TEST(EmbedderBatches, AnyMixInAnyBudgetEqualsSingles) {
  std::vector<Input> inputs;
  for (const std::string& sentence : golden_sentences()) inputs.push_back(Input::from_text(sentence));
  inputs.insert(inputs.begin() + 3, Input::from_image(small_image()));
  inputs.insert(inputs.begin() + 9, Input::composed(small_image(), "at night"));
  inputs.push_back(Input::from_image(golden("images/img10_gray16_300x200.png")));
  inputs.push_back(inputs[0]);
  inputs.push_back({"in my own words", {}, "Say <sent> in a word:"});
  Model reference = quick_embedder();
  std::vector<Embeddings> singles;
  for (const Input& input : inputs) singles.push_back(embed_one(reference, input));
  for (const std::int64_t budget : {1, 100, 700, 100000}) {
    ModelOptions options;
    options.token_budget = budget;
    Model embedder = quick_embedder(options);
    const Embeddings found = embedder.embed(inputs);
    ASSERT_EQ(found.size(), static_cast<std::int64_t>(inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LT(max_difference(found.row(static_cast<std::int64_t>(i)), singles[i].row(0)), 1e-5) << budget << " " << i;
      EXPECT_EQ(found.token_counts[i], singles[i].token_counts[0]);
      EXPECT_EQ(found.fingerprint(i), singles[i].fingerprint(0));
    }
  }
}

TEST(EmbedderBatches, ThreadsDoNotChangeTheResult) {
  const Input input = Input::from_text("A dog sitting in the grass.");
  ModelOptions options;
  options.threads = 1;
  Model one = quick_embedder(options);
  options.threads = 3;
  Model three = quick_embedder(options);
  EXPECT_LT(max_difference(embed_one(one, input).row(0), embed_one(three, input).row(0)), 1e-6);
}

TEST(EmbedderStream, ReportsBadInputsInTheirPlace) {
  Model embedder = quick_embedder();
  const std::vector<std::string> texts{"good", "bad <image>", "good too", "bad \xff", "last"};
  std::size_t next = 0;
  std::vector<std::string> events;
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (next == texts.size()) return std::nullopt;
    if (next == 2) {
      ++next;
      throw InvalidInput("[items:3] unreadable");
    }
    return Input::from_text(texts[next++]);
  };
  stream.done = [&](std::int64_t index, const Embedding& embedding) {
    EXPECT_EQ(embedding.vector.size(), 128u);
    events.push_back("done " + std::to_string(index));
  };
  stream.bad = [&](std::int64_t index, const InvalidInput& error) {
    events.push_back("bad " + std::to_string(index) + (index == 2 ? error.what() : ""));
  };
  embedder.stream(stream);
  EXPECT_THAT(events, testing::ElementsAre("done 0", "bad 1", "bad 2[items:3] unreadable", "bad 3", "done 4"));
}

TEST(EmbedderStream, WhatHasComeIsComputedWhileTheRestIsWaitedFor) {
  Model embedder = quick_embedder();
  std::atomic<int> given = 0, done = 0;
  std::atomic<bool> waiting = false;
  Stream stream;
  stream.next = [&]() -> std::optional<Input> {
    if (given == 3) return std::nullopt;
    waiting = true;  // each input comes when the vector of the one before has been handed out
    for (int slept = 0; done < given && slept < 10'000; ++slept)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    waiting = false;
    return Input::from_text("text " + std::to_string(++given));
  };
  std::vector<int> given_when_done;
  stream.done = [&](std::int64_t, const Embedding&) {
    given_when_done.push_back(given);
    ++done;
  };
  embedder.impl().stream(stream, {nullptr, [&] { return waiting.load(); }}, {}, {.max_tiles = 1});
  EXPECT_THAT(given_when_done, testing::ElementsAre(1, 2, 3));
}

TEST(EmbedderStream, WithoutAHandlerABadInputEndsItBehindTheGoodOnes) {
  Model embedder = quick_embedder();
  const std::vector<std::string> texts{"one", "two", "bad <image>", "three"};
  std::size_t next = 0;
  int done = 0;
  Stream stream;
  stream.next = [&] { return next < texts.size() ? std::optional(Input::from_text(texts[next++])) : std::nullopt; };
  stream.done = [&](std::int64_t, const Embedding&) { ++done; };
  EXPECT_THROW(embedder.stream(stream), InvalidInput);
  EXPECT_EQ(done, 2);
  EXPECT_EQ(embed_one(embedder, Input::from_text("again")).size(), 1);  // still usable
}

TEST(EmbedderStream, ErrorsOfTheReceiverPassThrough) {
  Model embedder = quick_embedder();
  Stream stream;
  stream.next = [] { return std::optional(Input::from_text("endless")); };
  stream.done = [](std::int64_t index, const Embedding&) {
    if (index == 5) throw std::runtime_error("disk full");
  };
  EXPECT_THAT([&] { embedder.stream(stream); }, ThrowsMessage<std::runtime_error>("disk full"));
}

TEST(EmbedderFingerprint, TellsOriginsApart) {
  const auto of = [](const ModelOptions& options, const std::string& prompt = "text") {
    return Model(model_folder(), options).fingerprint(prompt);
  };
  const Fingerprint base = of({});
  EXPECT_EQ(of({}), base);
  EXPECT_NE(of({}, "image").id(), base.id());
  EXPECT_EQ(of({}, "image").space(), base.space());
  ModelOptions options;
  options.dtype = ComputeType::bf16;
  EXPECT_NE(of(options).space(), base.space());
  options = {};
  options.paper_compat = true;
  EXPECT_NE(of(options).space(), base.space());
  options = {};
  options.normalize = false;
  EXPECT_NE(of(options).space(), base.space());
  options = {};
  options.alpha = Alpha::white;  // what it is anyway
  EXPECT_EQ(of(options), base);
  options.alpha = Alpha::drop;
  EXPECT_NE(of(options).preprocessing, base.preprocessing);
  options = {};
  options.truncate = true;
  EXPECT_NE(of(options).space(), base.space());
  options = {};
  options.threads = 2;
  options.token_budget = 77;
  EXPECT_EQ(of(options), base);
  const Fingerprint other = Model(golden("ckpt/tiny-small-bf16-2shard")).fingerprint("text");
  EXPECT_NE(other.weights, base.weights);
}

TEST(EmbedderLoading, NamesWhatIsMissing) {
  EXPECT_THAT([] { Model{"/nonexistent"}; }, ThrowsMessage<ModelError>(HasSubstr("no such model folder")));
  EXPECT_THAT([] { Model{small_image()}; }, ThrowsMessage<ModelError>(HasSubstr("is no folder")));
  ModelOptions options;
  options.token_budget = -1;
  EXPECT_THAT([&] { Model(model_folder(), options).embed({}); },
              ThrowsMessage<InvalidInput>(HasSubstr("token_budget is -1")));
}

TEST(EmbedderLoading, RefusesNumbersBeyondItsLimits) {
  const auto beyond = [](auto member, auto value) {
    ModelOptions changed;
    changed.*member = value;
    return changed;
  };
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::pair<ModelOptions, const char*> cases[] = {
      {beyond(&ModelOptions::token_budget, most), "expected a number from 0 (automatic) to 1048576"},
      {beyond(&ModelOptions::max_pixels, most), "max_pixels is 9223372036854775807, expected a number from 1 to"},
      {beyond(&ModelOptions::max_pixels, std::int64_t{0}), "max_pixels is 0"},
      {beyond(&ModelOptions::max_tiles, 2147483647), "(as many as the model has) to 1024"},
      {beyond(&ModelOptions::threads, 2147483647), "(one per core) to 1024"}};
  for (const auto& [changed, part] : cases)
    EXPECT_THAT([&changed = changed] { Model(model_folder(), changed).embed({}); },
                ThrowsMessage<InvalidInput>(HasSubstr(part)));
}

/// A copy of the model's folder that a test may break.
class BrokenModel : public testing::Test {
 protected:
  BrokenModel() {
    folder = std::filesystem::temp_directory_path() / ("e5v-broken-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::copy(model_folder(), folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  ~BrokenModel() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

/// Writes numbers over the beginning of a tensor of f32.
void overwrite(const std::filesystem::path& path, const char* name, std::span<const float> numbers, std::size_t first) {
  const tensor::SafetensorsFile weights(path);
  const auto* tensor = weights.find(name);
  const auto* start = weights.tensors().begin()->second.data;
  for (const auto& [other, view] : weights.tensors()) start = std::min(start, view.data);
  std::string file = read_file(path);
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  std::memcpy(file.data() + 8 + header + (tensor->data - start) + 4 * first, numbers.data(), numbers.size_bytes());
  std::ofstream(path, std::ios::binary) << file;
}

TEST_F(BrokenModel, AVectorOfZerosIsNone) {
  overwrite(folder / "model.safetensors", "language_model.model.norm.weight", std::vector<float>(128), 0);
  for (const bool normalize : {true, false}) {
    ModelOptions options;
    options.normalize = normalize;
    Model embedder(folder, options);
    EXPECT_THAT([&] { embed_one(embedder, Input::from_text("a")); },
                ThrowsMessage<ModelError>(HasSubstr("[input 0] the vector has length 0 and cannot be scaled to 1")));
  }
}

/// Numbers whose squares leave f32 would be zeros, or not of length 1, after normalising.
TEST_F(BrokenModel, AVectorThatCannotBeNormalisedIsNone) {
  for (const float size : {1e30f, 1e-30f}) {
    overwrite(folder / "model.safetensors", "language_model.model.norm.weight", std::vector<float>(128, size), 0);
    Model embedder(folder);
    EXPECT_THAT([&] { embed_one(embedder, Input::from_text("a")); },
                ThrowsMessage<ModelError>(HasSubstr("and cannot be scaled to 1")))
        << size;
  }
}

TEST_F(BrokenModel, NaNInAWeightIsFoundWhenAResultIsNot) {
  overwrite(folder / "model.safetensors", "language_model.model.norm.weight", std::vector{NAN}, 17);
  Model embedder(folder);
  EXPECT_THAT([&] { embed_one(embedder, Input::from_text("a")); },
              ThrowsMessage<ModelError>(testing::AllOf(HasSubstr("[input 0] the result is not finite"),
                                                       HasSubstr("language_model.model.norm.weight holds NaN"))));
}

TEST_F(BrokenModel, GridsThatDisagreeAreRefused) {
  Json preprocessor = read_json(folder / "preprocessor_config.json");
  preprocessor["image_grid_pinpoints"] = {{672, 672}};
  std::ofstream(folder / "preprocessor_config.json") << preprocessor;
  EXPECT_THAT([&] { Model{folder}; }, ThrowsMessage<ModelError>(HasSubstr("image_grid_pinpoints are 672x672")));
}

TEST_F(BrokenModel, TheContextIsInTheFingerprintWhereTextsAreCutAtIt) {
  Json config = read_json(folder / "config.json");
  config["text_config"]["max_position_embeddings"] = 4096;
  std::ofstream(folder / "config.json") << config;
  ModelOptions options;
  const auto of = [&](const std::filesystem::path& model) { return Model(model, options).fingerprint("text"); };
  EXPECT_EQ(of(folder), of(model_folder()));
  options.truncate = true;
  EXPECT_NE(of(folder).preprocessing, of(model_folder()).preprocessing);
}

TEST_F(BrokenModel, WithoutAPreprocessorFileTheModelsOwnSizesServe) {
  std::filesystem::remove(folder / "preprocessor_config.json");
  Model embedder(folder), complete = Model(model_folder());
  const Input input = Input::from_image(small_image());
  EXPECT_LT(max_difference(embed_one(embedder, input).row(0), embed_one(complete, input).row(0)), 1e-6);
}

TEST_F(BrokenModel, SettingsOfTransformers5AreReadFromTheProcessorFile) {
  const Input input = Input::from_image(small_image());
  const auto vector_of = [&] {
    Model embedder(folder);
    const Embeddings found = embed_one(embedder, input);
    return std::vector<float>(found.row(0).begin(), found.row(0).end());
  };
  Json settings = read_json(folder / "preprocessor_config.json");
  settings["image_mean"] = {0.1, 0.2, 0.3};
  std::ofstream(folder / "preprocessor_config.json") << settings;
  const std::vector<float> expected = vector_of();
  std::filesystem::remove(folder / "preprocessor_config.json");
  const std::vector<float> with_default_mean = vector_of();
  std::ofstream(folder / "processor_config.json") << Json{{"image_processor", settings}};
  EXPECT_LT(max_difference(vector_of(), expected), 1e-6);
  EXPECT_GT(max_difference(with_default_mean, expected), 1e-3);
  std::ofstream(folder / "processor_config.json") << "{";
  EXPECT_THAT([&] { Model{folder}; }, ThrowsMessage<ModelError>(HasSubstr("processor_config.json] is not JSON")));
}

}  // namespace
}  // namespace e5v::test
