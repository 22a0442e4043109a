#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/interrupted.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "index_options.h"
#include "index_status.h"
#include "index_store.h"
#include "interrupt.h"
#include "library/calibration.h"
#include "library/indexer.h"
#include "library/reference_texts.h"
#include "library/scan.h"
#include "library/watch.h"
#include "library_options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;
using library::Indexed;
using library::Library;

/// The name of this process in the message of a second one.
std::string command_text(const IndexOptions& options) {
  std::string text = options.watch ? "e5v index --watch" : "e5v index";
  for (const std::string& folder : options.folders) text += " " + folder;
  return one_line(text);
}

/// A library that is brought up to date, with its model, which is loaded when it is first needed.
class IndexRun {
 public:
  IndexRun(Library& library, ModelOptions model, std::int64_t max_file_bytes)
      : library_(library), model_(std::move(model)), max_file_bytes_(max_file_bytes) {}

  void load() {
    if (!embedder_) load_and([] {});
  }

  /// Loads the model and forgets all vectors, which settle() then computes again.
  void rebuild() {
    load_and([this] { library_.forget_vectors(); });  // after the model is loaded, in case that it cannot be
  }

  /// Loads the model if it or its options are not those of the library, so that another vector space is refused even if
  /// no file waits.
  void check_model() {
    if (library_.model() && !library_.model()->is_of(model_.folder, model_.load, model_.prepare)) load();
  }

  /// Gives all waiting files their vectors.
  Indexed settle() {
    library::IndexHooks hooks;
    hooks.check_stop = InterruptScope::check;
    hooks.max_file_bytes = max_file_bytes_;
    Indexed done = refresh_metadata(library_, hooks);
    if (library_.catalogue().counts().waiting == 0) return done;
    tell_without_metadata(told_);
    done += recognise_files(library_, hooks);
    const std::int64_t waiting = library_.catalogue().counts().waiting;
    if (waiting == 0) return done;
    load();
    std::optional<Progress> progress(std::in_place, "photos", waiting);
    hooks.advanced = [&](std::int64_t files) { progress->advance(files); };
    return done += embed_files(library_, *embedder_, model_.run, hooks);
  }

 private:
  void load_and(const std::function<void()>& prepare_library) {
    library::ModelRecord record;
    embedder_ = load_library_model(model_, record);
    prepare_library();
    library_.set_model(record);
    keep_reference_texts(library_, *embedder_, model_.run);
  }

  Library& library_;
  ModelOptions model_;
  std::int64_t max_file_bytes_;
  std::optional<Embedder> embedder_;
  bool told_ = false;
};

/// New folders are watched before they are walked, so that no file in them is missed.
void watch_new_folder(Library& library, library::FolderWatch& watch, const std::string& path) {
  const auto filter = library::filter_for(library, path);
  std::error_code error;
  if (!filter || filter->excludes_with_folders(path) || !fs::is_directory(fs::symlink_status(path, error))) return;
  watch.add(library::walk(path, *filter).folders);
}

library::Changes record_events(Library& library, library::FolderWatch& watch,
                               const library::FolderWatch::Events& events) {
  library::Changes changes;
  if (events.lost) {
    watch.add(library::scan_folders(library).folders);
    return library::scan_folders(library).changes;
  }
  for (const std::string& path : events.paths) {
    const auto filter = library::filter_for(library, path);
    if (!filter) continue;
    try {
      watch_new_folder(library, watch, path);
      changes += record_path(library.catalogue(), path, *filter);
    } catch (const InvalidInput& error) {  // it has gone meanwhile
      log_info("{}", error.what());
    }
  }
  return changes;
}

/// Keeps the library up to date until a signal arrives.
void keep_up(Library& library, library::FolderWatch& watch, IndexRun& run) {
  using namespace std::chrono_literals;
  tell_index("watching; Ctrl-C ends this");
  for (;;) {
    InterruptScope::check();
    const auto events = watch.wait(200ms);
    if (events.paths.empty() && !events.lost) continue;
    const auto begin = std::chrono::steady_clock::now();
    const library::Changes changes = record_events(library, watch, events);
    const Indexed done = run.settle();
    calibrate(library);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (done.total() + changes.gone + changes.returned > 0) {
      library::Changes news = changes;
      news.unchanged = 0;
      tell_index(index_summary(news, done, seconds));
    }
  }
}

int bring_up_to_date(const IndexOptions& options, Library& library, IndexRun& run) {
  std::vector<std::string> folders;
  const auto exclude = options.exclude.empty() ? std::nullopt : std::optional(options.exclude);
  for (const std::string& folder : options.folders) folders.push_back(library::add_folder(library, folder, exclude));
  require(!library.catalogue().roots().empty(), "[{}] the library has no folders yet: expected e5v index FOLDER",
          library.folder().string());
  options.rebuild ? run.rebuild() : run.check_model();
  if (options.retry) library.catalogue().retry_failed();
  std::optional<library::FolderWatch> watch;
  if (options.watch) {  // before the walk that counts, so that nothing is missed
    run.load();
    watch.emplace();
    watch->add(library::scan_folders(library, {}, InterruptScope::check).folders);
  }
  const auto begin = std::chrono::steady_clock::now();
  const library::Scan scan = library::scan_folders(library, folders, InterruptScope::check);
  for (const std::string& problem : scan.problems) tell_index(problem);
  const Indexed done = run.settle();
  if (options.purge) tell_index(fmt::format("{} purged", counted(library.purge(), "deleted photo")));
  calibrate(library);
  tell_index(index_summary(scan.changes, done,
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
  if (watch) keep_up(library, *watch, run);
  return done.failed > 0 ? kLeftOut : kSuccess;
}

int run_index(const IndexOptions& options) {
  if (!options.store.empty()) return index_store(options);
  const fs::path folder = library_folder(options.library);
  if (options.status) {
    Library library(folder);
    return print_index_status(library, options.json);
  }
  require(!options.model.folder.empty() || Library::exists(folder),
          "[{}] a new library needs a model: option model names the checkpoint", folder.string());
  require(options.exclude.empty() || !options.folders.empty(),
          "--exclude sets the patterns of a folder: expected a FOLDER, found none");
  const InterruptScope interrupts;  // what is committed stays, so nothing more is to be said
  try {
    Library library(folder, command_text(options));
    const ModelOptions model = model_for(library.model(), folder.string(), options.model, *options.command);
    IndexRun run(library, model, options.max_file_mebibytes << 20);
    return bring_up_to_date(options, library, run);
  } catch (const Interrupted&) {
    tell_index("interrupted; the next e5v index continues");
    return 128 + InterruptScope::signal();
  }
}

constexpr const char* kIndexDescription =
    "index folders of photos for e5v search\n"
    "\n"
    "Computes a vector for each file in the folders that has the extension of an image format, and keeps it in a "
    "library, with the photo's metadata. The next "
    "run "
    "reads only new and changed files. Moved and renamed files keep their vectors. Deleted files are marked and can be "
    "purged. Nothing is written into the folders.";

constexpr const char* kIndexFooter =
    "Folders: without a FOLDER, all folders of the library are brought up to date. Hidden files and folders, @eaDir "
    "and "
    "node_modules are left out, and links are not followed. A folder that is missing, for example on a disk that is "
    "not "
    "mounted, keeps its photos in the library.\n"
    "\n"
    "Model: the first run needs --model, and the library records the model and its options (--dtype, --adapter, "
    "--paper-compat, --alpha, --max-tiles, --max-pixels, --no-exif, --truncate). Without --model, later runs use the "
    "record, and an option that is given replaces the recorded one. With --model, all options are those of the command "
    "line. If the vectors belonged to another vector space than those of the library, the run is refused, unless "
    "--rebuild is "
    "given, which computes all vectors again. --max-pixels and --truncate never cause this; they are recorded.\n"
    "\n"
    "Metadata: date, camera, lens, place, rating, keywords and caption come from EXIF, IPTC and XMP, from a sidecar "
    "NAME.xmp, and from a text NAME.txt beside the image, which replaces the caption. When such a sidecar changes, the "
    "next run reads the metadata again, without computing a vector.\n"
    "\n"
    "Interruption: what is computed is committed after a batch, at most four times a second. After any interruption, "
    "the next run "
    "continues. While a run writes the library, others can search it, but not write it.\n"
    "\n"
    "Stores: with --store postgresql://..., the vectors and the metadata of photos go into a PostgreSQL database that "
    "several machines use. All of them may index the same folders at once, which need the same paths on each. Milvus "
    "and Qdrant are filled by e5v copy only. e5v search and e5v copy take the same address.\n"
    "\n"
    "Exit codes: 0 success; 1 failure; 2 wrong usage; 3 success, but some files that this run read cannot be decoded "
    "or opened; 130 or 143 "
    "interrupted.\n"
    "\n"
    "Examples:\n"
    "  e5v index ~/Pictures --model e5-v\n"
    "  e5v index\n"
    "  e5v index ~/Pictures --exclude 'raw' --exclude '2019/*.png'\n"
    "  e5v index --status\n"
    "  e5v index --watch\n"
    "  e5v index /photos --store postgresql://me@server/photos --model e5-v";

}  // namespace

Run add_index(CLI::App& app) {
  const auto options = std::make_shared<IndexOptions>();
  CLI::App* command = app.add_subcommand("index", kIndexDescription)->footer(kIndexFooter);
  command->add_option("folders", options->folders)->option_text("[FOLDER ...]")->group("");
  add_library_option(*command, options->library);
  add_store_option(*command, options->store);
  add_library_model_options(*command, options->model);
  options->command = command;
  add_budget_option(*command, options->model.run);
  add_table(
      *command,
      {
          {"--exclude", repeated([options](const std::string& glob) { options->exclude.push_back(glob); }, "GLOB"),
           "a pattern of file and folder names to leave out; a pattern with a slash is compared with paths relative to "
           "the folder. This option needs a FOLDER and can be given several times. Its patterns replace those that "
           "earlier runs have set for this folder"},
          {"--watch", flag(options->watch), "continue after the run and keep up with changes until it is ended"},
          {"--max-file-size", whole(options->max_file_mebibytes, 1, 1 << 20),
           "the maximum size of a file in MiB; larger files are listed as files that cannot be read. This limit "
           "applies to one run"},
          {"--purge", flag(options->purge),
           "remove deleted photos from the library; without this option, their vectors are kept in case that they come "
           "back"},
          {"--retry", flag(options->retry),
           "try again the files that could not be read, even if they have not changed"},
          {"--rebuild", flag(options->rebuild),
           "compute all vectors again, for example with another model or other options"},
          {"--status", flag(options->status),
           "print the state of the library, and each file that could not be read with the reason"},
          {"--json", flag(options->json), "print the status as JSON"},
          {"--recall", flag(options->recall),
           "print the recall of a store's index with the status: which share of the first photos of exact searches it "
           "finds, measured with up to 50 photos of the store as queries"},
          {"--claim-time", whole(options->claim_seconds, 1, 86'400),
           "the number of seconds after which other programs take over the files that a program has claimed in a "
           "store, if it gives no sign of life"},
      });
  for (const char* other : {"--exclude", "--watch", "--purge", "--retry", "--rebuild"})
    command->get_option("--status")->excludes(command->get_option(other));
  command->callback([options] {
    require_one_store(options->store, options->library);
    if (options->json && !options->status) throw CLI::RequiresError("--json", "--status");
    if (options->status && !options->folders.empty()) throw CLI::ExcludesError("--status", "a FOLDER");
    if (options->recall && (!options->status || options->store.empty()))
      throw CLI::RequiresError("--recall", "both --status and --store");
    if (options->watch && !options->store.empty()) throw CLI::ExcludesError("--watch", "--store");
  });
  return [options] { return run_index(*options); };
}

}  // namespace e5v::app
