#include "runs/journal.h"

#include <algorithm>
#include <limits>

#include "base/file.h"

namespace e5v::runs {
namespace {

namespace fs = std::filesystem;

constexpr int kJournalVersion = 2;  // 1 had other keys in its identity

Json to_json(const Hash128& hash) { return hash.hex(); }

std::optional<Commit> commit_from(const Json& line) {
  const auto source = Hash128::from_hex(line.at("source").get<std::string>()),
             written = Hash128::from_hex(line.at("written").get<std::string>());
  if (!source || !written) return std::nullopt;
  return Commit{
      {line.at("items"), line.at("bad"), *source}, {line.at("rows"), line.at("bytes"), line.at("id_bytes")}, *written};
}

/// Takes one line into the record; false when it is none of ours.
bool take_line(std::string_view text, Journal::Record& record) {
  const Json line = Json::parse(text, nullptr, false);
  try {
    if (line.contains("e5v_journal")) {
      if (line.at("e5v_journal") != kJournalVersion || !record.identity.empty()) return false;
      record.identity = line.at("identity").get<RunIdentity>();
    } else if (line.contains("complete")) {
      record.complete = line.at("complete");
    } else {
      const auto commit = commit_from(line);
      if (!commit) return false;
      record.commits.push_back(*commit);
    }
  } catch (const Json::exception&) {
    return false;
  }
  return !record.identity.empty();
}

/// The first line says whose the file is; it may be torn.
void require_own(std::string_view text, const fs::path& path) {
  const std::string_view beginning = R"({"e5v_journal":)";
  require(text.substr(0, beginning.size()) == beginning.substr(0, text.size()),
          "[{}] is no log of a run; the option force replaces it", path.string());
  const std::string rest = fmt::format("{},", kJournalVersion);
  const std::string_view version = text.substr(std::min(beginning.size(), text.size()), rest.size());
  require(version == std::string_view(rest).substr(0, version.size()),
          "[{}] was written by another version of e5v; the option force starts over", path.string());
}

}  // namespace

Journal::Journal(const fs::path& output) : file_(path_of(output)) {
  require(file_.lock(), "[{}] another process is writing this output", output.string());
}

std::optional<Journal::Record> Journal::read() const {
  const std::string text = read_file(file_.path(), std::numeric_limits<std::int64_t>::max());
  require_own(text, file_.path());
  Record record;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos || !take_line(std::string_view(text).substr(begin, end - begin), record)) break;
    begin = end + 1;
    if (!record.complete) record.ends.push_back(static_cast<std::int64_t>(begin));
  }
  if (record.identity.empty()) return std::nullopt;
  return record;
}

void Journal::begin(const RunIdentity& identity) {
  // The lock is bound to the open file, so it is emptied rather than replaced.
  file_.truncate(0);
  append({{"e5v_journal", kJournalVersion}, {"identity", identity}});
  sync_folder_of(file_.path());
}

void Journal::add(const Commit& commit) {
  append({{"items", commit.position.items},
          {"bad", commit.position.bad},
          {"source", to_json(commit.position.source)},
          {"rows", commit.size.rows},
          {"bytes", commit.size.bytes},
          {"id_bytes", commit.size.id_bytes},
          {"written", to_json(commit.written)}});
}

void Journal::complete() {
  append({{"complete", true}});
  sync();
}

void Journal::remove() {
  std::error_code ignored;
  fs::remove(file_.path(), ignored);
  sync_folder_of(file_.path());
}

void Journal::append(const Json& line) { file_.append(line.dump() + "\n"); }

}  // namespace e5v::runs
