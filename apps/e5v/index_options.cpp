#include "index_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "base/progress.h"
#include "flags.h"
#include "library/metadata_module.h"
#include "library_options.h"
#include "terminal.h"

namespace e5v::app {

void tell_index(const std::string& message) {
  const char* clear = ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  tell("{}e5v: {}\n", clear, one_line(with_flags(message)));
}

std::string index_summary(const library::Changes& changes, const library::Indexed& done, double seconds) {
  std::string text = fmt::format("{} embedded in {}", counted(done.embedded, "photo"), duration_text(seconds));
  if (done.embedded > 0 && seconds > 0) text += fmt::format(", {:.1f}/s", static_cast<double>(done.embedded) / seconds);
  const auto add = [&](std::int64_t number, const char* what) {
    if (number > 0) text += fmt::format("; {} {}", number, what);
  };
  add(changes.unchanged, "unchanged");
  add(done.moved, "moved");
  add(done.known, "with known content");
  add(done.described, "with new metadata");
  add(changes.returned, "back again");
  add(changes.gone - done.moved, "deleted");
  if (done.failed > 0) text += fmt::format("; {} cannot be read, e5v index --status says why", done.failed);
  return text;
}

void tell_without_metadata(bool& told) {
  const library::FoundReader& found = library::metadata_reader();
  if (found.reader == nullptr && !std::exchange(told, true))
    tell_index(fmt::format("photos get no dates, cameras, places, ratings and keywords: {}", found.problem));
}

}  // namespace e5v::app
