#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "base/interrupted.h"
#include "base/progress.h"
#include "commands.h"
#include "index_options.h"
#include "interrupt.h"
#include "library_options.h"
#include "stores/copy_photos.h"
#include "stores/open_store.h"

namespace e5v::app {
namespace {

struct CopyOptions {
  std::string from, to;
};

int run_copy(const CopyOptions& options) {
  const InterruptScope interrupts;
  try {
    const auto from = stores::open_store(options.from);
    require(from->model().has_value(), "[{}] has no photos yet: expected e5v index to have run", from->name());
    const auto to = stores::open_store(options.to, "e5v copy");
    std::int64_t copied = 0;
    {
      Progress progress("photos", from->count({}));
      copied = copy_photos(
          *from, *to, [&](std::int64_t photos) { progress.advance(photos); }, InterruptScope::check);
    }
    tell_index(fmt::format("{} copied from {} to {}", counted(copied, "photo"), from->name(), to->name()));
    return kSuccess;
  } catch (const Interrupted&) {
    tell_index("interrupted; the same command copies the rest");
    return 128 + InterruptScope::signal();
  }
}

constexpr const char* kCopyDescription =
    "copy photos with their vectors between a library and a store\n"
    "\n"
    "FROM and TO are each the folder of a library or the address of a store. Vectors, metadata, and the paths of files "
    "and folders are copied, so no model is needed and the vectors keep all bits. The image files stay where they are.";

constexpr const char* kCopyFooter =
    "If TO already has a photo, its vector is kept, and its metadata are replaced by those of FROM. Vectors of another "
    "vector space are refused. Deleted files of FROM and files that cannot be read are not copied, and nothing is "
    "removed from TO: a photo that FROM has lost since an earlier copy stays there.\n"
    "\n"
    "Examples:\n"
    "  e5v copy ~/.local/share/e5v/library postgresql://me@server/photos\n"
    "  e5v copy postgresql://me@server/photos /backup/library\n"
    "  e5v copy ~/.local/share/e5v/library milvus://server/photos";

}  // namespace

Run add_copy(CLI::App& app) {
  const auto options = std::make_shared<CopyOptions>();
  CLI::App* command = app.add_subcommand("copy", kCopyDescription)->footer(kCopyFooter);
  command->add_option("from", options->from)->option_text("FROM")->group("");
  command->add_option("to", options->to)->option_text("TO")->group("");
  command->callback([options] {
    if (options->to.empty()) throw CLI::ValidationError("expected FROM and TO, the folder or the address of each");
  });
  return [options] { return run_copy(*options); };
}

}  // namespace e5v::app
