#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "golden.h"

/// The strings of llama.cpp's vocabulary tests and the ids, without a begin token, that it publishes for them.
namespace e5v::test {

inline std::filesystem::path llama_cpp_file(const std::string& name) {
  return extended_goldens() / "data/tokenizers" / name;
}

inline std::vector<std::string> llama_cpp_strings(const std::string& inp) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string content = read_file(llama_cpp_file(inp));
  std::vector<std::string> strings;
  std::size_t begin = 0;
  for (std::size_t end; (end = content.find(kSeparator, begin)) != std::string::npos; begin = end + kSeparator.size()) {
    strings.push_back(content.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, content.size()) << "the last string is followed by a separator, too";
  return strings;
}

inline std::vector<std::vector<std::int32_t>> llama_cpp_ids(const std::string& out) {
  std::istringstream lines(read_file(llama_cpp_file(out)));
  std::vector<std::vector<std::int32_t>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    rows.emplace_back();
    for (std::int32_t id; numbers >> id;) rows.back().push_back(id);
  }
  return rows;
}

}  // namespace e5v::test
