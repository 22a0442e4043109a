#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/mmap.h"
#include "base/records.h"
#include "e5v/input.h"

namespace e5v::train {

/// Two inputs with the same meaning, and perhaps a hard negative: a similar sentence with another meaning.
struct Pair {
  Input anchor, positive;
  std::optional<std::string> hard_negative;
  std::optional<std::string> group{};  ///< pairs of a group have the same meaning and are not negatives
};

enum class PairFormat { csv, tsv, jsonl, text };

/// The format of a file by its ending: .csv, .tsv, .jsonl or .json, .txt. Throws InvalidInput for another ending.
PairFormat pair_format_of(const std::filesystem::path& path);

/// A file of pairs. It is mapped into memory; each row takes 8 more bytes.
/// .csv (RFC 4180) and .tsv (no quotes) begin with a line of column names. sent0 and sent1 are sentences; hard_neg,
/// which is optional, is one as well. image0 and image1 are paths of images relative to the file; they replace the
/// sentence of the same number or come with it. group is an optional name that pairs of the same meaning share. The
/// objects of .jsonl files, one per line, have the same names as keys. A .txt file has one sentence per line, which is
/// its own positive (unsupervised SimCSE, arXiv:2104.08821).
/// Blank lines and a byte order mark are skipped. A row is bad and is left out when it has another number of columns
/// than the header, is no UTF-8 or JSON, has unknown keys, has neither sentence nor image on one side, or has no hard
/// negative although there is a column for it. A row of JSONL is also bad when it has a hard negative and the first
/// good row has none, or the other way round.
class PairFile {
 public:
  /// The number of bad rows with a message that is kept.
  static constexpr std::size_t kBadRowsShown = 5;

  struct BadRow {
    std::int64_t line = 0;  ///< counted from 1
    std::string message;    ///< begins with file and line: "[pairs.csv:17] ..."
  };
  struct BadRows {
    std::int64_t count = 0;
    std::vector<BadRow> first;
  };

  /// Reads the whole file once. Throws InvalidInput when it cannot be read, is empty, has a wrong header or has no good
  /// row.
  explicit PairFile(const std::filesystem::path& path);

  /// The same for bytes in memory, which must outlive this object. Paths of images are relative to `folder`; messages
  /// begin with `name`.
  PairFile(std::string_view text, PairFormat format, std::string name, std::filesystem::path folder);

  /// The number of good rows; at least one.
  std::int64_t rows() const { return static_cast<std::int64_t>(offsets_.size()); }
  /// Parses good row i of [0, rows()). Throws InvalidInput for another i, or when the file has changed.
  Pair row(std::int64_t i) const;
  /// The place of row i, "pairs.csv:17". It counts the lines before the row.
  std::string where(std::int64_t i) const;

  bool has_hard_negatives() const { return *hard_negatives_; }
  /// Whether any good row has an image.
  bool has_images() const { return images_; }
  /// Whether any good row has a group.
  bool has_groups() const { return groups_; }
  /// The beginning of messages.
  const std::string& name() const { return name_; }
  const BadRows& bad_rows() const { return bad_; }
  /// A hash of the whole content.
  Hash128 digest() const { return digest_; }

 private:
  using Cells = std::array<std::optional<std::string>, 6>;
  struct Place;
  void read();
  void read_header(Place& place);
  void index_rows(Place place);
  Pair parse(const Record& record, const std::string& where) const;
  Cells cells_of(std::string_view record, const std::string& where) const;

  MappedFile file_;
  std::string_view text_;
  PairFormat format_;
  std::string name_;
  std::filesystem::path folder_;
  std::vector<std::size_t> columns_;    // of CSV and TSV: the index of each column in kColumns
  std::optional<bool> hard_negatives_;  // of JSONL: unknown before the first good row
  bool images_ = false, groups_ = false;
  std::vector<std::uint64_t> offsets_;
  BadRows bad_;
  Hash128 digest_;
};

}  // namespace e5v::train
