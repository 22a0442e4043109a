#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/standard_output.h"
#include "commands.h"
#include "options.h"
#include "runs/vector_sink.h"
#include "terminal.h"

namespace e5v::app {
namespace {

struct SimilarityOptions {
  ModelOptions model;
  std::vector<runs::ItemList::Entry> items;
  bool json = false;
};

/// The cosines of all pairs of vectors, row by row. The vectors have length 1.
using Cosines = std::vector<std::vector<double>>;

Cosines cosines_of(const Embeddings& embeddings) {
  Cosines result;
  for (std::int64_t i = 0; i < embeddings.size(); ++i) {
    std::vector<double>& row = result.emplace_back();
    for (std::int64_t j = 0; j < embeddings.size(); ++j) {
      const auto a = embeddings.row(i), b = embeddings.row(j);
      double dot = 0;
      for (std::size_t d = 0; d < a.size(); ++d) dot += static_cast<double>(a[d]) * static_cast<double>(b[d]);
      row.push_back(std::clamp(dot, -1.0, 1.0));
    }
  }
  return result;
}

std::string image_of(const Input& input) { return std::get<std::filesystem::path>(input.images.front()).string(); }

std::string label_of(const Input& input) {
  return input.text ? *input.text : std::get<std::filesystem::path>(input.images.front()).filename().string();
}

std::string json_text(const std::vector<Input>& inputs, const Cosines& cosines, const Fingerprint& fingerprint) {
  Json items = Json::array();
  for (const Input& input : inputs) {
    items.push_back(input.text ? Json{{"text", *input.text}} : Json{{"image", image_of(input)}});
  }
  const Json result{{"items", items}, {"similarity", cosines}, {"fingerprint", fingerprint.space()}};
  return result.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Rows have a number and the item, columns a number. Columns that do not fit into a line follow below.
std::string table(const std::vector<Input>& inputs, const Cosines& cosines, int columns) {
  constexpr int kCell = 8, kLongestLabel = 40;
  const auto count = static_cast<int>(inputs.size());
  const int number = static_cast<int>(std::to_string(count).size());
  int label = 0;
  for (const Input& input : inputs) label = std::max(label, display_width(label_of(input)));
  label =
      std::min(label, columns == 0 ? kLongestLabel : std::clamp(columns - number - 1 - 6 * kCell, 12, kLongestLabel));
  const int room = columns == 0 ? count : std::max(1, (columns - number - 1 - label) / kCell);
  std::string text;
  for (int first = 0; first < count; first += room) {
    const int last = std::min(count, first + room);
    text += std::string(static_cast<std::size_t>(number + 1 + label), ' ');
    for (int j = first; j < last; ++j) text += fmt::format("{:>{}}", j + 1, kCell);
    text += '\n';
    for (int i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(i);
      text += fmt::format("{:>{}} {}", i + 1, number, fitted(label_of(inputs[row]), label));
      for (int j = first; j < last; ++j)
        text += fmt::format("{:>{}.4f}", cosines[row][static_cast<std::size_t>(j)], kCell);
      text += '\n';
    }
    if (last < count) text += '\n';
  }
  return text;
}

/// Like Embedder::embed, but a message about a bad item names it as on the command line.
Embeddings embed_items(const Embedder& embedder, const std::vector<runs::ItemList::Entry>& items,
                       const ModelOptions& options) {
  Embeddings result;
  result.width = options.run.dimensions > 0 ? options.run.dimensions : embedder.width();
  Stream stream;
  stream.next = [&, next = std::size_t{0}]() mutable {
    return next < items.size() ? std::optional(items[next++].item.input) : std::nullopt;
  };
  stream.done = [&](std::int64_t, const Embedding& embedding) { result.add(embedding); };
  stream.bad = [&](std::int64_t index, const InvalidInput& error) {
    fail<InvalidInput>("[{}] {}", items[static_cast<std::size_t>(index)].where, error.what());
  };
  embedder.stream(stream, options.run, options.prepare);
  return result;
}

int run_similarity(const SimilarityOptions& options) {
  const Embedder embedder = Embedder::load(options.model.folder, options.model.load);
  std::vector<Input> inputs;
  for (const auto& entry : options.items) inputs.push_back(entry.item.input);
  const Embeddings embeddings = embed_items(embedder, options.items, options.model);
  const Cosines cosines = cosines_of(embeddings);
  const std::string text = options.json ? json_text(inputs, cosines, embeddings.fingerprints.front())
                                        : table(inputs, cosines, terminal_columns(STDOUT_FILENO));
  write_stream(stdout, text);
  return kSuccess;
}

}  // namespace

Run add_similarity(CLI::App& app) {
  const auto options = std::make_shared<SimilarityOptions>();
  CLI::App* command =
      app.add_subcommand("similarity",
                         "print the cosine similarity of each pair of inputs\n"
                         "\n"
                         "The inputs are texts and images. A higher cosine means more similar inputs; 1 is the "
                         "maximum. The cosine of unrelated inputs depends on the model.");
  command->footer(
      "Example:\n"
      "  e5v similarity --model e5-v --image cat.jpg --text 'a cat' --text 'a dog'");
  add_item_options(*command, options->items);
  add_model_options(*command, options->model);
  add_adapter_option(*command, options->model.load);
  add_input_options(*command, options->model);
  add_table(*command, {{"--json", flag(options->json),
                        "print one JSON object with the keys items, similarity (the rows of the matrix of cosines) and "
                        "fingerprint"}});
  command->callback([options] {
    if (options->items.empty()) throw CLI::RequiredError("at least one --text or --image");
  });
  return [options] { return run_similarity(*options); };
}

}  // namespace e5v::app
