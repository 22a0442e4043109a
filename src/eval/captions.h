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

/// How a file of captions is read.
struct CaptionOptions {
  std::filesystem::path file;
  std::filesystem::path images;   ///< folder of the pictures; empty: the file's own
  std::string split = "test";     ///< of Karpathy's JSON; "" takes all
  std::size_t most_captions = 5;  ///< of a picture, the first; 0: all. COCO has pictures with six or seven
};

/// Captioned pictures out of one of three forms, told apart by what is in the file:
///   Karpathy's JSON   {"images": [{"filename", "filepath"?, "split", "sentences": [{"raw"}]}]}
///   COCO's JSON       {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}
///   JSONL             {"image" or "file": path, "caption": text or "captions": [text]} a line
/// A picture is looked for in the folder of pictures under its name, its file's path, and its split. Throws
/// InvalidInput naming the place in the file, or the first picture that does not exist.
std::vector<CaptionedImage> read_captions(const CaptionOptions& options);

}  // namespace e5v::eval
