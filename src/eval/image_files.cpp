#include "eval/image_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "image/decode.h"
#include "image/format.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;

/// Why a file is no image; empty when it begins like one.
std::string problem_of(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) return "does not exist";
  if (!fs::is_regular_file(status)) return "is no regular file";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return "cannot be read";
  std::string start(image::kSignatureBytes, '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(stream.gcount()));
  if (start.empty()) return "is empty";
  return image::begins_as_image(start) ? "" : "is no image that e5v reads";
}

}  // namespace

bool ImageFiles::usable(const fs::path& file) {
  const auto [entry, is_new] = problems_.try_emplace(file);
  if (is_new && need_ != ImageNeed::none) {
    entry->second = problem_of(file);
    if (!entry->second.empty()) order_.push_back(file);
  }
  return entry->second.empty();
}

void ImageFiles::require_there(std::string_view where, std::string_view hint) const {
  if (order_.empty() || (need_ != ImageNeed::all && order_.size() < named())) return;
  constexpr std::size_t kMaxNamed = 20;
  std::vector<std::string> texts;
  for (const fs::path& file : order_) {
    if (texts.size() == kMaxNamed) {
      texts.push_back(fmt::format("and {} more", order_.size() - kMaxNamed));
      break;
    }
    texts.push_back(fmt::format("{} {}", file.string(), problems_.at(file)));
  }
  const bool all = order_.size() == named();
  fail<InvalidInput>("[{}] {} of {} images {} missing{}: {}; {}{}", where, order_.size(), named(),
                     order_.size() == 1 ? "is" : "are",
                     all && need_ == ImageNeed::existing ? ", so that nothing is left" : "", fmt::join(texts, ", "),
                     hint, all ? "" : ", or leave them out with option skip_missing");
}

std::vector<fs::path> ImageFiles::missing() const { return order_; }

void add_left_out(Result& result, const ImageFiles& images, std::size_t queries, std::size_t of_queries,
                  const std::string& kind) {
  if (images.need() != ImageNeed::existing) return;
  result.left_out = LeftOut{images.missing(), queries};
  result.facts.emplace_back(
      "left out because images are missing",
      fmt::format("{} of {} images, {} of {} {}", images.missing().size(), images.named(), queries, of_queries, kind));
}

}  // namespace e5v::eval
