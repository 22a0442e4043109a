#include "vectors/vector_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/regular_file.h"
#include "vectors/ids.h"
#include "vectors/vector_origin.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;

/// Calls `take` with the bytes [from, to) of a file, piece by piece.
template <class Take>
void for_pieces(const OutputFile& file, std::int64_t from, std::int64_t to, const Take& take) {
  std::vector<char> buffer(std::size_t{1} << 20);
  while (from < to) {
    const auto count = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(to - from));
    const std::span<char> piece = std::span(buffer).first(count);
    file.read(from, piece);
    take(std::string_view(piece.data(), piece.size()));
    from += static_cast<std::int64_t>(count);
  }
}

void rename_if_there(const fs::path& from, const fs::path& to) {
  if (!fs::exists(from)) return;
  std::error_code code;
  fs::rename(from, to, code);
  require<DeviceError>(!code, "[{}] cannot be renamed to {}: {}", from.string(), to.string(), code.message());
}

/// The size of a safetensors file's head.
std::int64_t head_size_of(const fs::path& path) {
  std::int64_t length = 0;
  const ssize_t got = ::pread(RegularFile(path).descriptor(), &length, sizeof length, 0);
  return got == sizeof length ? length + static_cast<std::int64_t>(sizeof length) : 0;
}

/// `count` bytes of a file from `from` on as a file of their own.
void copy_part(const fs::path& source, const fs::path& target, std::int64_t from, std::int64_t count) {
  const RegularFile file(source);
  OutputFile copy(target, 0);
  std::vector<char> buffer(std::size_t{1} << 20);
  while (count > 0) {
    const ssize_t got = ::pread(file.descriptor(), buffer.data(),
                                static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(buffer), count)), from);
    if (got < 0 && errno == EINTR) continue;
    require<DeviceError>(got > 0, "[{}] cannot be read: {}", source.string(),
                         got == 0 ? "it has become shorter" : system_error_text());
    copy.append(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    from += got;
    count -= got;
  }
  copy.sync();
}

/// The file as it is.
OutputFile open_whole(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return OutputFile(path, code ? 0 : static_cast<std::int64_t>(size));
}

}  // namespace

VectorFileCheck::VectorFileCheck(const fs::path& output, VectorFormat format)
    : rows_(open_whole(VectorFile::partial_path(output))) {
  if (format != VectorFormat::jsonl) ids_ = open_whole(VectorFile::partial_ids_path(output));
}

std::optional<Hash128> VectorFileCheck::hash(const VectorFileSize& from, const VectorFileSize& to) const {
  if (rows_.size() < to.bytes || ids_.size() < to.id_bytes) return std::nullopt;
  Hasher hasher;
  const auto add = [&](std::string_view piece) { hasher.add(piece); };
  for_pieces(rows_, from.bytes, to.bytes, add);
  if (ids_.is_open()) for_pieces(ids_, from.id_bytes, to.id_bytes, add);
  return hasher.digest();
}

VectorFile::VectorFile(fs::path output, VectorLayout layout, const VectorFileSize& size)
    : layout_(std::move(layout)), size_(size) {
  rows_ = OutputFile(partial_path(output), size.bytes);
  if (layout_.format != VectorFormat::jsonl) ids_ = OutputFile(partial_ids_path(output), size.id_bytes);
  if (size_ == VectorFileSize{}) {
    rows_.append(std::string(static_cast<std::size_t>(layout_.head_size()), '\0'));
    size_.bytes = rows_.size();
  }
}

void VectorFile::add(const Json& id, std::span<const float> vector) {
  append_row(layout_.format, id, vector, new_rows_);
  if (ids_.is_open()) new_ids_ += id_text(id) + '\n';
  ++added_;
}

Hash128 VectorFile::flush() {
  const Hash128 hash = Hasher().add(new_rows_).add(new_ids_).digest();
  rows_.append(new_rows_);
  if (ids_.is_open()) ids_.append(new_ids_);
  size_ = {size_.rows + std::exchange(added_, 0), rows_.size(), ids_.size()};
  new_rows_.clear();
  new_ids_.clear();
  return hash;
}

void VectorFile::sync() const {
  rows_.sync();
  if (ids_.is_open()) ids_.sync();
}

void VectorFile::complete(const std::map<std::string, std::string>& ending) {
  if (layout_.format == VectorFormat::safetensors) {
    for_pieces(ids_, 0, size_.id_bytes, [&](std::string_view piece) { rows_.append(piece); });
  }
  rows_.overwrite(0, layout_.head(size_.rows, size_.id_bytes, ending));
  sync();
  if (layout_.format == VectorFormat::safetensors) return;
  std::map<std::string, std::string> origin = layout_.metadata;
  origin.insert(ending.begin(), ending.end());
  const std::string rows = rows_.path().string();
  write_origin(fs::path(rows + ".origin.json"), rows, origin);
}

std::vector<fs::path> VectorFile::companions(const fs::path& output, VectorFormat format) {
  if (format == VectorFormat::npy) return {ids_path(output), origin_path(output)};
  if (format == VectorFormat::jsonl) return {origin_path(output)};
  return {};
}

VectorFileSize VectorFile::reopen(const fs::path& output, const VectorLayout& layout, std::int64_t rows) {
  const std::int64_t bytes = RegularFile(output).size();
  const std::int64_t row_bytes = rows * layout.width * static_cast<std::int64_t>(sizeof(float));
  VectorFileSize size{rows, bytes, 0};
  if (layout.format == VectorFormat::npy) {
    size.id_bytes = RegularFile(ids_path(output)).size();
  } else if (layout.format == VectorFormat::safetensors) {
    size.bytes = layout.head_size() + row_bytes;
    size.id_bytes = bytes - size.bytes;
  }
  const bool same_head = layout.format != VectorFormat::safetensors || head_size_of(output) == layout.head_size();
  require(same_head, "[{}] was written by another version of e5v; option force starts over", output.string());
  require(layout.format == VectorFormat::jsonl || size.bytes == layout.head_size() + row_bytes,
          "[{}] has {} bytes, expected {} for {} rows; option force starts over", output.string(), bytes,
          layout.head_size() + row_bytes, rows);
  copy_part(output, partial_path(output), 0, size.bytes);
  if (layout.format == VectorFormat::npy) copy_part(ids_path(output), partial_ids_path(output), 0, size.id_bytes);
  if (layout.format == VectorFormat::safetensors)
    copy_part(output, partial_ids_path(output), size.bytes, size.id_bytes);
  return size;
}

void VectorFile::publish(const fs::path& output, VectorFormat format) {
  if (format == VectorFormat::npy) rename_if_there(partial_ids_path(output), ids_path(output));
  rename_if_there(partial_origin_path(output), origin_path(output));
  rename_if_there(partial_path(output), output);
  discard(output);
  sync_folder_of(output);
}

void VectorFile::discard(const fs::path& output) {
  std::error_code ignored;
  fs::remove(partial_path(output), ignored);
  fs::remove(partial_ids_path(output), ignored);
  fs::remove(partial_origin_path(output), ignored);
}

}  // namespace e5v::vectors
