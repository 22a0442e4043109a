#include "serve/library/served_library.h"

#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "library/listing.h"

namespace e5v::serve {
namespace {

constexpr std::size_t kMaxNote = 1000;

/// The text of note.txt in the folder of a model; empty if there is none that can be shown.
std::string note_in(const std::filesystem::path& folder) {
  std::string note;
  try {
    note = read_file(folder / "note.txt", kMaxNote);
  } catch (const Error&) {
    return "";
  }
  while (!note.empty() && (note.back() == '\n' || note.back() == ' ')) note.pop_back();
  return is_valid_utf8(note) ? note : "";
}

/// Reads a number of a query string with from_chars.
template <class Number>
Number read_query(const Exchange& exchange, std::string_view key, Number missing, Number minimum, Number maximum,
                  std::string_view kind) {
  const std::optional<std::string> value = http::query_value(exchange.request.query, key);
  if (!value) return missing;
  const std::string& text = *value;
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= minimum && number <= maximum))
    refuse_field(std::string(key), "expected a {} from {} to {}, found {}", kind, minimum, maximum,
                 in_quotes(text, 60));
  return number;
}

}  // namespace

ServedLibrary::ServedLibrary(const std::filesystem::path& folder) : reader_(folder), thumbnails_(folder) {}

void ServedLibrary::set_model(std::shared_ptr<const ServedModel> model, const LoadOptions& load) {
  const library::ModelRecord& record = reader_.model();
  library::require_same_space(record, library::ModelRecord::of(model->embedder, model->folder, load, record.prepare),
                              reader_.folder());
  note_ = note_in(model->folder);
  words_ = std::make_unique<NearestWords>(reader_.folder(), model, record.prepare);
  model_ = std::move(model);
}

std::int64_t row_of_id(std::string_view id, const std::string& field, const library::LibraryReader::View& view) {
  const std::optional<Hash128> hash = Hash128::from_hex(id);
  const std::optional<std::int64_t> row = hash ? library::row_of(view.database, *hash) : std::nullopt;
  if (!row)
    throw Refusal(
        404, fmt::format("[{}] expected the id of a photo of the library, found {}", field, in_quotes(id, 60)), field);
  return *row;
}

library::Photo photo_of(const Exchange& exchange, const library::LibraryReader::View& view) {
  return library::photo_of_row(view.database, row_of_id(path_part(exchange), "id", view));
}

std::vector<float> vector_of_row(std::int64_t row, const library::LibraryReader::View& view) {
  const std::optional<library::VectorRows> rows = view.library.vectors();
  require(rows.has_value(), "[library] expected vectors, found none");
  std::vector<float> vector;
  for (const tensor::Half value : rows->row(row)) vector.push_back(static_cast<float>(value));
  return vector;
}

void answer_with(const Exchange& exchange, const std::function<http::Response(const Exchange& exchange)>& work) {
  http::Response response;
  try {
    response = work(exchange);
  } catch (const InvalidInput& error) {  // of the library; a request that is wrong gets a Refusal
    response = error_response({503, error.what(), "", std::nullopt}, exchange.route.error);
  } catch (...) {
    response = error_response(fault_of(std::current_exception()), exchange.route.error);
  }
  exchange.responder->send(std::move(response));
}

void answer_by(Workers& workers, Exchange exchange, std::function<http::Response(const Exchange& exchange)> work) {
  workers.post([shared = std::make_shared<const Exchange>(std::move(exchange)), work = std::move(work)] {
    if (!shared->request.gone.stop_requested()) answer_with(*shared, work);
  });
}

std::int64_t number_of_query(const Exchange& exchange, std::string_view key, std::int64_t missing, std::int64_t minimum,
                             std::int64_t maximum) {
  return read_query(exchange, key, missing, minimum, maximum, "whole number");
}

double real_of_query(const Exchange& exchange, std::string_view key, double missing, double minimum, double maximum) {
  return read_query(exchange, key, missing, minimum, maximum, "number");
}

}  // namespace e5v::serve
