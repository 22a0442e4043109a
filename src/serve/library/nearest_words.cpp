#include "serve/library/nearest_words.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "serve/embedding_call.h"

namespace e5v::serve {

extern const std::string_view words_txt;

namespace {

/// Words wait for all that people ask for.
constexpr int kWordPriority = -1000;

std::filesystem::path file_of_words(const std::filesystem::path& library, const ServedModel& model,
                                    const PrepareOptions& prepare) {
  RunOptions run;
  run.prompt = model.prompts.text;
  const std::string id = Hasher().add(model.embedder.fingerprint(run, prepare).id()).add(words_txt).digest().hex();
  return library / "words" / (id + ".f32");
}

/// Keeps the vectors. If the library cannot be written, they are computed again by the next server.
void keep_words(const std::filesystem::path& file, const std::vector<float>& vectors) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) return;
  try {
    write_file_atomically(file, {reinterpret_cast<const char*>(vectors.data()), vectors.size() * sizeof(float)});
  } catch (const Error&) {
  }
}

}  // namespace

const std::vector<std::string_view>& word_list() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> list;
    for (std::string_view rest = words_txt; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (end > 0) list.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return list;
  }();
  return words;
}

NearestWords::NearestWords(const std::filesystem::path& library, std::shared_ptr<const ServedModel> model,
                           const PrepareOptions& prepare)
    : model_(std::move(model)), prepare_(prepare), file_(file_of_words(library, *model_, prepare)) {}

bool NearestWords::read(State& state, const std::filesystem::path& file, std::size_t numbers) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  try {
    const std::string bytes = read_file(file);
    if (bytes.size() != numbers * sizeof(float)) return false;
    state.vectors.resize(numbers);
    std::memcpy(state.vectors.data(), bytes.data(), bytes.size());
  } catch (const Error&) {
    return false;
  }
  state.embedded = word_list().size();
  return true;
}

/// Has the words embedded. The result counts only when all have settled, so there is never more than one run.
void NearestWords::start() {
  struct Embedding {
    std::vector<float> vectors;
    std::size_t left = word_list().size();
    std::exception_ptr error;
  };
  const auto width = static_cast<std::size_t>(model_->embedder.width());
  const auto run = std::make_shared<Embedding>();
  run->vectors.resize(word_list().size() * width);
  EmbeddingCall call{.model = model_, .items = {}, .priority = kWordPriority, .client = "words"};
  for (const std::string_view word : word_list())
    call.items.push_back({RequestInput::from_text(std::string(word)), {}, prepare_});
  embed_each(std::move(call), [state = state_, run, width, file = file_](std::size_t i, const EmbeddedInput& word,
                                                                         const std::exception_ptr& error) {
    const std::lock_guard lock(state->mutex);
    if (error) {
      run->error = error;
    } else {
      std::ranges::copy(word.vector, run->vectors.begin() + static_cast<std::ptrdiff_t>(i * width));
      ++state->embedded;
    }
    if (--run->left > 0) return;
    if (run->error) {
      state->error = run->error;
      state->started = false;
      return;
    }
    keep_words(file, run->vectors);
    state->vectors = std::move(run->vectors);
  });
}

NearestWords::Answer NearestWords::nearest(std::span<const float> vector, std::size_t top) {
  bool begins = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
    if (!std::exchange(state_->started, true)) {
      state_->embedded = 0;
      begins = !read(*state_, file_, word_list().size() * vector.size());
    }
  }
  if (begins) start();
  const std::lock_guard lock(state_->mutex);
  Answer answer{!state_->vectors.empty(), state_->embedded, {}};
  if (!answer.ready) return answer;
  for (std::size_t i = 0; i < word_list().size(); ++i) {
    const auto row = state_->vectors.begin() + static_cast<std::ptrdiff_t>(i * vector.size());
    answer.words.push_back({word_list()[i], std::inner_product(vector.begin(), vector.end(), row, 0.0)});
  }
  top = std::min(top, answer.words.size());
  std::ranges::partial_sort(answer.words, answer.words.begin() + static_cast<std::ptrdiff_t>(top),
                            std::ranges::greater(), &Word::score);
  answer.words.resize(top);
  return answer;
}

}  // namespace e5v::serve
