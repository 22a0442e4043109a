#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tensor/half.h"

namespace e5v::stores::postgres {

/// The data of a COPY ... FROM STDIN (FORMAT binary), as PostgreSQL's documentation of COPY describes it. A row begins
/// with begin_row(); then its columns are added in the order of the statement.
class CopyRows {
 public:
  CopyRows();

  void begin_row(int columns);
  void add_null();
  void add_bigint(std::int64_t number);
  void add_integer(std::int64_t number);
  void add_smallint(std::int64_t number);
  void add_double(double number);
  /// A text in UTF-8. What is not, and bytes of 0, which PostgreSQL refuses, become U+FFFD.
  void add_text(std::string_view text);
  void add_text_or_null(std::string_view text) { text.empty() ? add_null() : add_text(text); }
  void add_halfvec(std::span<const tensor::Half> vector);

  std::int64_t rows() const { return rows_; }
  /// All rows so far, with the end of the data.
  std::string data() const;

 private:
  template <class Integer>
  void add_bytes(Integer number);

  std::string data_;
  std::int64_t rows_ = 0;
};

}  // namespace e5v::stores::postgres
