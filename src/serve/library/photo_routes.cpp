#include "serve/library/photo_routes.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "image/format.h"
#include "serve/dialects/openai.h"
#include "serve/library/photo_json.h"
#include "serve/library/served_library.h"

namespace e5v::serve {
namespace {

using View = library::LibraryReader::View;

/// The media types of formats that browsers show. They do not run anything in an image that is shown by itself, and all
/// other files are only to be saved.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kMediaTypes{{{"JPEG", "image/jpeg"},
                                                                                    {"PNG", "image/png"},
                                                                                    {"WebP", "image/webp"},
                                                                                    {"GIF", "image/gif"},
                                                                                    {"BMP", "image/bmp"},
                                                                                    {"TIFF", "image/tiff"},
                                                                                    {"AVIF", "image/avif"},
                                                                                    {"HEIC", "image/heic"}}};
constexpr std::string_view kUnknownType = "application/octet-stream";

std::string_view media_type_of(std::string_view file) {
  const image::Format* format = image::format_of(file);
  const auto known = std::ranges::find_if(
      kMediaTypes, [&](const auto& type) { return format != nullptr && type.first == format->name; });
  return known == kMediaTypes.end() ? kUnknownType : known->second;
}

library::Photo find_photo(const Exchange& exchange) {
  return exchange.context.library->reader().read([&](const View& view) { return photo_of(exchange, view); });
}

http::Response image_response(std::string_view type, std::string content, std::string_view cache) {
  http::Response response{.type = std::string(type), .body = std::move(content)};
  response.fields.add("Cache-Control", std::string(cache));
  response.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  response.fields.add("Cross-Origin-Resource-Policy", "same-origin");
  response.fields.add("X-Content-Type-Options", "nosniff");
  return response;
}

/// What an id names never changes.
constexpr std::string_view kForEver = "private, max-age=31536000, immutable", kNever = "no-store";

http::Response photo_response(const Exchange& exchange) {
  http::Response response = json_response(photo_details(find_photo(exchange)));
  response.fields.add("Cache-Control", std::string(kNever));
  return response;
}

http::Response thumbnail_response(const Exchange& exchange) {
  const std::string size = http::query_value(exchange.request.query, "size").value_or("small");
  if (size != "small" && size != "large")
    refuse_field("size", "expected small or large, found {}", in_quotes(size, 60));
  const library::Photo photo = find_photo(exchange);
  try {
    return image_response("image/webp",
                          exchange.context.library->thumbnails().get(
                              photo, size == "large" ? library::ThumbnailSize::large : library::ThumbnailSize::small),
                          kForEver);
  } catch (const InvalidInput& error) {
    log_debug("{}", error.what());
    http::Response response = image_response("image/webp", library::Thumbnails::placeholder(), kNever);
    response.fields.add("E5V-Placeholder", "true");
    return response;
  }
}

/// A file name for a header field: letters, digits and some marks of ASCII; the rest becomes "_".
std::string plain_name(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                       c == '-' || c == '_' || c == ' ';
    if (!plain) c = '_';
  }
  return name;
}

http::Response file_response(const Exchange& exchange) {
  const library::Photo photo = find_photo(exchange);
  std::string content;
  try {
    content = library::read_photo(photo);
  } catch (const InvalidInput& error) {
    throw Refusal(404, error.what(), "id");
  }
  const std::string_view type = media_type_of(content);
  http::Response response = image_response(type, std::move(content), kForEver);
  response.fields.add("Content-Disposition",
                      fmt::format("{}; filename=\"{}\"", type == kUnknownType ? "attachment" : "inline",
                                  plain_name(photo.paths.front())));
  return response;
}

http::Response words_response(const Exchange& exchange) {
  const auto top = static_cast<std::size_t>(number_of_query(exchange, "top", 10, 1, 400));
  ServedLibrary& library = *exchange.context.library;
  const std::vector<float> vector = library.reader().read(
      [&](const View& view) { return vector_of_row(row_of_id(path_part(exchange), "id", view), view); });
  const NearestWords::Answer nearest = library.words().nearest(vector, top);
  Json words = Json::array();
  for (const NearestWords::Word& word : nearest.words) words.push_back({{"text", word.text}, {"score", word.score}});
  http::Response response = json_response({{"ready", nearest.ready},
                                           {"words", std::move(words)},
                                           {"embedded", nearest.embedded},
                                           {"total", word_list().size()}});
  response.fields.add("Cache-Control", std::string(kNever));
  return response;
}

void answer_photo(Exchange exchange) {
  Workers& workers = exchange.context.library->searching();
  answer_by(workers, std::move(exchange), photo_response);
}
void answer_thumbnail(Exchange exchange) {
  Workers& workers = exchange.context.library->decoding();
  answer_by(workers, std::move(exchange), thumbnail_response);
}
void answer_file(Exchange exchange) {
  Workers& workers = exchange.context.library->decoding();
  answer_by(workers, std::move(exchange), file_response);
}
void answer_words(Exchange exchange) {
  Workers& workers = exchange.context.library->searching();
  answer_by(workers, std::move(exchange), words_response);
}

}  // namespace

std::vector<Route> photo_routes() {
  return {{.method = "GET",
           .path = "/library/photos/{id}",
           .answer = answer_photo,
           .error = openai_error,
           .personal = true,
           .summary = "What the library knows about a photo",
           .response_schema = "LibraryPhoto",
           .parameters = "id"},
          {.method = "GET",
           .path = "/library/photos/{id}/thumbnail",
           .answer = answer_thumbnail,
           .error = openai_error,
           .personal = true,
           .summary = "A small image of a photo, upright; a grey one if the photo cannot be decoded",
           .response_type = "image/webp",
           .parameters = "id size"},
          {.method = "GET",
           .path = "/library/photos/{id}/file",
           .answer = answer_file,
           .error = openai_error,
           .personal = true,
           .summary = "The file of a photo, if its content is still that which was indexed",
           .response_type = "image/*",
           .parameters = "id"},
          {.method = "GET",
           .path = "/library/photos/{id}/words",
           .answer = answer_words,
           .error = openai_error,
           .personal = true,
           .summary = "The words of a list that are nearest to a photo",
           .response_schema = "LibraryWords",
           .parameters = "id top_words"}};
}

}  // namespace e5v::serve
