#include "index_store.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/interrupted.h"
#include "base/progress.h"
#include "commands.h"
#include "index_status.h"
#include "interrupt.h"
#include "library/scan.h"
#include "library_options.h"
#include "stores/open_store.h"
#include "stores/shared_index.h"

namespace e5v::app {
namespace {

using library::Changes;
using library::Indexed;
using stores::PhotoStore;
using stores::SharedFiles;

SharedFiles& shared_files_of(PhotoStore& store) {
  SharedFiles* files = store.shared_files();
  require(files != nullptr,
          "[{}] this store cannot share the work of several machines: index into a library or into PostgreSQL, and "
          "copy the photos with e5v copy",
          store.name());
  return *files;
}

/// The folders to walk; no given ones means all roots.
std::vector<std::string> folders_of(PhotoStore& store, const IndexOptions& options) {
  std::vector<std::string> folders;
  const auto exclude = options.exclude.empty() ? std::nullopt : std::optional(options.exclude);
  for (const std::string& folder : options.folders) {
    const library::PlacedFolder placed = library::place_folder(store.roots(), folder, exclude);
    if (placed.root) store.set_root(*placed.root);
    folders.push_back(placed.path);
  }
  if (!folders.empty()) return folders;
  for (const library::Root& root : store.roots()) folders.push_back(root.path);
  require(!folders.empty(), "[{}] the store has no folders yet: expected e5v index FOLDER", store.name());
  return folders;
}

/// What has been walked.
struct StoreScan {
  Changes changes;
  std::vector<std::string> folders;  ///< that could be read
};

StoreScan scan_store(PhotoStore& store, SharedFiles& files, const std::vector<std::string>& folders) {
  StoreScan scan;
  for (const std::string& folder : folders) {
    for (const library::Root& root : store.roots()) {
      if (!library::lies_in(folder, root.path)) continue;
      try {
        const library::Walked walked = walk(folder, library::WalkFilter(root, {}), InterruptScope::check);
        scan.changes += files.record(folder, walked);
        scan.folders.push_back(folder);
        for (const std::string& problem : walked.problems) tell_index(problem);
      } catch (const InvalidInput& error) {
        if (std::filesystem::exists(folder)) throw;
        tell_index(std::string(error.what()) + "; its photos stay in the store");
      }
    }
  }
  return scan;
}

/// The model, which has been compared with that of the store or has become it.
Embedder load_store_model(PhotoStore& store, const ModelOptions& model, bool rebuild) {
  library::ModelRecord record;
  Embedder embedder = load_library_model(model, record);
  if (rebuild && store.model()) {
    shared_files_of(store).rebuild(record);
  } else {
    store.set_model(record);
  }
  return embedder;
}

int bring_store_up_to_date(const IndexOptions& options, PhotoStore& store) {
  SharedFiles& files = shared_files_of(store);
  const ModelOptions model = model_for(store.model(), store.name(), options.model, *options.command);
  std::optional<Embedder> embedder;  // loaded when it is first needed
  if (!store.model() || options.rebuild || !store.model()->is_of(model.folder, model.load, model.prepare))
    embedder = load_store_model(store, model, options.rebuild);
  const auto begin = std::chrono::steady_clock::now();
  const StoreScan scan = scan_store(store, files, folders_of(store, options));
  if (options.retry) files.retry_failed();
  Indexed done;
  if (const std::int64_t waiting = files.counts().waiting; waiting > 0) {
    bool told = false;
    tell_without_metadata(told);
    if (!embedder) embedder = load_store_model(store, model, false);
    Progress progress("photos", waiting);
    library::IndexHooks hooks;
    hooks.check_stop = InterruptScope::check;
    hooks.max_file_bytes = options.max_file_mebibytes << 20;
    hooks.advanced = [&](std::int64_t number) { progress.advance(number); };
    done = index_shared(files, scan.folders, std::chrono::seconds(options.claim_seconds), *embedder, model.run,
                        model.prepare, hooks);
  }
  if (options.purge) tell_index(fmt::format("{} purged", counted(files.purge(), "deleted photo")));
  if (done.embedded > 0) stores::calibrate_store(store, *embedder, model.run, model.prepare);
  store.make_index();
  tell_index(index_summary(scan.changes, done,
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
  return done.failed > 0 ? kLeftOut : kSuccess;
}

}  // namespace

int index_store(const IndexOptions& options) {
  require(options.exclude.empty() || !options.folders.empty(),
          "--exclude sets the patterns of a folder: expected a FOLDER, found none");
  if (options.status) {
    const auto store = stores::open_store(options.store);
    return print_store_status(*store, options.json, options.recall);
  }
  const InterruptScope interrupts;  // what is committed stays, so nothing more is to be said
  try {
    const auto store = stores::open_store(options.store, "e5v index");
    return bring_store_up_to_date(options, *store);
  } catch (const Interrupted&) {
    tell_index("interrupted; the next e5v index continues");
    return 128 + InterruptScope::signal();
  }
}

}  // namespace e5v::app
