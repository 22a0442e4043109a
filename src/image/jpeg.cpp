#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "base/error.h"
#include "image/cmyk.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace e5v::image {
namespace {

// A progressive file may have any number of scans, each of which passes over the whole image, so a small file can cost
// minutes. Encoders write about ten scans.
constexpr int kMaxScans = 500;

/// libjpeg reports errors by a call that must not return. guarded() runs a step and returns false after an error. A
/// step has no objects with a destructor, so that a jump out of it leaks nothing.
class JpegReader {
 public:
  explicit JpegReader(const Encoded& file) : file_(file) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) {
      auto& self = *static_cast<JpegReader*>(info->client_data);
      (*info->err->format_message)(info, self.message_.data());
      std::longjmp(self.jump_, 1);
    };
    // Warnings mean damaged but decodable data, which PIL accepts.
    errors_.emit_message = [](j_common_ptr, int) {};
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    created_ = guarded([this] { jpeg_create_decompress(&info_); });
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() {
    if (created_) jpeg_destroy_decompress(&info_);
  }

  StoredSize size() {
    require(created_, "[{}] JPEG: {}", file_.origin, message_.data());
    read_header();
    return {info_.image_width, info_.image_height};
  }

  Bitmap read() {
    const StoredSize stored = size();
    Bitmap bitmap = allocate_bitmap(stored.width, stored.height, file_, "JPEG");
    // Grey and CMYK rows pass through this buffer; RGB is written to its place.
    std::vector<std::uint8_t> row(info_.num_components == 3 ? 0 : static_cast<std::size_t>(bitmap.width) * 4);
    read_rows(bitmap, row);
    return bitmap;
  }

 private:
  template <class Step>
  bool guarded(const Step& step) {
    if (setjmp(jump_) != 0) return false;
    step();
    return true;
  }

  void read_header();
  void read_rows(Bitmap& bitmap, std::vector<std::uint8_t>& row);
  void set_source();

  void check(bool finished, bool complete) const {
    require(finished, "[{}] JPEG: expected decodable data, found: {}", file_.origin, message_.data());
    require(complete, "[{}] JPEG: expected the whole image, found a file cut short at {} bytes", file_.origin,
            file_.size());
  }

  Encoded file_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
  bool created_ = false;
};

// A source with the whole file, which reports the end of the data. libjpeg's own memory source pretends that a cut file
// ends properly, and paints the rest grey.
void JpegReader::set_source() {
  source_.next_input_byte = file_.data();
  source_.bytes_in_buffer = file_.size();
  source_.init_source = [](j_decompress_ptr) {};
  source_.term_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.skip_input_data = [](j_decompress_ptr info, long count) {
    if (count <= 0) return;
    const std::size_t skipped = std::min(static_cast<std::size_t>(count), info->src->bytes_in_buffer);
    info->src->next_input_byte += skipped;
    info->src->bytes_in_buffer -= skipped;
  };
  info_.src = &source_;
  progress_.progress_monitor = [](j_common_ptr info) {
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
    auto& self = *static_cast<JpegReader*>(info->client_data);
    std::snprintf(self.message_.data(), self.message_.size(), "more than %d scans", kMaxScans);
    std::longjmp(self.jump_, 1);
  };
  info_.progress = &progress_;
}

void JpegReader::read_header() {
  set_source();
  bool complete = false;
  const bool finished = guarded([&] { complete = jpeg_read_header(&info_, TRUE) == JPEG_HEADER_OK; });
  check(finished, complete);
  switch (info_.num_components) {
    case 1: info_.out_color_space = JCS_GRAYSCALE; break;
    case 3: info_.out_color_space = JCS_RGB; break;
    case 4: info_.out_color_space = JCS_CMYK; break;
    default:
      fail<InvalidInput>("[{}] JPEG: expected 1, 3 or 4 colour components, found {}", file_.origin,
                         info_.num_components);
  }
}

void grey_to_rgb(const std::uint8_t* grey, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, rgb += 3) rgb[0] = rgb[1] = rgb[2] = grey[x];
}

// The file holds inverted inks, as Adobe writes them: 255 is no ink.
void inverted_cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3)
    for (int c = 0; c < 3; ++c) rgb[c] = through_ink(cmyk[3], static_cast<std::uint8_t>(255 - cmyk[c]));
}

void JpegReader::read_rows(Bitmap& bitmap, std::vector<std::uint8_t>& row) {
  bool complete = false;
  const bool finished = guarded([&] {
    if (!jpeg_start_decompress(&info_)) return;
    for (int y = 0; y < bitmap.height; ++y) {
      JSAMPROW target = row.empty() ? bitmap.row(y) : row.data();
      if (jpeg_read_scanlines(&info_, &target, 1) != 1) return;
      if (info_.num_components == 1) grey_to_rgb(target, bitmap.row(y), bitmap.width);
      if (info_.num_components == 4) inverted_cmyk_to_rgb(target, bitmap.row(y), bitmap.width);
    }
    complete = true;
    // Finds errors after the last row, which PIL reports, too. A missing end marker is no error.
    jpeg_finish_decompress(&info_);
  });
  check(finished, complete);
}

}  // namespace

const Codec kJpegCodec = {[](const Encoded& file) { return JpegReader(file).read(); },
                          [](const Encoded& file) { return JpegReader(file).size(); },
                          [](const Encoded& file) { return jpeg_orientation(file.bytes); }};

}  // namespace e5v::image
