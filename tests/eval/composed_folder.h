#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "eval/composed.h"
#include "golden.h"
#include "temporary_folder.h"

namespace e5v::test {

/// Data sets of five images that the goldens have, in the official layout.
class ComposedFolder : public testing::Test {
 protected:
  TemporaryFolder folder_;

  ComposedFolder() {
    for (const char* name : {"captions", "image_splits", "images", "dev"})
      std::filesystem::create_directory(folder_.path() / name);
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(golden("images")))
      if (entry.path().extension() == ".png" && entry.file_size() < 200000) found.push_back(entry.path());
    std::ranges::sort(found);
    require(found.size() >= 5, "[test] {} small images", found.size());
    for (int i = 0; i < 5; ++i) {
      std::filesystem::copy_file(found[static_cast<std::size_t>(i)],
                                 folder_.path() / "images" / fmt::format("B{}.png", i));
      std::filesystem::copy_file(found[static_cast<std::size_t>(i)],
                                 folder_.path() / "dev" / fmt::format("dev-{}.png", i));
    }
    folder_.write("image_splits/split.dress.val.json", R"(["B0", "B1", "B2", "B3", "B4"])");
    folder_.write("captions/cap.dress.val.json", R"([
      {"target": "B1", "candidate": "B0", "captions": ["is red", "longer."]},
      {"target": "B3", "candidate": "B2", "captions": ["blue?", "no sleeves"]}])");
    folder_.write("image_splits/split.rc2.val.json", R"({"dev-0": "./dev/dev-0.png", "dev-1": "./dev/dev-1.png",
      "dev-2": "./dev/dev-2.png", "dev-3": "./dev/dev-3.png", "dev-4": "./dev/dev-4.png"})");
    folder_.write("captions/cap.rc2.val.json", R"([
      {"pairid": 11, "reference": "dev-0", "target_hard": "dev-1", "target_soft": {"dev-1": 1.0}, "caption": "add a dog",
       "img_set": {"id": 1, "members": ["dev-0", "dev-1", "dev-3"]}},
      {"pairid": 12, "reference": "dev-4", "target_hard": "dev-2", "caption": "in winter",
       "img_set": {"id": 2, "members": ["dev-2", "dev-4"]}}])");
  }

  using Categories = std::vector<std::pair<std::string, eval::ComposedSet>>;
  Categories fashioniq(const std::vector<std::string>& categories, eval::ImageNeed need = eval::ImageNeed::all) const {
    eval::ImageFiles files(need);
    return eval::read_fashioniq(folder_.path(), {}, categories, "val", files);
  }
  eval::ComposedSet dress() const { return fashioniq({"dress"})[0].second; }
  eval::ComposedSet cirr(const std::string& split = "val", eval::ImageNeed need = eval::ImageNeed::all) const {
    eval::ImageFiles files(need);
    return eval::read_cirr(folder_.path(), {}, split, files);
  }

  template <class Read>
  static void expect_refused(const Read& read, const std::string& part) {
    EXPECT_THAT(read, testing::ThrowsMessage<InvalidInput>(testing::HasSubstr(part)));
  }
};

}  // namespace e5v::test
