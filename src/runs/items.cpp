#include "runs/items.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "base/error.h"
#include "base/flat_object.h"
#include "base/lfs_pointer.h"
#include "base/read_ahead.h"
#include "base/regular_file.h"

namespace e5v::runs {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kKeys{"id", "text", "image", "images", "prompt"};
constexpr std::array<std::string_view, 1> kLists{"images"};

std::optional<Json> take_id(Json& object, const std::string& where) {
  const auto found = object.find("id");
  if (found == object.end() || found->is_null()) return std::nullopt;
  require(found->is_string() || found->is_number_integer(), "[{}] \"id\": expected a string or an integer, found {}",
          where, found->is_number() ? "another number" : found->type_name());
  if (const auto* text = found->get_ptr<const std::string*>()) {
    require(text->size() <= ItemReader::kLongestId, "[{}] \"id\" has {} bytes, the limit is {}", where, text->size(),
            ItemReader::kLongestId);
    // Files of ids have one a line.
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
    require(std::none_of(text->begin(), text->end(), is_control), "[{}] \"id\" holds a control character", where);
  }
  return std::move(*found);
}

/// An open file, or standard input.
class InputFile {
 public:
  InputFile(const std::string& path, std::function<void()> stopped) : name_(path), stopped_(std::move(stopped)) {
    if (path == "-") return;
    require_readable(path);
    // Without waiting for whoever writes a FIFO: that is wait()'s.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    require(descriptor_ >= 0, "[{}] cannot be opened: {}", path, system_error_text());
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }

  std::size_t read(std::span<char> buffer) const {
    for (;;) {
      if (!wait()) return 0;
      const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      // Not the fault of one item: nothing behind it can be read either.
      require<DeviceError>(count >= 0, "[{}] cannot be read: {}", name_, system_error_text());
      return static_cast<std::size_t>(count);
    }
  }

  bool is_regular() const {
    struct stat status {};
    return ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  }
  bool is_waiting() const { return waiting_; }

 private:
  static void require_readable(const std::string& path) {
    std::error_code code;
    const fs::file_type type = fs::status(path, code).type();
    const bool readable =
        type != fs::file_type::directory && type != fs::file_type::socket && type != fs::file_type::block;
    require(readable, "[{}] is {}, expected a file of items, one JSON object a line", path, kind_text(type));
  }

  /// Waits for something to read, awake now and then to ask whether to go on; false when nobody takes it any more.
  bool wait() const {
    constexpr int kSoon = 10, kMilliseconds = 100;
    pollfd input{descriptor_, POLLIN, 0};
    for (;;) {
      if (stopped_) stopped_();
      if (consumer_is_gone()) return false;
      const int ready = ::poll(&input, 1, waiting_ ? kMilliseconds : kSoon);
      if (ready < 0 && errno == EINTR) continue;
      waiting_ = ready == 0;
      if (!waiting_) return true;
    }
  }

  std::string name_;
  std::function<void()> stopped_;
  int descriptor_ = STDIN_FILENO;
  mutable std::atomic<bool> waiting_ = false;  // nothing has come for a while
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

std::string_view without_mark(std::string_view line, std::int64_t number) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  return number == 1 && line.starts_with(kByteOrderMark) ? line.substr(kByteOrderMark.size()) : line;
}

}  // namespace

namespace {

/// What a digest says of images: the path of one, a list of several; "" of what is no file.
Json description_of(const std::vector<ImageSource>& images) {
  std::vector<std::string> paths;
  for (const ImageSource& image : images) {
    const auto* file = std::get_if<fs::path>(&image);
    paths.push_back(file == nullptr ? "" : file->string());
  }
  if (paths.empty()) return "";
  return paths.size() == 1 ? Json(paths.front()) : Json(paths);
}

}  // namespace

std::optional<Item> ItemList::next() {
  if (next_ == entries_.size()) return std::nullopt;
  const Input& input = entries_[next_++].item.input;
  const Json description{input.text.value_or(""), description_of(input.images), input.prompt.value_or("")};
  hasher_.add(description.dump(-1, ' ', false, Json::error_handler_t::replace)).add("\n");
  return entries_[next_ - 1].item;
}

namespace {

/// The images under "image" or "images".
std::vector<ImageSource> take_images(Json& object, const std::string& where, const fs::path& folder) {
  std::vector<std::string> paths = take_strings(object, "images", where);
  const char* key = paths.empty() ? "image" : "images";
  if (auto image = take_string(object, "image", where)) {
    require(paths.empty(), "[{}] \"image\" and \"images\" exclude each other", where);
    paths.push_back(std::move(*image));
  }
  std::vector<ImageSource> images;
  for (const std::string& path : paths) {
    require(!path.empty() && path.find('\0') == std::string::npos, "[{}] \"{}\": expected the path of a file", where,
            key);
    images.emplace_back(folder / fs::path(path));
  }
  return images;
}

}  // namespace

Item parse_item(std::string_view line, const std::string& where, const fs::path& folder) {
  Json object = parse_flat_object(line, kKeys, where, kLists);
  Item item;
  item.id = take_id(object, where);
  item.input.text = take_string(object, "text", where);
  item.input.prompt = take_string(object, "prompt", where);
  item.input.images = take_images(object, where, folder);
  require(item.input.text || !item.input.images.empty(), "[{}] expected \"text\", \"image\" or both, found neither",
          where);
  require(!item.input.prompt || !item.input.prompt->empty(), "[{}] \"prompt\" is empty", where);
  return item;
}

ItemReader::ItemReader(LineReader::Read read, std::string name, fs::path folder)
    : name_(std::move(name)), folder_(std::move(folder)), lines_(std::move(read), kLongestLine) {}

std::unique_ptr<ItemReader> ItemReader::open(const std::string& path, std::function<void()> stopped) {
  const auto file = std::make_shared<const InputFile>(path, std::move(stopped));
  const std::string name = path == "-" ? "stdin" : path;
  const fs::path folder = path == "-" ? fs::path() : fs::path(path).parent_path();
  auto reader =
      std::make_unique<ItemReader>([file](std::span<char> buffer) { return file->read(buffer); }, name, folder);
  if (path != "-" && file->is_regular()) reader->file_ = path;
  reader->waiting_ = [file] { return file->is_waiting(); };
  return reader;
}

std::optional<Item> ItemReader::next() {
  for (;;) {
    const LineReader::Result result = lines_.next();
    if (result == LineReader::Result::end) return std::nullopt;
    require(result != LineReader::Result::too_long, "[{}] is longer than the limit of {} bytes", where(), kLongestLine);
    const std::string_view line = without_mark(lines_.line(), lines_.number());
    if (lines_.number() == 1) refuse_lfs_pointer(name_, line);
    if (!is_blank(line)) return parse_item(line, where(), folder_);
  }
}

std::string ItemReader::where() const {
  return lines_.number() == 0 ? name_ : fmt::format("{}:{}", name_, lines_.number());
}

std::int64_t ItemReader::count() const {
  if (file_.empty()) return 0;
  const InputFile file(file_.string(), nullptr);
  LineReader lines([&](std::span<char> buffer) { return file.read(buffer); }, kLongestLine);
  std::int64_t count = 0;
  for (auto result = lines.next(); result != LineReader::Result::end; result = lines.next()) {
    const bool long_line = result == LineReader::Result::too_long;
    if (long_line || !is_blank(without_mark(lines.line(), lines.number()))) ++count;
  }
  return count;
}

}  // namespace e5v::runs
