#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "library/duplicates.h"
#include "library/reader.h"
#include "library/thumbnails.h"
#include "serve/library/nearest_words.h"
#include "serve/library/workers.h"
#include "serve/model_set.h"
#include "serve/route.h"

namespace e5v::serve {

/// What was made of one state of a library, by name. Made anew when the state has changed. For one thread.
template <class Value>
class MadeOnce {
 public:
  /// Returns what `make` made under this name in this state, or makes it.
  template <class Make>
  const Value& get(const std::string& name, std::int64_t state, const Make& make) {
    constexpr std::size_t kMost = 16;
    if (state_ != state || made_.size() >= kMost) made_.clear();
    state_ = state;
    const auto found = made_.find(name);
    return found != made_.end() ? found->second : made_.emplace(name, make()).first->second;
  }

 private:
  std::int64_t state_ = 0;
  std::map<std::string, Value> made_;
};

/// A library of photos that a server shows, and the threads that read it.
class ServedLibrary {
 public:
  /// Opens a library. Throws InvalidInput if there is none, or if it has no vectors yet.
  explicit ServedLibrary(const std::filesystem::path& folder);

  /// Sets the model of queries, which must be that of the library. Throws InvalidInput otherwise. Must be called before
  /// the server is ready.
  void set_model(std::shared_ptr<const ServedModel> model, const LoadOptions& load);

  library::LibraryReader& reader() { return reader_; }
  const library::Thumbnails& thumbnails() const { return thumbnails_; }
  const std::shared_ptr<const ServedModel>& model() const { return model_; }
  /// What the model's folder says about it in note.txt; empty: nothing.
  const std::string& note() const { return note_; }
  NearestWords& words() { return *words_; }

  /// Searches, and what reads the catalogue.
  Workers& searching() { return searching_; }
  /// What compares all photos with each other.
  Workers& comparing() { return comparing_; }
  /// What reads and decodes photos.
  Workers& decoding() { return decoding_; }

  /// Answers and lists that take long to make. The first two are for jobs of searching(), the last one is for those of
  /// comparing().
  MadeOnce<std::string> descriptions;
  MadeOnce<std::vector<std::int64_t>> listings;
  MadeOnce<std::string> comparisons;

 private:
  library::LibraryReader reader_;
  library::Thumbnails thumbnails_;
  std::shared_ptr<const ServedModel> model_;
  std::string note_;
  std::unique_ptr<NearestWords> words_;
  Workers searching_{1, 256}, comparing_{1, 32}, decoding_{2, 2048};  // last, so that they end first
};

/// Returns the photo with the id in a request's path. Throws a Refusal with status 404 if the library does not have it.
library::Photo photo_of(const Exchange& exchange, const library::LibraryReader::View& view);
/// Returns the row of the photo with this id. Throws a Refusal that names the field if the library does not have it.
std::int64_t row_of_id(std::string_view id, const std::string& field, const library::LibraryReader::View& view);

/// Returns the vector of a row: f32 [width].
std::vector<float> vector_of_row(std::int64_t row, const library::LibraryReader::View& view);

/// Answers a request with what `work` returns or throws, on one of the workers.
void answer_by(Workers& workers, Exchange exchange, std::function<http::Response(const Exchange& exchange)> work);
/// Sends what `work` returns or throws.
void answer_with(const Exchange& exchange, const std::function<http::Response(const Exchange& exchange)>& work);

/// Returns a whole number of a request's query string. Throws a Refusal that names the key.
std::int64_t number_of_query(const Exchange& exchange, std::string_view key, std::int64_t missing, std::int64_t minimum,
                             std::int64_t maximum);
double real_of_query(const Exchange& exchange, std::string_view key, double missing, double minimum, double maximum);

}  // namespace e5v::serve
