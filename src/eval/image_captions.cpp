#include "eval/image_captions.h"

#include "base/error.h"

namespace e5v::eval {

namespace fs = std::filesystem;

ImageFinder::ImageFinder(const CaptionOptions& options, ImageNeed need)
    : folder_(options.images.empty() ? options.file.parent_path() : options.images),
      is_named_(!options.images.empty()) {
  require(need == ImageNeed::none || folder_.empty() || fs::is_directory(folder_),
          "[{}] is no folder, expected the images of {}", folder_.string(), options.file.string());
}

fs::path ImageFinder::find(const fs::path& name, const std::vector<std::string>& below, const std::string& where) {
  std::vector<fs::path> places{folder_ / name};
  for (const std::string& part : below)
    if (!part.empty()) places.push_back(folder_ / part / name);
  const std::size_t last_part = places.size();
  if (is_named_ && name.has_parent_path()) places.push_back(folder_ / name.filename());
  std::error_code error;
  std::size_t at = 0;
  while (at < places.size() && !fs::exists(places[at], error)) ++at;
  if (at == places.size()) at = below.empty() || below.front().empty() ? 0 : 1;
  fs::path place = places[at].lexically_normal();
  if (name.has_parent_path() && fs::exists(place, error)) check_last_part(name, place, at == last_part, where);
  return place;
}

void ImageFinder::check_last_part(const fs::path& name, const fs::path& place, bool by_last_part,
                                  const std::string& where) {
  fs::path& first = by_last_part ? last_ : whole_;
  if (first.empty()) first = name;
  require(whole_.empty() || last_.empty(),
          "[{}] in {}, {} is found under its whole name and {} under its last part alone; say with option images which "
          "folder "
          "the names begin in",
          where, folder_.string(), whole_.string(), last_.string());
  if (!by_last_part) return;
  const fs::path& known = by_last_.try_emplace(place, name.lexically_normal()).first->second;
  require(known == name.lexically_normal(),
          "[{}] {} and {} would both be {}; say with option images which folder the names begin in", where,
          known.string(), name.string(), place.string());
}

ImageCaptions::ImageCaptions(const CaptionOptions& options, ImageFiles& files)
    : options_(options), finder_(options, files.need()) {}

bool ImageCaptions::add(const fs::path& name, const std::vector<std::string>& below, std::vector<std::string> captions,
                        const std::string& where) {
  require(!name.empty(), "[{}] names no image", where);
  const fs::path place = finder_.find(name, below, where);
  const auto known = places_.find(place);
  if (known == places_.end() && is_enough()) return false;
  const std::size_t index = known == places_.end() ? images_.size() : known->second;
  if (known == places_.end()) {
    places_.emplace(place, index);
    images_.push_back({place, {}});
  }
  for (std::string& caption : captions) {
    require(caption.find_first_not_of(" \t\r\n") != std::string::npos, "[{}] has an empty caption", where);
    std::vector<std::string>& all = images_[index].captions;
    if (options_.max_captions == 0 || all.size() < options_.max_captions) all.push_back(std::move(caption));
  }
  return true;
}

}  // namespace e5v::eval
