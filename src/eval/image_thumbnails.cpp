#include "eval/image_thumbnails.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "image/decode.h"
#include "image/encode.h"
#include "report/page.h"

namespace e5v::eval {
namespace {

constexpr int kEdge = 220, kQuality = 80;  // twice the size on the page, for screens of high density

}  // namespace

std::string ImageThumbnails::html_of(const std::filesystem::path& file) {
  const auto [entry, is_new] = elements_.try_emplace(file);
  if (is_new) entry->second = make(file);
  return entry->second;
}

std::string ImageThumbnails::make(const std::filesystem::path& file) try {
  const std::string name = report::html_escaped(file.filename().string()), bytes = read_file(file);
  const image::Bitmap bitmap = image::decode(std::as_bytes(std::span(bytes)), file.string());
  const std::string jpeg = image::encode_jpeg(image::thumbnail(bitmap, kEdge), kQuality);
  const auto [entry, is_new] = numbers_.try_emplace(report::data_uri("image/jpeg", jpeg), numbers_.size());
  if (is_new) style_ += fmt::format(".image{}{{background-image:url({})}}\n", entry->second, entry->first);
  return fmt::format("<span class=\"image image{}\" role=\"img\" aria-label=\"{}\" title=\"{}\"></span>", entry->second,
                     name, name);
} catch (const InvalidInput&) {
  return fmt::format("<p>{} (cannot be read)</p>", report::html_escaped(file.string()));
}

}  // namespace e5v::eval
