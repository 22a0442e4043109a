#include "library/metadata_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace e5v::library {

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string valid = to_valid_utf8(text.substr(0, text.find('\0')));
  if (valid.size() > max_bytes) valid = valid.substr(0, previous_code_point(valid, max_bytes + 1));
  return std::string(python_stripped(valid));
}

std::string iso_time(std::string_view date) {
  std::string time = "0000-00-00T00:00:00";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < time.size(); ++i) {
    if (i == 10 && date.size() <= 10) break;  // a date without a time
    if (i >= date.size()) return "";
    if (is_digit(time[i])) {
      if (!is_digit(date[i])) return "";
      time[i] = date[i];
    }
  }
  const auto part = [&](std::size_t at) { return time.substr(at, 2); };
  const bool valid = time.substr(0, 4) >= "1800" && part(5) >= "01" && part(5) <= "12" && part(8) >= "01" &&
                     part(8) <= "31" && part(11) <= "23" && part(14) <= "59" && part(17) <= "60";
  return valid ? time : "";
}

std::string camera_name(std::string_view maker, std::string_view model) {
  const std::string_view name = maker.substr(0, maker.find(' '));
  if (maker.empty() || model.empty()) return std::string(maker.empty() ? model : maker);
  const bool repeats =
      model.size() >= name.size() &&
      std::ranges::equal(name, model.substr(0, name.size()), [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  return repeats ? std::string(model) : std::string(maker) + " " + std::string(model);
}

}  // namespace e5v::library
