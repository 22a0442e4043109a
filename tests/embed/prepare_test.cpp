#include "embed/prepare.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "text/synthetic_tokenizer.h"

namespace e5v::embed {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int32_t kImageToken = 400;

image::Preprocess small_tiles() {
  image::Preprocess preprocess;
  preprocess.grid_pinpoints = {{8, 16}, {16, 8}};
  preprocess.tile = preprocess.shortest_edge = 8;
  preprocess.patch = 4;
  return preprocess;
}

text::Tokenizer small_tokenizer() {
  return text::Tokenizer::from_json(text::synthetic_tokenizer_json(400, kImageToken), "tokenizer");
}

Preparer make_preparer(ModelLimits limits = {true, false, kImageToken, 400, 100}, const PrepareOptions& options = {}) {
  return {small_tokenizer(), text::ChatStyle::llama3, small_tiles(), limits, options, "preprocessing"};
}

Pixels pixels_of(std::uint8_t shade, int width = 16, int height = 8) {
  return {width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height), shade)};
}

Input with_prompt(Input input, std::string prompt) {
  input.prompt = std::move(prompt);
  return input;
}

std::int64_t rows_of(const PreparedInput& input, std::int32_t image) {
  return std::ranges::count(input.symbols, image, &Symbol::image);
}

TEST(Prepare, SeveralImagesStandWhereTheTemplateHasThem) {
  Preparer preparer = make_preparer();
  const Input input =
      with_prompt(Input::from_images({pixels_of(1), pixels_of(2, 8, 8)}, "a cat"), "<image>: <sent> <image>");
  const PreparedInput prepared = preparer.prepare(input);
  ASSERT_EQ(prepared.images.size(), 2);
  EXPECT_NE(prepared.images[0].key, prepared.images[1].key);
  // A base tile of 2 x 2 patches, a grid of 2 x 4 with its newlines; the square image fills half of such a grid.
  EXPECT_EQ(prepared.images[0].rows(), 4 + 2 * 5);
  for (std::int32_t image = 0; image < 2; ++image)
    EXPECT_EQ(rows_of(prepared, image), prepared.images[static_cast<std::size_t>(image)].rows());
  EXPECT_EQ(prepared.tokens(), rows_of(prepared, -1) + rows_of(prepared, 0) + rows_of(prepared, 1));
  const auto last_text = std::ranges::find(prepared.symbols, 1, &Symbol::image) - prepared.symbols.begin();
  EXPECT_GT(last_text,
            prepared.images[0].rows());  // the second image comes after the
                                         // first and the text between
  EXPECT_TRUE(prepared.positions.empty());
}

TEST(Prepare, OneImageTwiceIsPreparedOnce) {
  Preparer preparer = make_preparer();
  const PreparedInput twice =
      preparer.prepare(with_prompt(Input::from_images({pixels_of(1), pixels_of(1)}), "<image> and <image>"));
  EXPECT_EQ(twice.images[0].key, twice.images[1].key);
  EXPECT_EQ(twice.images[0].prepared, twice.images[1].prepared);
}

TEST(Prepare, TemplatesHaveASlotForEachImage) {
  Preparer preparer = make_preparer();
  const auto refuses = [&](const Input& input, const std::string& message) {
    EXPECT_THAT([&] { preparer.prepare(input); }, ThrowsMessage<InvalidInput>(HasSubstr(message)));
  };
  const Input two = Input::from_images({pixels_of(1), pixels_of(2)});
  refuses(two, "[prompt image] has 1 slot for images, the input has 2; give a template with an <image> for each");
  refuses(with_prompt(two, "<image><image><image>"), "has 3 slots for images, the input has 2");
  refuses(with_prompt(two, std::string("<sent>\0", 7)),
          R"([prompt "<sent>\x00"] has a slot for a text, the input has none)");
  refuses(with_prompt(Input::from_text("a"), "<sent> <image>"), "has a slot for an image, the input has none");
  refuses(with_prompt(two, "<sent>"), "has a slot for a text, the input has none");
  refuses(with_prompt(Input::from_images({pixels_of(1), pixels_of(2)}, "a <image>"), "<image><image><sent>"),
          "[input] the prompt holds <image> 3 times, expected 2 times");
  refuses(Input::from_text("an <image>"), "<image> stands in a text, but there is no image");
  refuses({}, "");
}

TEST(Prepare, LimitsOfTheModelAreTold) {
  Preparer one = make_preparer({true, true, kImageToken, 400, 100}), none = make_preparer({false, false, -1, 400, 100});
  const Input two = with_prompt(Input::from_images({pixels_of(1), pixels_of(2)}), "<image><image>");
  EXPECT_THAT([&] { one.prepare(two); },
              ThrowsMessage<InvalidInput>("[input] 2 images were given, but this model takes one"));
  EXPECT_NO_THROW(one.prepare(Input::from_image(pixels_of(1))));
  EXPECT_THAT([&] { none.prepare(Input::from_image(pixels_of(1))); },
              ThrowsMessage<InvalidInput>("[input] an image was given, but this checkpoint takes text only"));
}

TEST(Prepare, TextsAreCutForTheRowsOfAllImages) {
  const std::string text = "a cat sits on the mat and looks at the dog in the house near the sea and the sun and more";
  const Input input = with_prompt(Input::from_images({pixels_of(1), pixels_of(2)}, text), "<image><image><sent>");
  Preparer strict = make_preparer({true, false, kImageToken, 400, 40});
  EXPECT_THAT([&] { strict.prepare(input); }, ThrowsMessage<InvalidInput>(HasSubstr("tokens, the context holds 40")));
  PrepareOptions options;
  options.truncate = true;
  const PreparedInput cut = make_preparer({true, false, kImageToken, 400, 40}, options).prepare(input);
  EXPECT_LE(cut.tokens(), 40);
  EXPECT_GT(cut.tokens(), 2 * cut.images[0].rows());
}

TEST(Prepare, InputsWithoutAPromptTakeTheRunsOrTheirContents) {
  Preparer preparer = make_preparer();
  const Input text = Input::from_text("a");
  EXPECT_EQ(*preparer.prepare(text, "<sent>!").prompt, *preparer.prompt_hash("<sent>!"));
  EXPECT_EQ(*preparer.prepare(text).prompt, *preparer.prompt_hash("text"));
  EXPECT_EQ(*preparer.prepare(with_prompt(text, "<sent>?"), "<sent>!").prompt, *preparer.prompt_hash("<sent>?"));
  EXPECT_EQ(preparer.preprocessing(), "preprocessing");
}

/// Lists a position for each symbol: twice its depth.
class SpreadPreparer : public Preparer {
 public:
  SpreadPreparer()
      : Preparer(small_tokenizer(), text::ChatStyle::llama3, small_tiles(), {true, false, kImageToken, 400, 100}, {},
                 "") {}

 protected:
  void place(PreparedInput& input) const override {
    for (std::size_t i = 0; i < input.symbols.size(); ++i) {
      const auto position = static_cast<std::int32_t>(i);
      input.symbols[i].position = position;
      input.positions.push_back({2 * position, 0, 0});
    }
  }
};

TEST(Prepare, AFamilyMayListPositions) {
  const PreparedInput input = SpreadPreparer().prepare(Input::from_text("a cat"));
  ASSERT_EQ(input.positions.size(), input.symbols.size());
  EXPECT_EQ(input.positions[2], (ops::RotaryPosition{4, 0, 0}));
}

}  // namespace
}  // namespace e5v::embed
