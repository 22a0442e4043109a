#include "stores/postgres/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "library/catalogue.h"
#include "stores/postgres/filter_sql.h"
#include "stores/postgres/photo_rows.h"
#include "stores/postgres/schema.h"

namespace e5v::stores::postgres {
namespace {

/// Further photos that are fetched, because scores of the server are rounded.
constexpr std::int64_t kFurther = 32;
/// The photos with the nearest signs whose vectors are compared: a multiple of the photos that are asked for, between a
/// minimum and a maximum, which is pgvector's limit of ef_search.
constexpr std::int64_t kNearTimes = 40, kMinNear = 400, kMaxNear = 1000;
constexpr std::int64_t kTogether = 256;  // photos of a page or a COPY
constexpr std::size_t kMinHashDigits = 6;

/// The condition of a query's filter, and of the photo that is left out.
std::string condition_of(const StoreQuery& query, std::vector<Value>& values) {
  std::string sql = filter_sql(query.filter, values);
  if (!query.without) return sql;
  values.push_back(Value::of(query.without->hex()));
  return sql + fmt::format(" AND p.hash <> ${}::text", values.size());
}

/// Columns: hash, score, vector.
std::vector<Candidate> candidates_in(const Result& result) {
  std::vector<Candidate> candidates;
  for (std::int64_t row = 0; row < result.rows(); ++row)
    candidates.push_back(
        {Hash128::from_hex(result.text(row, 0)).value_or(Hash128()), result.real(row, 1), result.halves(row, 2)});
  return candidates;
}

bool is_hash_start(const std::string& text) {
  return text.size() >= kMinHashDigits && text.size() <= 32 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void write_files(Connection& connection, std::span<const StoredPhoto> photos) {
  connection.execute(
      "CREATE TEMPORARY TABLE incoming_files (path text COLLATE \"C\", size bigint, mtime_ns bigint, sidecars bigint, "
      "hash text COLLATE \"C\") ON COMMIT DROP");
  CopyRows copy;
  for (const StoredPhoto& photo : photos) {
    for (const library::FileStatus& file : photo.files) {
      if (!is_valid_utf8(file.path)) continue;
      copy.begin_row(5);
      copy.add_text(file.path);
      for (const std::int64_t number : {file.size, file.mtime_ns, file.sidecars}) copy.add_bigint(number);
      copy.add_text(photo.hash.hex());
    }
  }
  connection.copy_in("COPY incoming_files FROM STDIN (FORMAT binary)", copy.data());
  connection.execute(
      "INSERT INTO e5v.files (path, size, mtime_ns, sidecars, hash, state) SELECT DISTINCT ON (path) path, size, "
      "mtime_ns, sidecars, hash, 'done' FROM incoming_files ORDER BY path ON CONFLICT (path) DO UPDATE SET "
      "size = EXCLUDED.size, mtime_ns = EXCLUDED.mtime_ns, sidecars = EXCLUDED.sidecars, hash = EXCLUDED.hash, "
      "state = 'done', reason = NULL, claimed_by = NULL, claimed_until = NULL");
}

}  // namespace

Store::Store(const StoreUrl& url) : connection_(url), exists_(has_schema(connection_)), files_(connection_) {}

std::optional<library::ModelRecord> Store::model() {
  const auto record = exists_ ? setting(connection_, kModelSetting) : std::nullopt;
  return record ? std::optional(library::ModelRecord::from_json(*record, name())) : std::nullopt;
}

std::int64_t Store::width() {
  const auto record = model();
  require(record.has_value(), "[{}] the store has no photos yet: expected e5v index or e5v copy to have run", name());
  return record->width;
}

void Store::set_model(const library::ModelRecord& model) {
  make_schema(connection_, model.width);
  exists_ = true;
  // Another program may do this at the same time.
  connection_.run("INSERT INTO e5v.settings (key, value) VALUES ($1::text, $2::text) ON CONFLICT (key) DO NOTHING",
                  {Value::of(std::string_view(kModelSetting)), Value::of(model.json())});
  require_same_space(*this->model(), model, name());
}

std::vector<library::Root> Store::roots() {
  std::vector<library::Root> roots;
  if (!exists_) return roots;
  const Result found = connection_.run("SELECT path, exclude FROM e5v.roots ORDER BY path");
  for (std::int64_t row = 0; row < found.rows(); ++row)
    roots.push_back({found.text(row, 0), parse_json(found.text(row, 1), name()).get<std::vector<std::string>>()});
  return roots;
}

void Store::set_root(const library::Root& root) {
  in_transaction(connection_, [&] {
    std::vector<Value> values;
    const std::string inside = in_folder_sql("path", root.path, values);
    connection_.run("DELETE FROM e5v.roots WHERE " + inside, values);
    connection_.run(
        "INSERT INTO e5v.roots (path, exclude) VALUES ($1::text, $2::text) ON CONFLICT (path) DO UPDATE SET "
        "exclude = EXCLUDED.exclude",
        {Value::of(root.path), Value::of(Json(root.exclude).dump())});
  });
}

void Store::put(std::span<const StoredPhoto> photos) {
  for (std::size_t begin = 0; begin < photos.size(); begin += kTogether) {
    const auto some = photos.subspan(begin, std::min<std::size_t>(kTogether, photos.size() - begin));
    in_transaction(connection_, [&] {
      PhotoRows rows;
      for (const StoredPhoto& photo : some) rows.add(photo.hash, photo.metadata, photo.vector);
      rows.write(connection_);
      write_files(connection_, some);
    });
  }
}

std::vector<StoredPhoto> Store::photos_with(const std::vector<std::string>& hashes) {
  const std::vector<Value> list{Value::of_list(hashes)};
  const Result photos = connection_.run(
      fmt::format("SELECT hash, {}, vector FROM e5v.photos WHERE hash = ANY($1::text[])", kMetadataColumns), list);
  const Result files = connection_.run(
      "SELECT hash, path, size, mtime_ns, sidecars FROM e5v.files WHERE hash = ANY($1::text[]) AND state = 'done' "
      "ORDER BY path",
      list);
  std::map<std::string, StoredPhoto> by_hash;
  for (std::int64_t row = 0; row < photos.rows(); ++row)
    by_hash[photos.text(row, 0)] = {Hash128::from_hex(photos.text(row, 0)).value_or(Hash128()),
                                    metadata_at(photos, row, 1),
                                    {},
                                    photos.halves(row, 1 + kMetadataCount)};
  for (std::int64_t row = 0; row < files.rows(); ++row) {
    const auto photo = by_hash.find(files.text(row, 0));
    if (photo != by_hash.end())
      photo->second.files.push_back(
          {files.text(row, 1), files.integer(row, 2), files.integer(row, 3), files.integer(row, 4)});
  }
  std::vector<StoredPhoto> result;
  for (const std::string& hash : hashes)
    if (const auto photo = by_hash.find(hash); photo != by_hash.end()) result.push_back(std::move(photo->second));
  return result;
}

/// The photos of which a file exists, in the order of their hashes, after one of them.
std::vector<StoredPhoto> Store::photos_after(const std::string& hash, std::int64_t count) {
  std::vector<Value> values{Value::of(hash), Value::of(count)};
  const std::string exists = filter_sql({}, values);
  const Result page = connection_.run(
      fmt::format("SELECT p.hash FROM e5v.photos p WHERE {} AND p.hash > $1::text ORDER BY p.hash LIMIT $2::bigint",
                  exists),
      values);
  std::vector<std::string> hashes;
  for (std::int64_t row = 0; row < page.rows(); ++row) hashes.push_back(page.text(row, 0));
  return hashes.empty() ? std::vector<StoredPhoto>() : photos_with(hashes);
}

void Store::for_each(const std::function<void(StoredPhoto)>& visit) {
  if (!exists_) return;
  const auto read = [&] {
    std::string after;
    for (;;) {
      std::vector<StoredPhoto> page = photos_after(after, kTogether);
      if (page.empty()) return;
      after = page.back().hash.hex();
      for (StoredPhoto& photo : page) visit(std::move(photo));
    }
  };
  in_transaction(connection_, read, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

std::vector<StoredPhoto> Store::sample(std::int64_t count) {
  return exists_ ? photos_after("", count) : std::vector<StoredPhoto>();
}

StoredPhoto Store::find(const std::string& path_or_hash) {
  width();
  const std::string path = std::filesystem::absolute(path_or_hash).lexically_normal().string();
  const auto hashes = [&](const char* sql, const std::string& value) {
    return connection_.run(sql, {Value::of(value)});
  };
  Result found = hashes("SELECT hash FROM e5v.files WHERE path = $1::text AND state = 'done'", path);
  if (found.rows() == 0 && is_hash_start(path_or_hash))
    found = hashes(
        "SELECT hash FROM e5v.photos p WHERE hash LIKE $1::text AND EXISTS (SELECT 1 FROM e5v.files f WHERE "
        "f.hash = p.hash AND f.state = 'done') LIMIT 2",
        path_or_hash + '%');
  require(found.rows() < 2, "[{}] several photos have a hash that begins with {}; give more of its digits", name(),
          path_or_hash);
  require(found.rows() == 1,
          "[{}] the store has no photo {}; expected the path of an indexed file, or at least {} digits of its hash",
          name(), in_quotes(path_or_hash), kMinHashDigits);
  return photos_with({found.text(0, 0)}).at(0);
}

/// Scores of the server are rounded, so further photos are fetched until the first ones are certain.
std::vector<Candidate> Store::exact_candidates(const StoreQuery& query) {
  const double error = half_score_error(query.vector);
  for (std::int64_t limit = query.top + kFurther;; limit *= 4) {
    std::vector<Value> values{Value::of_vector(query.vector), Value::of(limit)};
    const std::string condition = condition_of(query, values);
    std::vector<Candidate> candidates =
        candidates_in(connection_.run(fmt::format("SELECT p.hash, -(p.vector <#> $1::halfvec), p.vector "
                                                  "FROM e5v.photos p WHERE {} ORDER BY p.vector <#> $1::halfvec "
                                                  "LIMIT $2::bigint",
                                                  condition),
                                      values));
    if (std::ssize(candidates) < limit || has_first(candidates, query.top, error)) return candidates;
  }
}

/// Photos whose signs are near those of the query, the best ones by their vectors first. Nothing if the index has found
/// too few, because the filter refuses nearly all photos, or there are few.
std::optional<std::vector<Candidate>> Store::near_candidates(const StoreQuery& query) {
  const std::int64_t near = std::max(std::clamp(kNearTimes * query.top, kMinNear, kMaxNear), query.top);
  const Result found = in_transaction(connection_, [&] {
    // The planner takes a sequential scan for cheaper, because it does not count the pages of large values. Iterative
    // scans go on where the filter refuses photos.
    connection_.execute(fmt::format(
        "SET LOCAL enable_sort = off; SET LOCAL hnsw.ef_search = {}; SET LOCAL hnsw.iterative_scan = relaxed_order",
        std::min(near, kMaxNear)));
    std::vector<Value> values{Value::of_vector(query.vector)};
    const std::string condition = condition_of(query, values);
    return connection_.run(
        fmt::format("SELECT c.hash, -(c.vector <#> $1::halfvec), c.vector, count(*) OVER () FROM (SELECT p.hash, "
                    "p.vector FROM e5v.photos p WHERE {} ORDER BY {} LIMIT {}) c ORDER BY 2 DESC LIMIT {}",
                    condition, sign_distance("p.vector", "$1", std::ssize(query.vector)), near, query.top + kFurther),
        values);
  });
  if (found.rows() == 0 || found.integer(0, 3) < near) return std::nullopt;
  return candidates_in(found);
}

std::vector<StoreMatch> Store::search(const StoreQuery& query) {
  const std::int64_t expected = width();
  require(std::ssize(query.vector) == expected, "[{}] the query has {} dimensions, the store {}", name(),
          query.vector.size(), expected);
  auto near = query.exact || index().empty() ? std::nullopt : near_candidates(query);
  std::vector<Candidate> candidates = near ? std::move(*near) : exact_candidates(query);
  rescore(query.vector, candidates, query.top, query.min_score);
  std::vector<std::string> hashes;
  std::map<Hash128, double> scores;
  for (const Candidate& candidate : candidates) {
    hashes.push_back(candidate.hash.hex());
    scores[candidate.hash] = candidate.score;
  }
  std::vector<StoreMatch> matches;
  for (StoredPhoto& photo : photos_with(hashes)) {
    if (photo.files.empty()) continue;  // deleted since the search
    library::Photo found{photo.hash, {}, photo.files.back().size, std::move(photo.metadata)};
    for (library::FileStatus& file : photo.files) found.paths.push_back(std::move(file.path));
    matches.push_back({scores[photo.hash], std::move(found)});
  }
  return matches;
}

std::int64_t Store::count(const library::Filter& filter) {
  if (!exists_) return 0;
  std::vector<Value> values;
  const std::string condition = filter_sql(filter, values);
  return connection_.run("SELECT count(*) FROM e5v.photos p WHERE " + condition, values).integer(0, 0);
}

std::string Store::calibration() { return exists_ ? setting(connection_, "calibration").value_or("") : ""; }

void Store::set_calibration(const std::string& calibration) { set(connection_, "calibration", calibration); }

void Store::make_index() { make_vector_index(connection_, width()); }

std::string Store::index() {
  return exists_ && has_vector_index(connection_) ? "HNSW over the signs of the vectors" : "";
}

}  // namespace e5v::stores::postgres
