#include "stores/rest/milvus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "base/error.h"

namespace e5v::stores::rest {
namespace {

constexpr int kPort = 19530;
constexpr std::int64_t kMostRows = 8192;           // of an answer without vectors
constexpr std::int64_t kMostVectors = 256;         // of an answer with vectors
constexpr std::int64_t kMostFound = 16'384;        // by a search, a limit of Milvus
constexpr std::size_t kNumbersTogether = 500'000;  // of a request that adds photos
constexpr const char* kAll = "id > 0";             // ids are made by the server

std::vector<std::string> credentials_of(const StoreUrl& url) {
  if (url.user().empty() && url.password().empty()) return {};
  return {url.user().empty() ? "Authorization: Bearer " + url.password()
                             : fmt::format("Authorization: Bearer {}:{}", url.user(), url.password())};
}

Found found_in(const Json& row, const std::string& origin) {
  Found found;
  found.fields = row;
  member_of(row, "hash", origin);
  found.score = json_value<double, DeviceError>(row, "distance", 0, origin);
  found.vector = json_value<std::vector<float>, DeviceError>(row, "vector", {}, origin);
  return found;
}

/// An id, which servers of some versions write as a text.
std::string id_of(const Json& row, const std::string& origin) {
  const Json& id = member_of(row, "id", origin);
  return id.is_string() ? id.get<std::string>() : id.dump();
}

std::int64_t revision_of(const Json& row, const std::string& origin) {
  return json_as<std::int64_t, DeviceError>(member_of(row, "revision", origin), "revision", origin);
}

std::string both(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : fmt::format("{} and {}", a, b);
}

std::string list_of(const std::vector<std::string>& texts) { return Json(texts).dump(); }

std::string expression_of(const Condition& condition) {
  // Fields are whole numbers.
  switch (condition.kind) {
    case Condition::Kind::at_least: return fmt::format("{} >= {:.0f}", condition.field, std::ceil(condition.number));
    case Condition::Kind::at_most: return fmt::format("{} <= {:.0f}", condition.field, std::floor(condition.number));
    case Condition::Kind::any_of: return fmt::format("{} in {}", condition.field, list_of(condition.texts));
    case Condition::Kind::has:
      return fmt::format("json_contains({}, {})", condition.field, Json(condition.texts.front()).dump());
  }
  return "";
}

/// Whether nothing can fulfil the conditions. Milvus refuses empty lists.
bool is_impossible(const std::vector<Condition>& conditions) {
  return std::ranges::any_of(conditions, [](const Condition& condition) {
    return condition.kind == Condition::Kind::any_of && condition.texts.empty();
  });
}

}  // namespace

std::string milvus_expression(const std::vector<Condition>& conditions) {
  std::string text;
  for (const Condition& condition : conditions) text = both(text, expression_of(condition));
  return text;
}

Milvus::Milvus(const StoreUrl& url)
    : client_(url, kPort, credentials_of(url)),
      collection_(url.path().empty() ? "e5v" : url.path()),
      settings_(collection_ + "_settings") {
  const bool is_name = std::ranges::all_of(collection_, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  require(is_name, "[{}] expected a collection whose name has letters, digits and _ only", url.name());
  version_ = client_.send("POST", "/v2/vectordb/collections/list", Json::object()).status == 404 ? 1 : 2;
}

/// Calls an operation by its name in version 1, "search" or "collections/create", and returns its data.
Json Milvus::call(const std::string& operation, Json request) {
  const bool is_list = operation == "collections";
  std::string path = "/v1/vector/" + operation;
  if (version_ == 2) {
    const std::string name = is_list ? "collections/list" : operation;
    path = "/v2/vectordb/" + (name.starts_with("collections") ? name : "entities/" + name);
    if (!is_list) request["dbName"] = "default";
    if (operation == "query" || operation == "search") request["consistencyLevel"] = "Strong";
  }
  const Answer answer =
      is_list && version_ == 1 ? client_.send("GET", path) : client_.send("POST", path, std::move(request));
  const auto code =
      answer.body.is_object() ? json_value<std::int64_t, DeviceError>(answer.body, "code", -1, name()) : -1;
  if (answer.status == 200 && (code == 0 || code == 200)) return answer.body.value("data", Json());
  const std::string message =
      answer.body.is_object() ? json_value<std::string, DeviceError>(answer.body, "message", "", name()) : "";
  fail<InvalidInput>("[{}] {}: the server answers {} ({})", name(), operation, code == -1 ? answer.status : code,
                     client_.url().masked(message));
}

bool Milvus::has_collection(const std::string& collection) {
  const Json names = call("collections", Json::object());
  return std::ranges::any_of(names, [&](const Json& name) { return name == collection; });
}

bool Milvus::exists() { return has_collection(collection_); }

void Milvus::make_collection(const std::string& collection, std::int64_t width) {
  Json request{{"collectionName", collection}, {"dimension", width}, {"metricType", "IP"}};
  request[version_ == 1 ? "primaryField" : "primaryFieldName"] = "id";
  request[version_ == 1 ? "vectorField" : "vectorFieldName"] = "vector";
  if (version_ == 2) request["idType"] = "Int64", request["autoID"] = true;
  call("collections/create", request);
}

void Milvus::make(std::int64_t width) {
  make_collection(collection_, width);
  if (!has_collection(settings_)) make_collection(settings_, 2);
}

std::vector<Json> Milvus::query(const std::string& collection, const std::string& expression,
                                const std::vector<std::string>& fields, std::int64_t most) {
  const Json rows = call("query", {{"collectionName", collection},
                                   {"filter", expression.empty() ? kAll : expression},
                                   {"outputFields", fields},
                                   {"limit", most}});
  return rows.is_array() ? rows.get<std::vector<Json>>() : std::vector<Json>();
}

void Milvus::remove(const std::string& collection, const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  Json request{{"collectionName", collection}};
  if (version_ == 1) {
    request["id"] = ids;
  } else {
    request["filter"] = fmt::format("id in [{}]", fmt::join(ids, ", "));
  }
  call("delete", request);
}

/// Settings have revisions, because a row that was written or removed may not be seen at once.
Json Milvus::settings() {
  Json newest;
  for (const Json& row : query(settings_, kAll, {"revision", "settings"}, kMostRows)) {
    if (!newest.is_null() && revision_of(row, name()) <= revision_) continue;
    newest = row;
    revision_ = revision_of(row, name());
  }
  if (newest.is_null()) return newest;
  return parse_json(json_as<std::string, DeviceError>(member_of(newest, "settings", name()), "settings", name()),
                    name());
}

void Milvus::set_settings(const Json& settings) {
  std::vector<std::string> older;
  for (const Json& row : query(settings_, kAll, {"revision"}, kMostRows)) {
    revision_ = std::max(revision_, revision_of(row, name()));
    older.push_back(id_of(row, name()));
  }
  const std::string text = settings.dump(-1, ' ', false, Json::error_handler_t::replace);
  call("insert", {{"collectionName", settings_},
                  {"data", Json::array({{{"vector", {1, 0}}, {"revision", ++revision_}, {"settings", text}}})}});
  remove(settings_, older);
}

void Milvus::write(std::span<const StoredPhoto> photos) {
  if (photos.empty()) return;
  const std::size_t together = std::max<std::size_t>(1, kNumbersTogether / photos.front().vector.size());
  for (std::size_t begin = 0; begin < photos.size(); begin += together) {
    Json rows = Json::array();
    std::vector<std::string> hashes, older;
    for (const StoredPhoto& photo : photos.subspan(begin, std::min(together, photos.size() - begin))) {
      Json& row = rows.emplace_back(fields_of(photo));
      hashes.push_back(photo.hash.hex());
      std::vector<float> vector;
      for (const tensor::Half value : photo.vector) vector.push_back(static_cast<float>(value));
      row["vector"] = std::move(vector);
    }
    for (const Json& row : query(collection_, fmt::format("hash in {}", list_of(hashes)), {"id"}, kMostRows))
      older.push_back(id_of(row, name()));
    remove(collection_, older);
    call("insert", {{"collectionName", collection_}, {"data", std::move(rows)}});
    last_written_ = hashes.back();
  }
}

/// With the last photo that was written, all earlier ones are seen.
void Milvus::wait_until_seen() {
  using namespace std::chrono_literals;
  const auto end = std::chrono::steady_clock::now() + 60s;
  const auto is_seen = [&](const std::string& collection, const std::string& expression) {
    while (query(collection, expression, {"id"}, 1).empty()) {
      require<DeviceError>(std::chrono::steady_clock::now() < end,
                           "[{}] the server does not give what it was given a minute ago", name());
      std::this_thread::sleep_for(200ms);
    }
  };
  if (!last_written_.empty()) is_seen(collection_, fmt::format("hash == \"{}\"", last_written_));
  if (revision_ > 0) is_seen(settings_, fmt::format("revision >= {}", revision_));
}

std::vector<Found> Milvus::with_hashes(const std::vector<std::string>& hashes) {
  std::vector<Found> found;
  for (const Json& row : query(collection_, fmt::format("hash in {}", list_of(hashes)), {"hash", "photo"}, kMostRows))
    found.push_back(found_in(row, name()));
  return found;
}

std::vector<Found> Milvus::with_prefix(const std::string& prefix, std::int64_t most) {
  std::vector<Found> found;
  for (const Json& row : query(collection_, fmt::format("hash like \"{}%\"", prefix), {"hash", "photo", "vector"},
                               std::min(most, kMostRows)))
    found.push_back(found_in(row, name()));
  return found;
}

/// Answers have a limit and no order, so the photos are asked for by the first digits of their hashes: by as many that
/// an answer has room for them.
void Milvus::visit_prefix(const std::string& prefix, const std::string& expression, bool vectors,
                          const std::function<void(const Found&)>& visit) {
  const std::int64_t most = vectors ? kMostVectors : kMostRows;
  std::vector<std::string> fields{"hash", "photo"};
  if (vectors) fields.emplace_back("vector");
  const std::string in_prefix = prefix.empty() ? "" : fmt::format("hash like \"{}%\"", prefix);
  const std::vector<Json> rows = query(collection_, both(in_prefix, expression), fields, most);
  if (std::ssize(rows) < most || prefix.size() == 32) {
    for (const Json& row : rows) visit(found_in(row, name()));
    return;
  }
  for (const char digit : std::string_view("0123456789abcdef"))
    visit_prefix(prefix + digit, expression, vectors, visit);
}

void Milvus::for_each(const std::vector<Condition>& conditions, bool vectors,
                      const std::function<void(const Found&)>& visit) {
  if (!is_impossible(conditions)) visit_prefix("", milvus_expression(conditions), vectors, visit);
}

std::vector<Found> Milvus::search(std::span<const float> query, const std::vector<Condition>& conditions,
                                  std::int64_t limit) {
  std::vector<Found> found;
  if (is_impossible(conditions)) return found;
  Json request{{"collectionName", collection_},
               {"limit", std::min(limit, kMostFound)},
               {"outputFields", {"hash", "photo", "vector"}}};
  const std::vector<float> vector(query.begin(), query.end());
  if (version_ == 1) {
    request["vector"] = vector;
  } else {
    request["data"] = Json::array({vector});
    request["annsField"] = "vector";
  }
  if (!conditions.empty()) request["filter"] = milvus_expression(conditions);
  for (const Json& row : call("search", request)) found.push_back(found_in(row, name()));
  return found;
}

}  // namespace e5v::stores::rest
