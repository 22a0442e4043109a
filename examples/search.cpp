// Searches a folder of images by words.
//
//   search MODEL FOLDER TEXT...     prints the three images of the folder that come nearest to each text
//
// Shows: stream(), which takes inputs as they come and hands vectors out in their order, in memory that does not grow
// with their number; how an image that cannot be read is left out; a text as the query.
//
// Outside the tree: as examples/embed.cpp says.
#include <e5v/e5v.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Gallery {
  std::vector<std::filesystem::path> files;
  std::vector<std::vector<float>> vectors;  // vectors[i] is the vector of files[i]
};

std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string ending = entry.path().extension();
    if (ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".webp") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The vectors of all images that can be read.
Gallery embed_images(e5v::Embedder& embedder, const std::vector<std::filesystem::path>& files) {
  Gallery gallery;
  std::size_t next = 0;
  e5v::Stream stream;
  stream.next = [&]() -> std::optional<e5v::Input> {
    if (next == files.size()) return std::nullopt;
    return e5v::Input::from_image(files[next++]);
  };
  stream.done = [&](std::int64_t index, const e5v::Embedding& embedding) {
    gallery.files.push_back(files[static_cast<std::size_t>(index)]);
    gallery.vectors.emplace_back(embedding.vector.begin(), embedding.vector.end());
  };
  stream.bad = [](std::int64_t, const e5v::InvalidInput& error) {
    std::fprintf(stderr, "search: left out: %s\n", error.what());
  };
  embedder.stream(stream);
  return gallery;
}

}  // namespace

int main(int count, char** words) try {
  if (count < 4) {
    std::fprintf(stderr, "usage: search MODEL FOLDER TEXT...\n");
    return 2;
  }
  auto embedder = e5v::Embedder::load(words[1]);
  const Gallery gallery = embed_images(embedder, images_in(words[2]));

  std::vector<e5v::Input> queries;
  for (int i = 3; i < count; ++i) queries.push_back(e5v::Input::from_text(words[i]));
  const e5v::Embeddings asked = embedder.embed(queries);
  for (std::int64_t q = 0; q < asked.size(); ++q) {
    std::vector<std::pair<float, std::size_t>> matches;  // cosine, image
    for (std::size_t i = 0; i < gallery.vectors.size(); ++i) {
      const auto query = asked.row(q);
      matches.emplace_back(std::inner_product(query.begin(), query.end(), gallery.vectors[i].begin(), 0.0f), i);
    }
    const std::size_t shown = std::min<std::size_t>(3, matches.size());
    std::partial_sort(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(shown), matches.end(),
                      [](const auto& a, const auto& b) { return a.first > b.first; });
    std::printf("%s\n", words[3 + q]);
    for (std::size_t i = 0; i < shown; ++i)
      std::printf("  %.3f  %s\n", matches[i].first, gallery.files[matches[i].second].filename().c_str());
  }
} catch (const e5v::Error& error) {
  std::fprintf(stderr, "search: %s\n", error.what());
  return 1;
}
