// Files as NumPy writes them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace e5v::test {

/// A file as NumPy writes it.
template <class T = float>
std::string npy(std::string dictionary, const std::vector<T>& values, char major = 1) {
  const std::size_t before = major == 1 ? 10 : 12;
  dictionary.resize((before + dictionary.size() + 64) / 64 * 64 - before - 1, ' ');
  dictionary += '\n';
  std::string file = std::string("\x93NUMPY") + major + '\0';
  const auto length = static_cast<std::uint32_t>(dictionary.size());
  file.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  file += dictionary;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return file;
}

inline constexpr const char* kTwoByThree = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
inline const std::vector<float> kSix{1, 2, 3, 4, 5, 6};

}  // namespace e5v::test
