#include "stores/rest/photo_fields.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/ascii.h"
#include "base/error.h"

namespace e5v::stores::rest {
namespace {

using library::Metadata;

const tensor::Half kNegativeZero(-0.0f);

/// "2019-07" as 20190700000000, or, with nines, as 20190799999999: numbers in the order of the texts.
double number_of_date(std::string_view date, char missing) {
  std::string digits;
  for (const char c : date)
    if (c >= '0' && c <= '9') digits += c;
  digits.resize(14, missing);
  return std::stod(digits);
}

/// All folders that the files are in, at any depth.
std::set<std::string> folders_of(const StoredPhoto& photo) {
  std::set<std::string> folders;
  for (const library::FileStatus& file : photo.files)
    for (std::filesystem::path path = file.path; path.has_relative_path(); path = path.parent_path())
      folders.insert(path.parent_path().string());
  return folders;
}

const char* shape_of(const Metadata& metadata) {
  if (metadata.width == 0) return "unknown";
  return metadata.width == metadata.height ? "square" : metadata.width > metadata.height ? "landscape" : "portrait";
}

Json record_of(const StoredPhoto& photo) {
  const Metadata& metadata = photo.metadata;
  Json files = Json::array();
  for (const library::FileStatus& file : photo.files)
    files.push_back(
        {{"path", file.path}, {"size", file.size}, {"mtime_ns", file.mtime_ns}, {"sidecars", file.sidecars}});
  Json record{{"files", files},
              {"width", metadata.width},
              {"height", metadata.height},
              {"orientation", metadata.orientation},
              {"taken", metadata.taken},
              {"camera", metadata.camera},
              {"lens", metadata.lens},
              {"keywords", metadata.keywords},
              {"caption", metadata.caption}};
  for (std::size_t d = 0; d < photo.vector.size(); ++d)
    if (photo.vector[d].bits == kNegativeZero.bits) record["negative_zeros"].push_back(d);
  if (metadata.latitude) record["latitude"] = *metadata.latitude;
  if (metadata.longitude) record["longitude"] = *metadata.longitude;
  if (metadata.rating) record["rating"] = *metadata.rating;
  return record;
}

}  // namespace

Json fields_of(const StoredPhoto& photo) {
  const Metadata& metadata = photo.metadata;
  Json paths = Json::array();
  for (const library::FileStatus& file : photo.files) paths.push_back(file.path);
  Json fields{{"hash", photo.hash.hex()},
              {"photo", record_of(photo).dump(-1, ' ', false, Json::error_handler_t::replace)},
              {"paths", paths},
              {"folders", folders_of(photo)},
              {"shape", shape_of(metadata)},
              {"pixels", metadata.width * metadata.height},
              {"long_side", std::max(metadata.width, metadata.height)},
              {"short_side", std::min(metadata.width, metadata.height)}};
  if (!metadata.taken.empty()) fields["taken"] = static_cast<std::int64_t>(number_of_date(metadata.taken, '0'));
  if (!metadata.camera.empty()) fields["camera"] = metadata.camera;
  if (metadata.rating) fields["rating"] = *metadata.rating;
  return fields;
}

StoredPhoto photo_of(const Json& fields, const std::string& origin, std::span<const float> vector) {
  require(fields.is_object() && fields.contains("photo") && fields.contains("hash"),
          "[{}] expected an object with photo and hash, found another one", origin);
  const auto hash = Hash128::from_hex(json_as<std::string, InvalidInput>(fields["hash"], "hash", origin));
  const Json record = parse_json(json_as<std::string, InvalidInput>(fields["photo"], "photo", origin), origin);
  require(hash.has_value() && record.is_object() && record.contains("files") && record["files"].is_array(),
          "[{}] expected a hash, and a photo with files", origin);
  const auto value = [&]<class T>(const Json& object, const char* key, T missing) {
    return json_value<T, InvalidInput>(object, key, missing, origin);
  };
  StoredPhoto photo{*hash, {}, {}, {}};
  Metadata& metadata = photo.metadata;
  metadata.width = value(record, "width", std::int64_t{0}), metadata.height = value(record, "height", std::int64_t{0});
  metadata.orientation = value(record, "orientation", 1);
  metadata.taken = value(record, "taken", std::string()), metadata.camera = value(record, "camera", std::string());
  metadata.lens = value(record, "lens", std::string()), metadata.caption = value(record, "caption", std::string());
  metadata.keywords = value(record, "keywords", std::vector<std::string>());
  if (record.contains("latitude")) metadata.latitude = value(record, "latitude", 0.0);
  if (record.contains("longitude")) metadata.longitude = value(record, "longitude", 0.0);
  if (record.contains("rating")) metadata.rating = value(record, "rating", 0);
  for (const float number : vector) photo.vector.emplace_back(number);
  for (const std::size_t d : value(record, "negative_zeros", std::vector<std::size_t>()))
    if (d < photo.vector.size()) photo.vector[d] = kNegativeZero;
  for (const Json& file : record["files"]) {
    require(file.is_object(), "[{}] expected files as objects", origin);
    photo.files.push_back({value(file, "path", std::string()), value(file, "size", std::int64_t{0}),
                           value(file, "mtime_ns", std::int64_t{0}), value(file, "sidecars", std::int64_t{0})});
  }
  return photo;
}

bool holds(const Condition& condition, const Json& fields) {
  const auto field = fields.find(condition.field);
  if (field == fields.end()) return false;
  const auto is_listed = [&](const Json& text) {
    return std::ranges::find(condition.texts, text.get<std::string>()) != condition.texts.end();
  };
  switch (condition.kind) {
    case Condition::Kind::at_least: return field->get<double>() >= condition.number;
    case Condition::Kind::at_most: return field->get<double>() <= condition.number;
    case Condition::Kind::any_of: return is_listed(*field);
    case Condition::Kind::has: return std::ranges::any_of(*field, is_listed);
  }
  return false;
}

std::vector<Condition> conditions_of(const library::Filter& filter, const std::vector<std::string>& cameras) {
  using Kind = Condition::Kind;
  check_filter(filter);
  std::vector<Condition> conditions;
  if (!filter.from.empty()) conditions.push_back({"taken", Kind::at_least, number_of_date(filter.from, '0')});
  if (!filter.to.empty()) conditions.push_back({"taken", Kind::at_most, number_of_date(filter.to, '9')});
  if (!filter.camera.empty()) {
    Condition& camera = conditions.emplace_back(Condition{"camera", Kind::any_of});
    for (const std::string& name : cameras)
      if (ascii_lower(name).find(ascii_lower(filter.camera)) != std::string::npos) camera.texts.push_back(name);
  }
  if (!filter.folder.empty()) conditions.push_back({"folders", Kind::has, 0, {filter.folder}});
  if (filter.min_rating) conditions.push_back({"rating", Kind::at_least, static_cast<double>(*filter.min_rating)});
  if (filter.min_megapixels > 0) conditions.push_back({"pixels", Kind::at_least, filter.min_megapixels * 1e6});
  if (filter.min_long_side > 0) {
    conditions.push_back({"long_side", Kind::at_least, static_cast<double>(filter.min_long_side)});
    conditions.push_back({"short_side", Kind::at_least, static_cast<double>(filter.min_short_side)});
  }
  if (filter.shape != library::Shape::any) {
    const char* shape = filter.shape == library::Shape::landscape  ? "landscape"
                        : filter.shape == library::Shape::portrait ? "portrait"
                                                                   : "square";
    conditions.push_back({"shape", Kind::any_of, 0, {shape}});
  }
  return conditions;
}

Condition has_file(const std::string& path) { return {"paths", Condition::Kind::has, 0, {path}}; }

}  // namespace e5v::stores::rest
