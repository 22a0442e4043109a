#include "library/reference_texts.h"

#include <array>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "tensor/half.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 64> kTexts{
    "a dog on a beach",
    "a cat on a sofa",
    "a birthday cake with candles",
    "children in a garden",
    "a portrait of a woman",
    "a man with a beard",
    "a group of friends at a table",
    "a wedding",
    "a baby asleep",
    "a crowd at a concert",
    "mountains with snow",
    "a lake in the morning",
    "the sea at sunset",
    "a waterfall",
    "a forest in autumn",
    "a field of flowers",
    "a river and a bridge",
    "a desert",
    "the night sky with stars",
    "clouds before a storm",
    "a city street at night",
    "an old church",
    "a castle on a hill",
    "a modern building",
    "a market",
    "a train at a station",
    "an airplane in the air",
    "a red car",
    "a bicycle at a wall",
    "a sailing boat",
    "a harbour",
    "fireworks",
    "a Christmas tree",
    "a snowman",
    "a plate of pasta",
    "fruit in a bowl",
    "a cup of coffee",
    "a bottle of wine",
    "breakfast in bed",
    "bread from the oven",
    "a horse on a meadow",
    "a bird on a branch",
    "a butterfly",
    "a fish under water",
    "an elephant",
    "cows on a pasture",
    "a squirrel",
    "a spider in its web",
    "a football match",
    "people skiing",
    "a swimmer",
    "a runner in a race",
    "someone with a guitar",
    "a dancer",
    "a book on a desk",
    "a computer screen",
    "a page of text",
    "a map",
    "a drawing",
    "a statue in a museum",
    "a kitchen",
    "a window with curtains",
    "a staircase",
    "an empty road",
};

/// The name depends on the model, so that the texts of another model are not mistaken for these.
fs::path path_of_texts(const Library& library) {
  return library.folder() / fmt::format("texts-{}.f16", library.model()->fingerprint.id().substr(0, 16));
}

}  // namespace

std::span<const std::string_view> reference_texts() { return kTexts; }

std::vector<std::vector<tensor::Half>> embed_reference_texts(const Embedder& embedder, const RunOptions& run,
                                                             const PrepareOptions& prepare) {
  std::vector<Input> inputs;
  for (const std::string_view text : kTexts) inputs.push_back(Input::from_text(std::string(text)));
  RunOptions options = run;
  options.normalize = true, options.dimensions = 0, options.prompt = RunOptions().prompt;
  const Embeddings vectors = embedder.embed(inputs, options, prepare);
  std::vector<std::vector<tensor::Half>> rounded(inputs.size());
  for (std::size_t i = 0; i < rounded.size(); ++i)
    for (const float value : vectors.row(static_cast<std::int64_t>(i))) rounded[i].emplace_back(value);
  return rounded;
}

void keep_reference_texts(Library& library, const Embedder& embedder, const RunOptions& run) {
  require(library.model().has_value(), "[{}] expected a library with a model", library.folder().string());
  const fs::path path = path_of_texts(library);
  if (rows_in(path, library.model()->width) == std::ssize(kTexts)) return;
  std::string content;
  for (const std::vector<tensor::Half>& vector : embed_reference_texts(embedder, run, library.model()->prepare))
    content.append(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(tensor::Half));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(library.folder(), ignored))  // of another model
    if (entry.path().filename().string().starts_with("texts-")) fs::remove(entry.path(), ignored);
  write_file_atomically(path, content);
}

std::optional<VectorRows> reference_vectors(Library& library) {
  if (!library.model() || rows_in(path_of_texts(library), library.model()->width) != std::ssize(kTexts))
    return std::nullopt;
  return VectorRows(path_of_texts(library), library.model()->width, std::ssize(kTexts));
}

}  // namespace e5v::library
