#include "tensor/safetensors_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/json.h"
#include "tensor/safetensors.h"

namespace e5v::tensor {
namespace {

constexpr std::size_t kDataAlignment = 64;  // alignment of the data in the file: a cache line

std::string_view format_name(DType type) {
  switch (type) {
    case DType::f64: return "F64";
    case DType::f32: return "F32";
    case DType::f16: return "F16";
    case DType::bf16: return "BF16";
    case DType::i64: return "I64";
    case DType::i32: return "I32";
    case DType::i16: return "I16";
    case DType::i8: return "I8";
    case DType::u8: return "U8";
    case DType::boolean: return "BOOL";
    case DType::f8_e4m3: return "F8_E4M3";
  }
  fail<InvalidInput>("[safetensors] unknown element type {}", static_cast<int>(type));
}

std::uint64_t bytes_of(const TensorSpec& tensor) {
  return static_cast<std::uint64_t>(tensor.shape.elements() * size_of(tensor.dtype));
}

/// The length field and the JSON, padded with blanks so that the data after them are aligned.
std::string header_of(const std::vector<TensorSpec>& tensors, const std::map<std::string, std::string>& metadata,
                      const std::string& path) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    require(tensor.name != kMetadataKey && !header.contains(tensor.name), "[{}] two tensors are called {}", path,
            in_quotes(tensor.name));
    Json shape = Json::array();
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) shape.push_back(tensor.shape[axis]);
    const std::uint64_t end = offset + bytes_of(tensor);
    header[tensor.name] = {{"dtype", format_name(tensor.dtype)},
                           {"shape", std::move(shape)},
                           {"data_offsets", Json::array({offset, end})}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail<InvalidInput>("[{}] a tensor's name or the metadata is not valid UTF-8", path);
  }
  std::uint64_t length = text.size();
  length += (kDataAlignment - (sizeof length + length) % kDataAlignment) % kDataAlignment;
  text.resize(length, ' ');
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : path_(path), temporary_(path.string() + ".tmp"), tensors_(std::move(tensors)) {
  const std::string header = header_of(tensors_, metadata, path_.string());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0644);
  require(descriptor_ >= 0, "[{}] cannot be created: {}", temporary_, system_error_text());
  try {
    append(std::as_bytes(std::span(header)));
  } catch (...) {  // no destructor runs for an unfinished object
    discard();
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() { discard(); }

void SafetensorsWriter::discard() {
  if (descriptor_ < 0) return;
  ::close(std::exchange(descriptor_, -1));
  ::unlink(temporary_.c_str());
}

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  require(descriptor_ >= 0, "[{}] is finished already", path_.string());
  while (current_ < tensors_.size() && tensors_[current_].name != name && written_ == bytes_of(tensors_[current_])) {
    ++current_;
    written_ = 0;
  }
  require(current_ < tensors_.size(), "[{}] {} comes after the last tensor", path_.string(), in_quotes(name));
  const TensorSpec& tensor = tensors_[current_];
  require(tensor.name == name, "[{}] expected the rest of {}, found {}", path_.string(), in_quotes(tensor.name),
          in_quotes(name));
  require(bytes.size() <= bytes_of(tensor) - written_, "[{}] {} takes {} bytes, found {}", path_.string(),
          in_quotes(name), bytes_of(tensor), written_ + bytes.size());
  append(bytes);
  written_ += bytes.size();
}

void SafetensorsWriter::finish() {
  require(descriptor_ >= 0, "[{}] is finished already", path_.string());
  while (current_ < tensors_.size() && written_ == bytes_of(tensors_[current_])) {
    ++current_;
    written_ = 0;
  }
  require(current_ == tensors_.size(), "[{}] {} is not complete", path_.string(),
          in_quotes(current_ < tensors_.size() ? tensors_[current_].name : ""));
  const bool durable = ::fsync(descriptor_) == 0;
  require(durable && ::rename(temporary_.c_str(), path_.c_str()) == 0, "[{}] cannot be written: {}", path_.string(),
          system_error_text());
  ::close(std::exchange(descriptor_, -1));
}

void SafetensorsWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    require(count >= 0, "[{}] cannot be written: {}", path_.string(), system_error_text());
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace e5v::tensor
