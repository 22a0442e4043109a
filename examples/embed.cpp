// Embeds texts and images, and prints how alike they are.
//
//   embed MODEL FILE-OR-TEXT...     a word that names a file is an image, any other a text
//
// Shows: Embedder::load, Input, embed() of a list, rows, fingerprints, errors.
//
// Outside the tree, with e5v installed (make install PREFIX=/opt/e5v) and examples/CMakeLists.txt beside this file:
//   cmake -B build -DCMAKE_PREFIX_PATH=/opt/e5v && cmake --build build && build/embed path/to/e5-v 'a cat' cat.jpg
#include <e5v/e5v.h>

#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

int main(int count, char** words) try {
  if (count < 3) {
    std::fprintf(stderr, "usage: embed MODEL FILE-OR-TEXT...\n");
    return 2;
  }
  std::vector<e5v::Input> inputs;
  for (int i = 2; i < count; ++i) {
    const std::filesystem::path path = words[i];
    inputs.push_back(std::filesystem::is_regular_file(path) ? e5v::Input::from_image(path)
                                                            : e5v::Input::from_text(words[i]));
  }

  auto embedder = e5v::Embedder::load(words[1]);
  const e5v::Embeddings result = embedder.embed(inputs);

  std::printf("e5v %s, %d numbers a vector\n", E5V_VERSION, static_cast<int>(embedder.width()));
  for (std::int64_t i = 0; i < result.size(); ++i) {
    for (std::int64_t j = 0; j < result.size(); ++j) {
      const auto a = result.row(i), b = result.row(j);  // of length 1, so that their product is the cosine
      std::printf("%7.4f", std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
    }
    std::printf("  %s\n", words[2 + i]);
  }
} catch (const e5v::Error& error) {  // one line: what was looked at, what was expected, what was found
  std::fprintf(stderr, "embed: %s\n", error.what());
  return 1;
}
