#include "library/query.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMinDigits = 6, kDigits = 32;

bool may_be_hash(std::string_view text) {
  return text.size() >= kMinDigits && text.size() <= kDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The row of the photo of an absolute path; -1 if the library does not know it.
std::int64_t row_of_file(Library& library, const fs::path& absolute) {
  std::error_code error;
  for (const fs::path& known : {absolute.lexically_normal(), fs::weakly_canonical(absolute, error)}) {
    Statement statement(library.catalogue().database(), "SELECT row FROM files WHERE path = ?1 AND state = 'done'");
    if (statement.bind(known.string()).step()) return statement.column<std::int64_t>(0);
  }
  return -1;
}

/// The row of the photo of a path, which is relative to the current folder or to a folder of the library; -1 if the
/// library does not know it.
std::int64_t row_of_path(Library& library, const fs::path& path) {
  std::error_code error;
  std::int64_t row = row_of_file(library, fs::absolute(path, error));
  if (row >= 0 || path.is_absolute()) return row;
  for (const Root& root : library.catalogue().roots()) {
    const std::int64_t found = row_of_file(library, root.path / path);
    require(row < 0 || found < 0 || found == row,
            "[{}] several folders of the library have a photo {}; expected its whole path", library.folder().string(),
            in_quotes(path.string()));
    row = std::max(row, found);
  }
  return row;
}

}  // namespace

WeightedText weighted_text(std::string_view given) {
  constexpr double kMaxWeight = 100;
  WeightedText result{std::string(given), 1};
  const std::size_t colon = given.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view number = given.substr(colon + 1);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), result.weight);
    if (parsed.ec == std::errc() && parsed.ptr == number.data() + number.size()) {
      result.text = given.substr(0, colon);
    } else {
      result.weight = 1;
    }
  }
  require(result.weight > 0 && result.weight <= kMaxWeight,
          "[search] expected a weight above 0 and at most {}, found {}", kMaxWeight, in_quotes(given));
  require(!result.text.empty(), "[search] expected a text before the weight, found {}", in_quotes(given));
  return result;
}

std::vector<float> sum_of(std::span<const WeightedVector> parts) {
  require(!parts.empty(), "[search] expected at least one part of a query, found none");
  if (parts.size() == 1 && parts.front().weight == 1) return parts.front().vector;
  std::vector<double> sum(parts.front().vector.size(), 0);
  double weights = 0;
  for (const WeightedVector& part : parts) {
    require(part.vector.size() == sum.size(), "[search] parts of a query have {} and {} dimensions", sum.size(),
            part.vector.size());
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += part.weight * double{part.vector[d]};
    weights += std::abs(part.weight);
  }
  double square = 0;
  for (const double value : sum) square += value * value;
  const double length = std::sqrt(square);
  require(length > 1e-6 * weights, "[search] the parts of the query cancel each other");
  std::vector<float> result(sum.size());
  std::ranges::transform(sum, result.begin(), [&](double value) { return static_cast<float>(value / length); });
  return result;
}

std::int64_t row_named(Library& library, const std::string& path_or_hash) {
  if (const std::int64_t row = row_of_path(library, path_or_hash); row >= 0) return row;
  std::vector<std::int64_t> rows;
  if (may_be_hash(path_or_hash)) {
    Statement statement(library.catalogue().database(),
                        "SELECT row FROM photos WHERE hash >= ?1 AND hash < ?1 || 'g' AND files > 0 LIMIT 2");
    statement.bind(path_or_hash);
    while (statement.step()) rows.push_back(statement.column<std::int64_t>(0));
  }
  require(rows.size() < 2, "[{}] several photos have a hash that begins with {}; give more of its digits",
          library.folder().string(), path_or_hash);
  require(!rows.empty(),
          "[{}] the library has no photo {}; expected the path of an indexed file, or at least {} digits "
          "of its hash",
          library.folder().string(), in_quotes(path_or_hash), kMinDigits);
  return rows.front();
}

}  // namespace e5v::library
