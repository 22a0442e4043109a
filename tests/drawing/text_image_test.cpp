#include "drawing/text_image.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "drawing/font.h"
#include "image/image_files.h"
#include "temporary_folder.h"

namespace e5v::drawing {
namespace {

using testing::HasSubstr;

TextPainter painter(TextLayout layout) { return TextPainter({.layout = layout}); }
constexpr std::array kLayouts{TextLayout::raqm, TextLayout::basic};

Json box_json(const TextBox& box) { return {box.left, box.top, box.right, box.bottom}; }
bool is_white(const Pixels& picture) {
  return std::all_of(picture.rgb.begin(), picture.rgb.end(), [](std::uint8_t value) { return value == 255; });
}

template <class F>
std::string message_of(const F& call) {
  try {
    call();
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "no error";
}

TEST(TextImage, LinesArePillows) {
  const Json items = read_json(e5v::test::golden("textimage/textimage.json")).at("items");
  ASSERT_EQ(items.size(), 6u);
  for (const Json& item : items) {
    SCOPED_TRACE(item.at("file").get<std::string>());
    const bool raqm = item.at("layout") == "raqm";
    const auto lines =
        painter(raqm ? TextLayout::raqm : TextLayout::basic).lines(item.at("caption").get<std::string>());
    ASSERT_EQ(lines.size(), item.at("lines").size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].text, item.at("lines")[i]);
      EXPECT_EQ(lines[i].length, item.at("textlength")[i]);
      EXPECT_EQ(box_json(lines[i].box), item.at("textbbox")[i]);
      EXPECT_EQ(Json({lines[i].x, lines[i].y}), item.at("draw_xy")[i]);
    }
  }
}

// Exact where FreeType is the one behind the goldens; another version may hint a little differently.
TEST(TextImage, PixelsArePillows) {
  const Json items = read_json(e5v::test::golden("textimage/textimage.json")).at("items");
  const bool same_engine = Font(default_font(), 40).engine() == "2.12.1";
  for (const Json& item : items) {
    const std::string file = item.at("file");
    const image::Bitmap expected = test::decode_text(read_file(e5v::test::golden("textimage/" + file)));
    const bool raqm = item.at("layout") == "raqm";
    const Pixels drawn =
        painter(raqm ? TextLayout::raqm : TextLayout::basic).paint(item.at("caption").get<std::string>());
    ASSERT_EQ(drawn.width, expected.width);
    ASSERT_EQ(drawn.height, expected.height);
    double difference = 0;
    for (std::size_t i = 0; i < drawn.rgb.size(); ++i) difference += std::abs(drawn.rgb[i] - expected.pixels[i]);
    difference /= static_cast<double>(drawn.rgb.size());
    EXPECT_LE(difference, same_engine ? 0 : 2) << file;
  }
}

TEST(TextImage, EmptyCaptionsAreWhite) {
  for (const TextLayout layout : kLayouts) {
    for (const char* caption : {"", " ", "\n\t \xC2\xA0"}) {
      const Pixels picture = painter(layout).paint(caption);
      EXPECT_EQ(picture.rgb.size(), 800u * 400 * 3);
      EXPECT_TRUE(is_white(picture));
      EXPECT_TRUE(painter(layout).lines(caption).empty());
    }
  }
}

TEST(TextImage, BreaksInTheCaptionAreBlanks) {
  for (const TextLayout layout : kLayouts)
    EXPECT_EQ(painter(layout).paint("two\nbirds\t on\r\n a  wire ").rgb,
              painter(layout).paint("two birds on a wire").rgb);
}

TEST(TextImage, WordsWiderThanThePictureAreCut) {
  const std::string word(300, 'W');
  for (const TextLayout layout : kLayouts) {
    const auto lines = painter(layout).lines("see " + word + " there");
    ASSERT_GT(lines.size(), 3u);
    std::string joined;
    for (const TextLine& line : lines) joined += line.text;
    EXPECT_EQ(joined, "see " + word + " there ");
    EXPECT_EQ(lines[1].text, std::string(lines[1].text.size(), 'W'));
    EXPECT_LE(lines[1].length, 760);
    EXPECT_GT(lines[1].length, 700);
  }
  // Not even a letter fits.
  const auto letters = TextPainter({.width = 50, .size = 40}).lines("WM");
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].text, "W");
}

TEST(TextImage, WhatDoesNotFitIsCutOffOnBothSides) {
  std::string caption;
  for (int i = 0; i < 400; ++i) caption += "words ";
  for (const TextLayout layout : kLayouts) {
    const auto lines = painter(layout).lines(caption);
    EXPECT_LT(lines.front().y, -100);
    EXPECT_GT(lines.back().y, 400);
    const Pixels picture = painter(layout).paint(caption);
    EXPECT_EQ(picture.rgb.size(), 800u * 400 * 3);
    EXPECT_FALSE(is_white(picture));
  }
}

TEST(TextImage, CharactersWithoutGlyphsAreDrawnAsTheFontsBox) {
  for (const TextLayout layout : kLayouts) {
    const Pixels cat = painter(layout).paint("a 🐈"), dog = painter(layout).paint("a 🐕");
    EXPECT_EQ(cat.rgb, dog.rgb);
    EXPECT_NE(cat.rgb, painter(layout).paint("a").rgb);
    EXPECT_FALSE(is_white(painter(layout).paint("\x01")));
  }
}

TEST(TextImage, MovingTheMarginMovesTheText) {
  const auto columns = [](const Pixels& picture) {
    int first = picture.width;
    for (int i = 0; i < picture.width * picture.height; ++i)
      if (picture.rgb[static_cast<std::size_t>(3 * i)] < 128) first = std::min(first, i % picture.width);
    return first;
  };
  const int near = columns(TextPainter({.margin = 0}).paint("Hall")),
            far = columns(TextPainter({.margin = 50}).paint("Hall"));
  EXPECT_EQ(far - near, 50);
}

TEST(TextImage, ManyThreadsDrawTheSame) {
  const TextPainter shared = painter(TextLayout::raqm);
  const std::array captions{"A dog sitting in the grass.", "Two young guys with shaggy hair", "שלום 12", "naïve café"};
  std::vector<Pixels> expected;
  for (const char* caption : captions) expected.push_back(painter(TextLayout::raqm).paint(caption));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const TextPainter own = painter(TextLayout::raqm);
      for (std::size_t i = 0; i < 8; ++i) {
        const std::size_t which = (i + t) % captions.size();
        wrong += shared.paint(captions[which]).rgb != expected[which].rgb;
        wrong += own.paint(captions[which]).rgb != expected[which].rgb;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(TextImage, IdsTellPicturesApart) {
  const TextImageOptions options;
  const std::string id = TextPainter(options).id();
  EXPECT_EQ(TextPainter(options).id(), id);
  TextImageOptions other = options;
  other.size = 41;
  EXPECT_NE(TextPainter(other).id(), id);
  EXPECT_NE(painter(TextLayout::basic).id(), id);
  // Where the font lies is not what it is.
  const e5v::test::TemporaryFolder folder;
  const std::string font = read_file(default_font());
  other = options;
  other.font = folder.write("copy.ttf", font);
  EXPECT_EQ(TextPainter(other).id(), id);
  other.font = folder.write("other.ttf", font + '\0');
  EXPECT_NE(TextPainter(other).id(), id);
}

TEST(TextImage, DamagedFontsDrawOrFail) {
  const e5v::test::TemporaryFolder folder;
  const std::string font = read_file(default_font());
  int drawn = 0, refused = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    std::string damaged = font;
    for (std::size_t k = 0; k < 2000; ++k)
      damaged[(i * 7919 + k * k * 31) % damaged.size()] ^= static_cast<char>(k | 1);
    if (i % 3 == 0) damaged = font.substr(0, font.size() * i / 60);
    // Its directory of tables must stand, or nothing is read.
    if (damaged.size() > 400) damaged.replace(0, 400, font.substr(0, 400));
    const auto file = folder.write("damaged.ttf", damaged);
    for (const TextLayout layout : kLayouts) {
      const std::string message =
          message_of([&] { TextPainter({.font = file, .layout = layout}).paint("Two dogs & 17 cats"); });
      (message == "no error" ? drawn : refused) += 1;
    }
  }
  EXPECT_GT(drawn, 0);
  EXPECT_GT(refused, 0);
}

TEST(TextImage, RefusesWhatMakesNoSense) {
  const auto with = [](const TextImageOptions& options) { return message_of([&] { TextPainter painter(options); }); };
  EXPECT_THAT(with({.width = 0}), HasSubstr("expected a picture of 1 to 16384 pixels a side, found 0x400"));
  EXPECT_THAT(with({.height = 1 << 20}), HasSubstr("found 800x1048576"));
  EXPECT_THAT(with({.size = 0}), HasSubstr("expected a font of 1 to 1024 pixels, found 0"));
  EXPECT_THAT(with({.margin = 400}), HasSubstr("expected margins that leave room in 800 pixels, found 400"));
  EXPECT_THAT(with({.margin = -1}), HasSubstr("found -1"));
  const TextPainter drawing = painter(TextLayout::raqm);
  EXPECT_THAT(message_of([&] { drawing.paint("\xC3("); }), HasSubstr("[caption] a text of 2 bytes is not UTF-8"));
  EXPECT_THAT(message_of([&] { drawing.lines(std::string(100'001, 'a')); }),
              HasSubstr("more than the limit of 100000"));
}

}  // namespace
}  // namespace e5v::drawing
