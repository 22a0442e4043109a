#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/model_set.h"

namespace e5v::serve {

/// The words of the list (words.txt), in its order: English names of things, scenes and properties.
const std::vector<std::string_view>& word_list();

/// The words that are nearest to a vector. The vectors of the words are computed when they are first needed, with a low
/// priority, and kept in the library: LIBRARY/words/ID.f32, where ID is a hash of the fingerprint and the words.
/// Thread-safe.
class NearestWords {
 public:
  struct Word {
    std::string_view text;
    double score = 0;  ///< the cosine
  };
  /// What is known now.
  struct Answer {
    bool ready = false;        ///< whether all words have their vectors
    std::size_t embedded = 0;  ///< the number of those that have
    std::vector<Word> words;   ///< the nearest ones, the best first; empty unless `ready`
  };

  NearestWords(const std::filesystem::path& library, std::shared_ptr<const ServedModel> model,
               const PrepareOptions& prepare);

  /// Returns the `top` words with the highest cosines. vector f32 [width] of length 1. The first call has the words
  /// embedded. Throws what has kept them from being embedded; the next call tries again.
  Answer nearest(std::span<const float> vector, std::size_t top);

 private:
  struct State {
    std::mutex mutex;  // protects the members below
    bool started = false;
    std::size_t embedded = 0;
    std::exception_ptr error;
    std::vector<float> vectors;  // [words, width]
  };
  static bool read(State& state, const std::filesystem::path& file, std::size_t numbers);
  void start();

  std::shared_ptr<const ServedModel> model_;
  PrepareOptions prepare_;
  std::filesystem::path file_;
  std::shared_ptr<State> state_ = std::make_shared<State>();  // the model's threads use it, too
};

}  // namespace e5v::serve
