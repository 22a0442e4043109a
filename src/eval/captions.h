#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace e5v::eval {

/// A picture and the sentences about it.
struct CaptionedImage {
  std::filesystem::path image;
  std::vector<std::string> captions;
};

/// How captioned pictures are read.
struct CaptionOptions {
  std::filesystem::path file;     ///< or a folder, as Urban1K's
  std::filesystem::path images;   ///< folder of the pictures; empty: the file's own
  std::string split = "test";     ///< of Karpathy's JSON; "" takes all
  std::size_t most_captions = 5;  ///< of a picture, the first; 0: all. COCO has pictures with six or seven
  std::size_t most_pictures = 0;  ///< the first; 0: all
};

/// Captioned pictures out of one of these forms, told apart by what is there:
///   Karpathy's JSON     {"images": [{"filename", "filepath"?, "split", "sentences": [{"raw"}]}]}
///   COCO's JSON         {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}
///   ShareGPT4V's JSON   [{"image": path, "conversations": [{"from": "human"}, {"from": "gpt", "value"}]}]; line ends
///                       of a caption become blanks, and what lies behind the last picture wanted is not read
///   JSONL               {"image" or "file": path, "caption": text or "captions": [text]} a line; lines about one
///                       picture add to it, which stands where it came first
///   Urban1K's folder    caption/NAME.txt, whose first line is the caption, and image/NAME.jpg
/// A picture is looked for in the folder of pictures under its name, its file's path, and its split. Throws
/// InvalidInput naming the place in the file, or the first file that does not exist.
std::vector<CaptionedImage> read_captions(const CaptionOptions& options);

}  // namespace e5v::eval
