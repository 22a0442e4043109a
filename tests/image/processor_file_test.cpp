#include "image/processor_file.h"

#include <gmock/gmock.h>

#include "golden.h"
#include "image/preprocess.h"
#include "image/tile.h"
#include "temporary_folder.h"

namespace e5v::image {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// The image of tools/make_config_goldens.py.
Bitmap pixels_of(int width, int height) {
  Bitmap bitmap;
  bitmap.width = width;
  bitmap.height = height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {(7 * x + 3 * y) % 256, 5 * x * y % 251, (11 * y + x * x) % 253})
        bitmap.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return bitmap;
}

struct Processed {
  Tiles tiles;
  std::array<std::array<float, 256>, 3> values;

  float at(std::size_t place) const {
    const auto plane = static_cast<std::size_t>(tiles.edge) * static_cast<std::size_t>(tiles.edge);
    return values[place / plane % 3][tiles.pixels[place]];
  }
};

Processed process(const std::filesystem::path& folder, const Bitmap& bitmap, bool clip) {
  std::optional<ProcessorFile> file = find_processor(folder);
  if (clip) file->settings["image_grid_pinpoints"] = Json::array();
  Preprocess preprocess = Preprocess::from_json(file->settings, file->path.filename().string());
  preprocess.patch = 14;
  return {clip ? centre_crop(bitmap, preprocess) : make_tiles(bitmap, preprocess), normalize_table(preprocess)};
}

/// What is refused although transformers computes it: other filters, steps left out, sizes that are no square.
bool may_be_refused(const std::string& message) {
  for (const char* key : {"\"resample\"", "\"do_resize\"", "\"do_center_crop\"", "\"do_rescale\"", "\"do_normalize\"",
                          "\"size\"", "\"crop_size\"", "\"use_square_size\"", "\"image_processor_type\"", "tile: "})
    if (message.find(key) != std::string::npos) return true;
  return false;
}

TEST(ProcessorFile, PixelsAreThoseOfTransformersOrRefused) {
  const Json golden = read_json(e5v::test::golden("config/processors.json"));
  const Bitmap bitmap = pixels_of(golden["width"], golden["height"]);
  std::size_t refused = 0;
  for (const Json& item : golden["cases"]) {
    SCOPED_TRACE(item["model"].get<std::string>() + " " + item["files"].dump());
    const e5v::test::TemporaryFolder folder;
    for (const auto& [name, content] : item["files"].items()) folder.write(name, content.dump());
    Processed found;
    try {
      found = process(folder.path(), bitmap, item["model"] == "clip");
    } catch (const ModelError& error) {
      EXPECT_TRUE(item.contains("error") || may_be_refused(error.what())) << error.what();
      ++refused;
      continue;
    }
    ASSERT_FALSE(item.contains("error")) << item["error"];
    ASSERT_EQ(item["shape"], Json({found.tiles.count, 3, found.tiles.edge, found.tiles.edge}));
    const std::size_t step = std::max<std::size_t>(1, found.tiles.pixels.size() / 24);
    for (std::size_t i = 0; i < item["samples"].size(); ++i)
      EXPECT_NEAR(found.at(i * step), item["samples"][i].get<double>(), 2e-6) << i;
  }
  EXPECT_LT(refused, golden["cases"].size() / 2);
}

TEST(ProcessorFile, TheNestedSettingsCountAlone) {
  const e5v::test::TemporaryFolder folder;
  EXPECT_FALSE(find_processor(folder.path()));
  folder.write("preprocessor_config.json", R"({"resample": 2, "size": 336})");
  EXPECT_EQ(find_processor(folder.path())->path.filename(), "preprocessor_config.json");
  folder.write("processor_config.json", R"({"patch_size": 14})");
  EXPECT_EQ(find_processor(folder.path())->path.filename(), "preprocessor_config.json");
  folder.write("processor_config.json", R"({"image_processor": null})");
  EXPECT_EQ(find_processor(folder.path())->path.filename(), "preprocessor_config.json");
  folder.write("processor_config.json", R"({"image_processor": {}})");
  EXPECT_EQ(find_processor(folder.path())->path.filename(), "processor_config.json");
  EXPECT_EQ(find_processor(folder.path())->settings, Json::object());
}

TEST(ProcessorFile, FaultsNameTheFile) {
  const auto expect_refused = [](const char* name, const std::string& content, const std::string& message) {
    const e5v::test::TemporaryFolder folder;
    folder.write(name, content);
    EXPECT_THAT([&] { find_processor(folder.path()); },
                ThrowsMessage<ModelError>(AllOf(HasSubstr(name), HasSubstr(message))));
  };
  expect_refused("processor_config.json", "[]", "expected an object, found array");
  expect_refused("processor_config.json", "{", "is not JSON");
  expect_refused("preprocessor_config.json", "version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer");
  expect_refused("processor_config.json", R"({"image_token": "<img>"})", "expected <image>, found \"<img>\"");
  const e5v::test::TemporaryFolder folder;
  std::filesystem::create_symlink("../blobs/gone", folder.path() / "preprocessor_config.json");
  EXPECT_THAT([&] { find_processor(folder.path()); },
              ThrowsMessage<ModelError>(HasSubstr("it is a link to ../blobs/gone, which does not exist")));
}

}  // namespace
}  // namespace e5v::image
