#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/image_files.h"

namespace e5v::eval {

/// An image and the sentences about it.
struct CaptionedImage {
  std::filesystem::path image;
  std::vector<std::string> captions;
};

/// How captioned images are read.
struct CaptionOptions {
  std::filesystem::path file;    ///< a file, or a folder such as Urban1K's
  std::filesystem::path images;  ///< folder of the images; empty: the file's own
  std::string split = "test";    ///< of Karpathy's JSON; "" means all splits
  std::size_t max_captions = 5;  ///< per image, the first ones; 0: all. Some images of COCO have six or seven
  std::size_t max_images = 0;    ///< the first ones; 0: all
};

/// Captioned images of a file, and the number of captions that were left out.
struct CaptionedImages {
  std::vector<CaptionedImage> images;
  std::size_t captions = 0, left_out = 0;  ///< all captions of the file; those whose image is missing
};

/// Reads captioned images from one of these forms, which is recognised by the content:
///   Karpathy's JSON     {"images": [{"filename", "filepath"?, "split", "sentences": [{"raw"}]}]}
///   COCO's JSON         {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}
///   LAVIS's JSON        [{"image": path, "caption": text or [text]}], also BLIP's and ALBEF's
///   ShareGPT4V's JSON   [{"image": path, "conversations": [{"from": "human"}, {"from": "gpt", "value"}]}]; line ends
///                       in a caption become blanks; nothing after the last image that is wanted is read
///   JSONL               {"image" or "file": path, "caption" or "captions": text or [text]} per line
///   Flickr30k's tables  NAME#0, a tab, a caption; or a line of names and then NAME| 0| CAPTION; or .csv or .tsv with
///                       the columns image and caption among others
///   Urban1K's folder    caption/NAME.txt (its first line is the caption) and image/NAME.jpg
/// Captions of one image from several entries are collected at the image's first place. An image is looked for in the
/// folder of images under its name, its file's path, its split, and the last part of its name. Throws InvalidInput,
/// which names the line or entry of the file, or all files that are missing.
CaptionedImages read_captions(const CaptionOptions& options, ImageFiles& files);
/// The same; every image must exist.
std::vector<CaptionedImage> read_captions(const CaptionOptions& options);

}  // namespace e5v::eval
