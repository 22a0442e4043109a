#pragma once
#include <gmock/gmock.h>

#include <string>

#include "eval/captions.h"
#include "temporary_folder.h"

namespace e5v::test {

/// What an image begins with.
inline constexpr const char* kImage = "\x89PNG\r\n\x1A\n";

/// A folder with the images a.jpg, b.jpg, c.jpg and val2014/d.jpg, and a file of captions.
class CaptionFiles : public testing::Test {
 protected:
  TemporaryFolder folder_;

  CaptionFiles() {
    for (const std::string name : {"a.jpg", "b.jpg", "c.jpg"}) folder_.write(name, kImage);
    std::filesystem::create_directory(folder_.path() / "val2014");
    folder_.write("val2014/d.jpg", kImage);
  }
  eval::CaptionOptions options(const std::string& content) const {
    eval::CaptionOptions options;
    options.file = folder_.write("captions", content);
    return options;
  }
  static void expect_refused(const eval::CaptionOptions& options, const std::string& part) {
    EXPECT_THAT([&] { eval::read_captions(options); }, testing::ThrowsMessage<InvalidInput>(testing::HasSubstr(part)));
  }
};

}  // namespace e5v::test
