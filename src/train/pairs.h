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

/// Two inputs that mean the same, and perhaps a sentence that does not, although it looks like it.
struct Pair {
  Input anchor, positive;
  std::optional<std::string> hard_negative;
  std::optional<std::string> group{};  ///< pairs of one group mean the same: none is a negative of another
};

enum class PairFormat { csv, tsv, jsonl, text };

/// The format that a file's ending names: .csv, .tsv, .jsonl or .json, .txt. Throws InvalidInput for another one.
PairFormat pair_format_of(const std::filesystem::path& path);

/// A file of pairs. It is mapped, and 8 bytes a row are kept of it.
///
/// .csv (RFC 4180) and .tsv (no quotes) begin with a line of column names: sent0 and sent1 are sentences, hard_neg, if
/// wanted, one as well; image0 and image1 are paths of images relative to the file, instead of the sentence of the same
/// number or beside it; group, if wanted and not empty, is a name that pairs of the same meaning share. .jsonl has the
/// same names as keys of one object a line. .txt has one sentence a line, which is its own positive (unsupervised
/// SimCSE, arXiv:2104.08821).
///
/// Blank lines and a byte order mark are passed over. A row is bad, and left out, when it has another number of columns
/// than the header, is no UTF-8 or JSON, has unknown keys, neither sentence nor image on one side, or no hard negative
/// although there is a column for them (in JSONL: although the first good row has one, or the other way round).
class PairFile {
 public:
  /// Bad rows whose messages are kept.
  static constexpr std::size_t kBadRowsShown = 5;

  struct BadRow {
    std::int64_t line = 0;  ///< counted from 1
    std::string message;    ///< led by file and line: "[pairs.csv:17] ..."
  };
  struct BadRows {
    std::int64_t count = 0;
    std::vector<BadRow> first;
  };

  /// Reads all of the file once. Throws InvalidInput when it cannot be read, is empty, has a wrong header or no good
  /// row.
  explicit PairFile(const std::filesystem::path& path);

  /// The same over bytes in memory, which must stay. Paths of images are taken relative to `folder`; `name` leads
  /// the messages.
  PairFile(std::string_view text, PairFormat format, std::string name, std::filesystem::path folder);

  /// Good rows; at least one.
  std::int64_t rows() const { return static_cast<std::int64_t>(offsets_.size()); }
  /// Good row i of [0, rows()), parsed anew. Throws InvalidInput outside of that, or when the file has changed since.
  Pair row(std::int64_t i) const;
  /// "pairs.csv:17" for row i. Counts the lines before it.
  std::string where(std::int64_t i) const;

  bool has_hard_negatives() const { return *hard_negatives_; }
  /// Whether any good row has an image.
  bool has_images() const { return images_; }
  /// Whether any good row has a group.
  bool has_groups() const { return groups_; }
  /// What leads the messages.
  const std::string& name() const { return name_; }
  const BadRows& bad_rows() const { return bad_; }
  /// Hash of the whole content.
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
  std::vector<std::size_t> columns_;    // of CSV and TSV: which of the known ones each is
  std::optional<bool> hard_negatives_;  // of JSONL unknown until a row is good
  bool images_ = false, groups_ = false;
  std::vector<std::uint64_t> offsets_;
  BadRows bad_;
  Hash128 digest_;
};

}  // namespace e5v::train
