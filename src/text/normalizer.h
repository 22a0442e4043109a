#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/section.h"

namespace e5v::text {

struct Normalized {
  std::string text;
  bool front_kept = true;  ///< no step removed the beginning of the text
};

/// Rewrites a text before it is split: Prepend, Replace, Strip, Lowercase, NFC, and sequences of them. Immutable.
class Normalizer {
 public:
  /// A rewriting step. The result may have at most max_bytes.
  using Step = std::function<void(Normalized& text, std::size_t max_bytes)>;

  /// Leaves texts as they are.
  Normalizer() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its normalizer is malformed or of another type.
  explicit Normalizer(const Section& document);

  /// Throws ModelError when the text grows beyond growth_limit().
  Normalized apply(std::string_view text) const;

 private:
  void add(const Section& section, int depth);

  std::vector<Step> steps_;
};

}  // namespace e5v::text
