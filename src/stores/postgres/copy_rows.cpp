#include "stores/postgres/copy_rows.h"

#include <bit>

#include "base/utf8.h"

namespace e5v::stores::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);

}  // namespace

/// In the network's byte order.
template <class Integer>
void CopyRows::add_bytes(Integer number) {
  for (int shift = 8 * (static_cast<int>(sizeof(Integer)) - 1); shift >= 0; shift -= 8)
    data_ += static_cast<char>((static_cast<std::uint64_t>(number) >> shift) & 0xFF);
}

CopyRows::CopyRows() : data_(kSignature) {
  add_bytes(std::int32_t{0});  // flags
  add_bytes(std::int32_t{0});  // length of an extension of the header
}

void CopyRows::begin_row(int columns) {
  add_bytes(static_cast<std::int16_t>(columns));
  ++rows_;
}

void CopyRows::add_null() { add_bytes(std::int32_t{-1}); }

void CopyRows::add_bigint(std::int64_t number) {
  add_bytes(std::int32_t{8});
  add_bytes(number);
}

void CopyRows::add_integer(std::int64_t number) {
  add_bytes(std::int32_t{4});
  add_bytes(static_cast<std::int32_t>(number));
}

void CopyRows::add_smallint(std::int64_t number) {
  add_bytes(std::int32_t{2});
  add_bytes(static_cast<std::int16_t>(number));
}

void CopyRows::add_double(double number) {
  add_bytes(std::int32_t{8});
  add_bytes(std::bit_cast<std::uint64_t>(number));
}

void CopyRows::add_text(std::string_view text) {
  const std::string valid = replace_all(to_valid_utf8(text), std::string_view("\0", 1), "\xEF\xBF\xBD");
  add_bytes(static_cast<std::int32_t>(valid.size()));
  data_ += valid;
}

void CopyRows::add_halfvec(std::span<const tensor::Half> vector) {
  add_bytes(static_cast<std::int32_t>(4 + 2 * vector.size()));
  add_bytes(static_cast<std::uint16_t>(vector.size()));
  add_bytes(std::uint16_t{0});
  for (const tensor::Half value : vector) add_bytes(value.bits);
}

std::string CopyRows::data() const { return data_ + "\xFF\xFF"; }

}  // namespace e5v::stores::postgres
