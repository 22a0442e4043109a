#pragma once
#include <fmt/format.h>

#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {

/// Tests with a folder of photos and a library, by the program.
class PhotoLibrary : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(photos()); }

  std::filesystem::path photos() const { return folder.path() / "photos"; }
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  /// Copies the first drawings of the gallery, or those from `first` on.
  void copy_drawings(std::size_t count, std::size_t first = 0) const {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(E5V_DEMO_FOLDER "/gallery"))
      if (entry.path().extension() == ".jpg") all.push_back(entry.path());
    std::ranges::sort(all);
    for (std::size_t i = first; i < first + count; ++i)
      std::filesystem::copy_file(all.at(i), photos() / all[i].filename());
  }
  std::vector<std::string> arguments(std::vector<std::string> rest, const std::string& command = "index") const {
    std::vector<std::string> all{command, "--library", path("library"), "--threads", "1"};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  Outcome index(std::vector<std::string> rest = {}) const {
    rest.insert(rest.begin(), {photos().string(), "--model", E5V_DEMO_FOLDER "/model"});
    return run(arguments(rest));
  }
  Json status() const { return Json::parse(run({"index", "--library", path("library"), "--status", "--json"}).out); }
  Outcome search(const std::vector<std::string>& rest) const { return run(arguments(rest, "search")); }
  /// The names of the photos that are found.
  std::vector<std::string> found(std::vector<std::string> rest) const {
    rest.insert(rest.end(), {"--format", "paths"});
    std::vector<std::string> names;
    for (const std::string& line : lines_of(search(rest).out)) names.push_back(std::filesystem::path(line).filename());
    return names;
  }

  TemporaryFolder folder;
};

}  // namespace e5v::test
