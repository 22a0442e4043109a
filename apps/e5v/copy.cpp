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
    "FROM and TO are each the folder of a library or the address of a store. Vectors, metadata, files and folders are "
    "copied as they are, so no model is needed and the vectors keep all bits.";

constexpr const char* kCopyFooter =
    "Photos that TO has already stay there, with the metadata of FROM. Both need the same model: vectors with another "
    "fingerprint are refused. Deleted files and files that cannot be read are left out.\n"
    "\n"
    "Examples:\n"
    "  e5v copy ~/.local/share/e5v/library postgresql://me@server/photos\n"
    "  e5v copy postgresql://me@server/photos /backup/library\n"
    "  e5v copy ~/.local/share/e5v/library milvus://server/photos";

}  // namespace

Run add_copy(CLI::App& app) {
  const auto options = std::make_shared<CopyOptions>();
  CLI::App* command = app.add_subcommand("copy", kCopyDescription)->footer(kCopyFooter);
  command->add_option("from", options->from)->option_text("FROM")->required()->group("");
  command->add_option("to", options->to)->option_text("TO")->required()->group("");
  return [options] { return run_copy(*options); };
}

}  // namespace e5v::app
