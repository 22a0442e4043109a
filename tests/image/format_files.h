#pragma once
#include <gtest/gtest.h>

#include <functional>

#include "image/format.h"
#include "image_files.h"

// Files of tests/golden/formats, and checks that all readers pass.

namespace e5v::test {

/// A file that Pillow reads, by its format and its name.
inline std::string format_file(const std::string& format, const std::string& name) {
  static const Json rows = read_json(golden("formats/pixels.json")).at("files");
  for (const Json& row : rows)
    if (row.at("format") == format && row.at("name") == name) return from_hex(row.at("file"));
  ADD_FAILURE() << "no file " << format << ", " << name;
  return "";
}

/// Whatever the bytes, decoding and reading the header give a value or an InvalidInput of one line.
inline void expect_no_crash(std::string_view file) {
  refusal_of(file, {.max_pixels = 1 << 20});
  try {
    image::read_header(bytes_of(file), "test");
  } catch (const InvalidInput& error) {
    EXPECT_TRUE(std::string_view(error.what()).starts_with("[test] ")) << error.what();
  }
}

/// A file that is cut after any byte is refused, up to the last `spare` bytes, which hold no pixels.
inline void expect_cuts_refused(const std::string& file, std::size_t spare = 0) {
  ASSERT_EQ(refusal_of(file), "no error");
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::string_view part = std::string_view(file).substr(0, size);
    expect_no_crash(part);
    if (size + spare >= file.size()) continue;
    ASSERT_NE(refusal_of(part), "no error") << size << " of " << file.size();
  }
}

/// No byte that is changed, each to `values`, makes a reader crash.
inline void expect_changes_survived(std::string file, std::size_t first = 0, std::size_t end = 1024) {
  for (std::size_t at = first; at < std::min(end, file.size()); ++at) {
    const char before = file[at];
    for (const int value : {0, 1, 0x7F, 0x80, 0xFF, before ^ 1}) {
      file[at] = static_cast<char>(value);
      expect_no_crash(file);
    }
    file[at] = before;
  }
}

/// The file with a little-endian number in place of its bytes at `at`.
inline std::string with_number(std::string file, std::size_t at, std::uint32_t value, int bytes) {
  return file.replace(at, static_cast<std::size_t>(bytes), little_endian(value, bytes));
}

}  // namespace e5v::test
