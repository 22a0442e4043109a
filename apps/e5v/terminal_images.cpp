#include "terminal_images.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/base64.h"
#include "image/encode.h"

namespace e5v::app {
namespace {

/// The terminal without echo and line editing, as long as the object lives.
class RawTerminal {
 public:
  RawTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (descriptor_ < 0 || ::tcgetpgrp(descriptor_) != ::getpgrp() || ::tcgetattr(descriptor_, &before_) != 0) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0, raw.c_cc[VTIME] = 0;
    is_raw_ = ::tcsetattr(descriptor_, TCSANOW, &raw) == 0;
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (is_raw_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const { return descriptor_; }
  bool is_raw() const { return is_raw_; }

 private:
  int descriptor_;
  termios before_{};
  bool is_raw_ = false;
};

/// A palette of 6 x 7 x 6 colours.
constexpr std::array<int, 3> kLevels{6, 7, 6};
constexpr int kColors = 6 * 7 * 6;

int level_of(float value, int levels) {
  return std::clamp(static_cast<int>(value * static_cast<float>(levels - 1) / 255 + 0.5f), 0, levels - 1);
}

/// The colour of each pixel in the palette. What rounding loses goes to the next pixels (Floyd and Steinberg, 1976).
std::vector<std::uint8_t> dithered(const image::Bitmap& bitmap) {
  const auto width = static_cast<std::size_t>(bitmap.width);
  std::vector<std::uint8_t> colors(width * static_cast<std::size_t>(bitmap.height));
  std::vector<float> lost((width + 2) * 3, 0), next(lost);  // of this row and the next one, with a pixel on both sides
  for (int y = 0; y < bitmap.height; ++y) {
    std::ranges::fill(next, 0.0f);
    for (std::size_t x = 0; x < width; ++x) {
      int color = 0;
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t at = (x + 1) * 3 + c;
        const float value = static_cast<float>(bitmap.row(y)[x * 3 + c]) + lost[at];
        const int level = level_of(value, kLevels[c]);
        const float error = value - static_cast<float>(level * 255) / static_cast<float>(kLevels[c] - 1);
        lost[at + 3] += error * 7 / 16;
        next[at - 3] += error * 3 / 16, next[at] += error * 5 / 16, next[at + 3] += error / 16;
        color = color * kLevels[c] + level;
      }
      colors[static_cast<std::size_t>(y) * width + x] = static_cast<std::uint8_t>(color);
    }
    std::swap(lost, next);
  }
  return colors;
}

/// Six rows of pixels: for each colour in them a line of characters, of which each stands for six pixels.
void add_sixel_band(const std::vector<std::uint8_t>& colors, int width, int height, int top, std::string& text) {
  std::array<bool, kColors> used{};
  const int rows = std::min(6, height - top);
  const auto color_at = [&](int x, int y) { return colors[static_cast<std::size_t>(y * width + x)]; };
  for (int y = top; y < top + rows; ++y)
    for (int x = 0; x < width; ++x) used[color_at(x, y)] = true;
  for (int color = 0; color < kColors; ++color) {
    if (!used[static_cast<std::size_t>(color)]) continue;
    text += fmt::format("#{}", color);
    int run = 0;
    char last = 0;
    const auto flush = [&] {
      text += run > 3 ? fmt::format("!{}{}", run, last) : std::string(static_cast<std::size_t>(run), last);
    };
    for (int x = 0; x < width; ++x) {
      int bits = 0;
      for (int y = 0; y < rows; ++y) bits |= color_at(x, top + y) == color ? 1 << y : 0;
      const char character = static_cast<char>('?' + bits);
      if (run > 0 && character != last) flush(), run = 0;
      last = character, ++run;
    }
    flush();
    text += '$';  // back to the first column
  }
  text += '-';
}

/// Source: DEC, VT330/VT340 Programmer Reference Manual, chapter 14.
std::string sixel_of(const image::Bitmap& bitmap) {
  const std::vector<std::uint8_t> colors = dithered(bitmap);
  std::string text = fmt::format("\x1bP0;1;0q\"1;1;{};{}", bitmap.width, bitmap.height);
  for (int color = 0; color < kColors; ++color)
    text += fmt::format("#{};2;{};{};{}", color, color / 42 * 100 / 5, color / 6 % 7 * 100 / 6, color % 6 * 100 / 5);
  for (int top = 0; top < bitmap.height; top += 6) add_sixel_band(colors, bitmap.width, bitmap.height, top, text);
  return text + "\x1b\\\n";
}

/// Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/
std::string kitty_of(const image::Bitmap& bitmap, int rows) {
  constexpr std::size_t kChunk = 4096;
  const std::string data = to_base64(image::encode_png(bitmap));
  std::string text;
  for (std::size_t begin = 0; begin < data.size(); begin += kChunk) {
    const bool more = begin + kChunk < data.size();
    const std::string keys = begin == 0 ? fmt::format("a=T,f=100,q=2,r={},", rows) : "";
    text += fmt::format("\x1b_G{}m={};{}\x1b\\", keys, more ? 1 : 0, data.substr(begin, kChunk));
  }
  return text + '\n';
}

}  // namespace

bool is_whole_answer(std::string_view answer) {
  const std::size_t attributes = answer.rfind("\x1b[?");
  return attributes != std::string_view::npos && answer.find('c', attributes) != std::string_view::npos;
}

ImageProtocol protocol_of_answer(std::string_view answer) {
  if (answer.find("\x1b_Gi=31;OK") != std::string_view::npos) return ImageProtocol::kitty;
  const std::size_t attributes = answer.rfind("\x1b[?");
  if (attributes == std::string_view::npos) return ImageProtocol::none;
  const std::string_view list = answer.substr(attributes + 3, answer.find('c', attributes) - attributes - 3);
  const std::string numbers = fmt::format(";{};", list);
  return numbers.find(";4;") == std::string::npos ? ImageProtocol::none : ImageProtocol::sixel;
}

ImageProtocol ask_terminal() {
  const RawTerminal terminal;
  if (!terminal.is_raw()) return ImageProtocol::none;
  if (::write(terminal.descriptor(), kTerminalQuestion.data(), kTerminalQuestion.size()) !=
      static_cast<ssize_t>(kTerminalQuestion.size()))
    return ImageProtocol::none;
  std::string answer;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  while (!is_whole_answer(answer)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{terminal.descriptor(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
    char buffer[256];
    const ssize_t size = ::read(terminal.descriptor(), buffer, sizeof buffer);
    if (size <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(size));
  }
  return protocol_of_answer(answer);
}

std::string image_sequence(const image::Bitmap& bitmap, ImageProtocol protocol, int rows) {
  if (bitmap.pixels.empty()) return "";
  switch (protocol) {
    case ImageProtocol::none: return "";
    case ImageProtocol::kitty: return kitty_of(bitmap, rows);
    case ImageProtocol::sixel: return sixel_of(bitmap);
  }
  return "";
}

}  // namespace e5v::app
