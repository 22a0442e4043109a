#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/picture_files.h"

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

/// Captioned pictures of a file, and what was left out of them.
struct CaptionedImages {
  std::vector<CaptionedImage> images;
  std::size_t captions = 0, left_out = 0;  ///< captions in all, and those whose pictures are missing
};

/// Captioned pictures out of one of these forms, told apart by what is there:
///   Karpathy's JSON     {"images": [{"filename", "filepath"?, "split", "sentences": [{"raw"}]}]}
///   COCO's JSON         {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}
///   LAVIS's JSON        [{"image": path, "caption": text or [text]}], also BLIP's and ALBEF's
///   ShareGPT4V's JSON   [{"image": path, "conversations": [{"from": "human"}, {"from": "gpt", "value"}]}]; line ends
///                       of a caption become blanks, and what lies behind the last picture wanted is not read
///   JSONL               {"image" or "file": path, "caption" or "captions": text or [text]} a line
///   Flickr30k's tables  NAME#0, a tab, a caption; or a line of names and then NAME| 0| CAPTION; or .csv or .tsv with
///                       columns image and caption among others
///   Urban1K's folder    caption/NAME.txt, whose first line is the caption, and image/NAME.jpg
/// Entries about one picture add to it, which stands where it came first. A picture is looked for in the folder of
/// pictures under its name, its file's path, its split, and the last part of its name. Throws InvalidInput naming the
/// place in the file, or all files that are missing.
CaptionedImages read_captions(const CaptionOptions& options, PictureFiles& files);
/// The same where every picture must be there.
std::vector<CaptionedImage> read_captions(const CaptionOptions& options);

}  // namespace e5v::eval
