#include "eval/captions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/mmap.h"
#include "base/records.h"
#include "eval/image_captions.h"

namespace e5v::eval {

const std::string_view kCaptionForms =
    "expected Karpathy's JSON (\"images\" with \"filename\", \"split\" and \"sentences\"), COCO's (\"images\" and "
    "\"annotations\"), a list as LAVIS, BLIP and ALBEF have it (\"image\" and \"caption\") or ShareGPT4V (\"image\" "
    "and \"conversations\"), JSONL (\"image\" with \"caption\" or \"captions\"), Flickr30k's table (NAME#0, a tab, "
    "a caption; or columns image and caption), or a folder with caption/NAME.txt and image/NAME.jpg";

namespace {

namespace fs = std::filesystem;

/// The files of a folder, ordered by their names without ending: first numbers by value, then the rest alphabetically.
std::vector<fs::path> listed(const fs::path& folder) {
  require(fs::is_directory(folder), "[{}] is missing; {}", folder.string(), kCaptionForms);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
  std::ranges::sort(files, {}, [](const fs::path& file) {
    const std::string name = file.stem().string();
    const bool number = !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
    return std::tuple(!number, number ? name.size() : 0, name);
  });
  return files;
}

/// The first line of a file, which is its caption.
std::string first_line(const fs::path& file) {
  const std::string content = read_file(file);
  const std::string_view text = without_byte_order_mark(content);
  const Record line = text.empty() ? Record() : line_at(text, 0);
  require(line.problem.empty(), "[{}] {}", file.string(), line.problem);
  require(line.bytes.find_first_not_of(" \t") != std::string_view::npos, "[{}] begins with no caption", file.string());
  require(is_valid_utf8(line.bytes), "[{}] is no UTF-8", file.string());
  return std::string(line.bytes);
}

std::vector<CaptionedImage> from_folder(const CaptionOptions& options, ImageNeed need) {
  const fs::path captions = options.file / "caption",
                 images = options.images.empty() ? options.file / "image" : options.images;
  std::map<std::string, fs::path> found;
  if (need != ImageNeed::none || fs::is_directory(images))
    for (const fs::path& file : listed(images)) found.emplace(file.stem().string(), file);
  std::vector<CaptionedImage> result;
  const auto is_enough = [&] { return options.max_images != 0 && result.size() == options.max_images; };
  for (const fs::path& file : listed(captions)) {
    if (file.extension() != ".txt" || is_enough()) continue;
    const auto match = found.extract(file.stem().string());
    const fs::path name = match.empty() ? images / (file.stem().string() + ".jpg") : match.mapped();
    result.push_back({name, {first_line(file)}});
  }
  if (options.max_images == 0 && !found.empty())
    fail<InvalidInput>("[{}.txt] is missing, the caption of {}; {}", (captions / found.begin()->first).string(),
                       found.begin()->second.string(), kCaptionForms);
  return result;
}

std::vector<CaptionedImage> from_file(const CaptionOptions& options, ImageFiles& files) {
  const std::string name = options.file.string();
  require(fs::exists(options.file), "[{}] is missing; {}", name, kCaptionForms);
  require(fs::is_regular_file(options.file), "[{}] is no regular file; {}", name, kCaptionForms);
  require(fs::file_size(options.file) > 0, "[{}] is empty; {}", name, kCaptionForms);
  const MappedFile file(options.file);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  text = without_byte_order_mark(text);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  require(begin != std::string_view::npos, "[{}] is empty; {}", name, kCaptionForms);
  const bool json = text[begin] == '{' || text[begin] == '[';
  ImageCaptions images(options, files);
  if (json) {
    read_caption_json(text[begin] == '[' ? text.substr(begin) : text, options, images);
  } else {
    read_caption_table(text, options, images);
  }
  return images.take();
}

}  // namespace

std::vector<CaptionedImage> read_captions(const CaptionOptions& options) {
  ImageFiles files;
  return read_captions(options, files).images;
}

CaptionedImages read_captions(const CaptionOptions& options, ImageFiles& files) {
  const std::string name = options.file.string();
  CaptionedImages result;
  std::vector<CaptionedImage> all =
      fs::is_directory(options.file) ? from_folder(options, files.need()) : from_file(options, files);
  require(!all.empty(), "[{}] has no image", name);
  for (CaptionedImage& image : all) {
    require(!image.captions.empty(), "[{}] {} has no caption", name, image.image.string());
    result.captions += image.captions.size();
    if (files.usable(image.image)) {
      result.images.push_back(std::move(image));
    } else {
      result.left_out += image.captions.size();
    }
  }
  files.require_there(name, "say with option images where the images are");
  return result;
}

}  // namespace e5v::eval
