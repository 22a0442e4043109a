#include "image/png_chunks.h"

#include <zlib.h>

#include <algorithm>

#include "image/byte_reader.h"

namespace e5v::image {
namespace {

/// Removes the text before the next zero byte, and this byte, and returns the text. Nothing when there is no zero byte.
std::optional<std::string_view> cut_to_zero(std::string_view& text) {
  const std::size_t zero = text.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  const std::string_view front = text.substr(0, zero);
  text.remove_prefix(zero + 1);
  return front;
}

/// Decompresses a zlib stream, which may be cut short. Nothing when it is no such stream or has more than `max_bytes`
/// bytes.
std::optional<std::string> inflated(std::string_view stream, std::size_t max_bytes) {
  z_stream state{};
  if (inflateInit(&state) != Z_OK) return std::nullopt;
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
  state.avail_in = static_cast<uInt>(std::min<std::size_t>(stream.size(), ~uInt{0}));
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= max_bytes) {
    const std::size_t before = text.size(), step = std::clamp<std::size_t>(before, 4096, std::size_t{1} << 18);
    text.resize(before + step);
    state.next_out = reinterpret_cast<Bytef*>(text.data() + before);
    state.avail_out = static_cast<uInt>(step);
    status = inflate(&state, Z_NO_FLUSH);
    text.resize(before + step - state.avail_out);
    if (status == Z_OK && state.avail_in == 0 && state.avail_out > 0) break;  // cut short; the beginning counts
  }
  inflateEnd(&state);
  const bool fine = status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
  if (!fine || text.size() > max_bytes) return std::nullopt;
  return text;
}

}  // namespace

bool PngChunk::sound() const {
  const auto* start = reinterpret_cast<const Bytef*>(name.data());  // the data follow the name
  return checksum && *checksum == crc32(0, start, static_cast<uInt>(name.size() + data.size()));
}

PngChunks::PngChunks(std::span<const std::byte> file) : rest_(tail(file, 8)) {}

std::optional<PngChunk> PngChunks::next() {
  constexpr std::size_t kLength = 4, kName = 4, kChecksum = 4;
  const ByteReader read(rest_, true);
  const auto length = read.number(0, kLength);
  const Bytes body = tail(rest_, kLength);
  if (!length || body.size() < kName || body.size() - kName < *length) return std::nullopt;
  const std::string_view name(reinterpret_cast<const char*>(body.data()), kName);
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  if (!std::ranges::all_of(name, is_word)) return std::nullopt;
  const auto checksum = read.number(kLength + kName + *length, kChecksum);
  const Bytes data = body.subspan(kName, *length);
  rest_ = tail(body, kName + *length + kChecksum);
  return PngChunk{name, data, checksum};
}

std::optional<PngText> PngText::of(const PngChunk& chunk) {
  PngText result;
  result.international = chunk.name == "iTXt";
  if (chunk.name != "tEXt" && chunk.name != "zTXt" && !result.international) return std::nullopt;
  std::string_view rest = chunk.text();
  const auto keyword = cut_to_zero(rest);
  if (!keyword) return std::nullopt;
  result.keyword = *keyword;
  if (chunk.name == "zTXt") {
    result.compressed = true;
    result.readable = !rest.empty() && rest.front() == 0;
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
  } else if (result.international) {
    if (rest.size() < 2) return std::nullopt;
    result.compressed = rest[0] != 0;
    result.readable = !result.compressed || rest[1] == 0;
    rest.remove_prefix(2);
    if (!cut_to_zero(rest) || !cut_to_zero(rest)) return std::nullopt;  // language, translated keyword
  }
  result.stored = rest;
  return result;
}

std::optional<std::string> PngText::value(std::size_t max_bytes) const {
  if (!readable) return std::nullopt;
  if (!compressed) return std::string(stored);
  const auto text = inflated(stored, max_bytes);
  if (!text && !international) return std::string();
  return text;
}

}  // namespace e5v::image
