#include "library/model_record.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace e5v::library {
namespace {

/// A path as a text of JSON, which must be UTF-8.
std::string path_text(const std::filesystem::path& path) {
  require(is_valid_utf8(path.string()), "[{}] expected a path in UTF-8", path.string());
  return path.string();
}

constexpr const char* kPrompt = "image";

std::filesystem::path normal_path(const std::filesystem::path& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal();
}

}  // namespace

ModelRecord ModelRecord::of(const Embedder& embedder, const std::filesystem::path& folder, const LoadOptions& load,
                            const PrepareOptions& prepare) {
  ModelRecord record{normal_path(folder), {}, prepare, {}, embedder.width()};
  record.load.dtype = load.dtype;
  record.load.adapter = normal_path(load.adapter);
  RunOptions run;
  run.prompt = kPrompt;
  PrepareOptions photos = prepare;
  photos.truncate = false;  // it cuts texts, and a photo has none
  record.fingerprint = embedder.fingerprint(run, photos);
  return record;
}

bool ModelRecord::is_of(const std::filesystem::path& given, const LoadOptions& options,
                        const PrepareOptions& preparing) const {
  return folder == normal_path(given) && load.dtype == options.dtype && load.adapter == normal_path(options.adapter) &&
         prepare == preparing;
}

std::string ModelRecord::json() const {
  return Json{{"folder", path_text(folder)},
              {"adapter", path_text(load.adapter)},
              {"dtype", static_cast<int>(load.dtype)},
              {"paper_compat", prepare.paper_compat},
              {"apply_exif", prepare.apply_exif},
              {"alpha", static_cast<int>(prepare.alpha)},
              {"max_tiles", prepare.max_tiles},
              {"max_pixels", prepare.max_pixels},
              {"truncate", prepare.truncate},
              {"weights", fingerprint.weights},
              {"preprocessing", fingerprint.preprocessing},
              {"compute", fingerprint.compute},
              {"prompt", fingerprint.prompt},
              {"width", width}}
      .dump();
}

ModelRecord ModelRecord::from_json(const std::string& text, std::string_view origin) {
  const Json json = parse_json(text, origin);
  const auto value = [&]<class T>(const char* key, T) {
    require(json.is_object() && json.contains(key), "[{}] the record of the model lacks {}", origin, key);
    return json_as<T, InvalidInput>(json.at(key), key, origin);
  };
  ModelRecord record;
  record.folder = value("folder", std::string());
  record.load.adapter = value("adapter", std::string());
  record.load.dtype = static_cast<ComputeType>(value("dtype", 0));
  record.prepare.paper_compat = value("paper_compat", false);
  record.prepare.apply_exif = value("apply_exif", false);
  record.prepare.alpha = static_cast<Alpha>(value("alpha", 0));
  record.prepare.max_tiles = value("max_tiles", 0);
  record.prepare.max_pixels = value("max_pixels", std::int64_t{0});
  record.prepare.truncate = value("truncate", false);
  record.fingerprint = {value("weights", std::string()), value("preprocessing", std::string()),
                        value("compute", std::string()), value("prompt", std::string())};
  record.width = value("width", std::int64_t{0});
  require(record.width > 0, "[{}] the record of the model has a width of {}", origin, record.width);
  return record;
}

void require_same_space(const ModelRecord& library, const ModelRecord& given, const std::filesystem::path& folder) {
  const auto check = [&](const char* what, const std::string& expected, const std::string& found) {
    require(expected == found,
            "[{}] the library's vectors belong to another vector space than those of {}: expected {} {}, found {}; "
            "leave out "
            "option model and the options that change vectors, so that those of the library (model {}) are used, or "
            "index with option rebuild, which computes all vectors again",
            folder.string(), given.folder.string(), what, expected, found, library.folder.string());
  };
  check("weights", library.fingerprint.weights, given.fingerprint.weights);
  check("preprocessing", library.fingerprint.preprocessing, given.fingerprint.preprocessing);
  check("arithmetic", library.fingerprint.compute, given.fingerprint.compute);
  check("prompt", library.fingerprint.prompt, given.fingerprint.prompt);
}

}  // namespace e5v::library
