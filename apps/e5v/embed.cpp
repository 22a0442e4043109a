#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "flags.h"
#include "interrupt.h"
#include "options.h"
#include "processes/ending.h"
#include "processes/group.h"
#include "runs/vector_run.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;
using runs::Existing;
using vectors::VectorFormat;

struct EmbedOptions {
  ModelOptions model;
  std::vector<runs::ItemList::Entry> items;
  std::string input;
  fs::path output;
  bool skip_bad = false, resume = false, force = false;

  Existing existing() const { return resume ? Existing::resume : force ? Existing::replace : Existing::refuse; }
};

std::unique_ptr<runs::ItemSource> open_source(const EmbedOptions& options) {
  if (options.input.empty()) return std::make_unique<runs::ItemList>(options.items);
  return runs::ItemReader::open(options.input, InterruptScope::check);
}

/// The output: a file, or standard output.
std::unique_ptr<runs::FileSink> open_file(const Embedder& embedder, const EmbedOptions& options) {
  const Fingerprint fingerprint = embedder.fingerprint(options.model.run, options.model.prepare);
  return std::make_unique<runs::FileSink>(
      options.output, vectors::VectorOrigin::of(fingerprint, options.model.run.prompt, embedder.width()),
      options.existing());
}

/// Messages on stderr and the progress line share the terminal.
void say(const std::string& message) {
  const char* clear = ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  tell("{}e5v: {}\n", clear, one_line(with_flags(message)));
}

std::string summary(const runs::RunPosition& before, const runs::RunPosition& after, double seconds) {
  const auto done_before = before.items - before.bad, done = after.items - after.bad - done_before;
  std::string text = fmt::format("{} item{} in {}, {:.1f}/s", done, done == 1 ? "" : "s", duration_text(seconds),
                                 seconds > 0 ? static_cast<double>(done) / seconds : 0.0);
  if (before.items > 0) text += fmt::format(", {} were done before", done_before);
  if (after.bad > 0) text += fmt::format(", {} left out", after.bad);
  return text;
}

std::string interrupted_text(const EmbedOptions& options, std::int64_t items) {
  return fmt::format("interrupted after {} items{}", items,
                     !options.output.empty() && items > 0 ? "; continue with --resume" : "");
}

/// The arguments of a run.
struct EmbedRun {
  const processes::Group& group;
  runs::RunModel model;
  runs::ItemSource& source;
  runs::VectorSink* sink;  // the leading process's sink
  runs::RunPosition start;
  bool was_complete;  // the output exists and is complete
};

runs::RunHooks hooks_of(const EmbedRun& run, const EmbedOptions& options, std::optional<Progress>& progress,
                        std::atomic<std::int64_t>& items) {
  runs::RunHooks hooks;
  hooks.check_stop = InterruptScope::check;
  hooks.advanced = [&](std::int64_t count) {
    items += count;
    if (progress) progress->advance(count);
  };
  if (options.skip_bad) hooks.bad = [](const std::string& message) { say("left out: " + message); };
  // A file is read only when it is whole. A program that reads standard output may wait for a vector before it sends
  // more.
  if (options.output.empty() && run.group.size() == 1) hooks.waits = [&run] { return run.source.is_waiting(); };
  return hooks;
}

/// There is no progress line when the vectors go to a terminal, because they show the progress.
void show_progress(const EmbedRun& run, bool file, std::optional<Progress>& progress) {
  if (!run.group.leads() || (::isatty(STDERR_FILENO) == 1 && !file && ::isatty(STDOUT_FILENO) == 1)) return;
  const std::int64_t total = run.source.count();
  progress.emplace("items", total > 0 ? total - run.start.items : 0);
}

/// Runs all items and returns the exit code.
int run_items(const EmbedRun& given, const EmbedOptions& options) {
  std::optional<Progress> progress;
  std::atomic<std::int64_t> items = given.start.items;
  runs::VectorRun run(given.group, given.model, given.source, given.sink, hooks_of(given, options, progress, items));
  const bool leads = given.group.leads(), file = !options.output.empty();
  const InterruptScope interrupts([&] {
    if (leads) say(interrupted_text(options, items));
  });  // before this line a signal ends the process at once, because there is nothing to keep
  try {
    if (given.start.items > 0) given.group.agree([&] { run.skip_to(given.start); });
    show_progress(given, file, progress);
    const auto begin = std::chrono::steady_clock::now();
    run.run();
    progress.reset();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const runs::RunPosition& end = run.position();
    if (leads && given.was_complete && end.items == given.start.items) {
      say(fmt::format("[{}] is complete already, with the same model, options and {} items{}", options.output.string(),
                      end.items, end.bad > 0 ? fmt::format("; {} were left out", end.bad) : ""));
    } else if (leads && (file || ::isatty(STDERR_FILENO) == 1)) {
      say(summary(given.start, end, seconds));
    }
    return end.bad > 0 ? kLeftOut : kSuccess;
  } catch (const Interrupted&) {
    progress.reset();
    const int code = 128 + InterruptScope::signal();
    if (leads) {
      say(interrupted_text(options, run.position().items));
    } else {
      processes::leave_telling_to_leader();
    }
    processes::end_all(code);
    return code;
  }
}

/// Every process of a group reads the input for itself.
void check_shareable(const processes::Group& group, const runs::ItemSource& source, const std::string& input) {
  require(group.size() == 1 || source.can_be_read_again(),
          "[{}] every process reads the input for itself: expected a regular file", input == "-" ? "stdin" : input);
}

/// The vectors of all processes must belong to one vector space, but the files or CPUs of processes may differ.
void check_same_model(const processes::Group& group, const Embedder& embedder, const ModelOptions& options) {
  const Fingerprint own = embedder.fingerprint(options.run, options.prepare);
  const std::vector<std::string> all = group.gather(own.weights + own.preprocessing + " " + own.compute);
  group.agree([&] {
    require(all[static_cast<std::size_t>(group.index())] == all[0],
            "[model] the vectors of this process would differ from those of process 0: expected the fingerprint {}, "
            "found {}",
            all[0], all[static_cast<std::size_t>(group.index())]);
  });
}

/// Sends the leading process's position to all processes.
runs::RunPosition shared(const processes::Group& group, const runs::RunPosition& position) {
  std::string bytes(reinterpret_cast<const char*>(&position), sizeof position);
  group.broadcast(bytes);
  runs::RunPosition result;
  std::memcpy(&result, bytes.data(), sizeof result);
  return result;
}

/// A finished output without a record of its origin counts as complete when it has a row for each item, and a message
/// says so. Throws InvalidInput when it has not.
void check_unknown_output(const EmbedOptions& options, runs::ItemSource& source) {
  const auto rows = runs::count_rows(options.output, *vectors::format_of(options.output));
  const std::int64_t items = runs::count_items(source);
  const std::string name = options.output.string();
  require(rows == items,
          "[{}] has {} rows, but the input has {} items, and it has no record of its origin, so it cannot be resumed; "
          "--force starts over",
          name, rows ? std::to_string(*rows) : "no ids for its", items);
  say(fmt::format(
      "[{}] is complete already, with a row for each of {} items; it has no record of its origin, so model, "
      "options and items were not compared; --force starts over",
      name, items));
}

/// Looks for an output on the leading process.
runs::Found look_for_output(const processes::Group& group, const EmbedOptions& options, runs::ItemSource& source) {
  std::string found(1, static_cast<char>(runs::Found::room));
  group.agree([&] {
    if (!group.leads() || options.output.empty()) return;
    const auto format = *vectors::format_of(options.output);
    found[0] = static_cast<char>(runs::look_for_output(options.output, format, options.existing()));
    if (found[0] == static_cast<char>(runs::Found::unknown)) check_unknown_output(options, source);
  });
  group.broadcast(found);
  return static_cast<runs::Found>(found.at(0));
}

/// --force must not replace the input.
void check_output_is_not_input(const EmbedOptions& options) {
  std::error_code error;
  require(!fs::equivalent(options.input, options.output, error), "[{}] is the input, expected another file to write",
          options.output.string());
}

int run_embed(EmbedOptions& options) {
  const processes::Group group = processes::Group::join();
  share_cores(group, options.model.load);
  std::unique_ptr<runs::ItemSource> source;
  group.agree([&] {
    check_output_is_not_input(options);
    source = open_source(options);
    check_shareable(group, *source, options.input);
  });
  const runs::Found found = look_for_output(group, options, *source);
  if (found == runs::Found::unknown) return kSuccess;
  std::optional<Embedder> embedder;
  group.agree([&] { embedder = Embedder::load(options.model.folder, options.model.load); });
  check_same_model(group, *embedder, options.model);
  runs::RunPosition start;
  std::unique_ptr<runs::VectorSink> sink;
  group.agree([&] {
    if (!group.leads()) return;
    if (options.output.empty()) {
      sink = std::make_unique<runs::StreamSink>(stdout);
      return;
    }
    auto file = open_file(*embedder, options);
    start = file->position();
    sink = std::move(file);
  });
  return run_items({group,
                    {&*embedder, options.model.run, options.model.prepare},
                    *source,
                    sink.get(),
                    shared(group, start),
                    found == runs::Found::complete},
                   options);
}

void check_usage(const EmbedOptions& options) {
  if (options.items.empty() && options.input.empty()) {
    throw CLI::RequiredError("at least one of --text, --image and --input");
  }
  if (!options.items.empty() && !options.input.empty()) {
    throw CLI::ValidationError("--input", "cannot be given together with --text or --image");
  }
  if (options.output.empty()) {
    if (options.resume || options.force) throw CLI::ValidationError("--resume and --force", "need --output");
  } else if (!vectors::format_of(options.output)) {
    throw CLI::ValidationError(
        "--output",
        fmt::format("expected a name that ends in .npy, .jsonl or .safetensors, found {}", options.output.string()));
  }
}

constexpr const char* kEmbedDescription =
    "compute the vectors of texts, images, and composed queries\n"
    "\n"
    "The items are those of --text and --image, in the order of the command line, or those in the file "
    "of --input. They are streamed, so the memory does not grow with their number. An item that cannot "
    "be read ends the run, unless --skip-bad is given.";

std::string footer() {
  return fmt::format(
      R"(Input: each line is a JSON object {{"id"?, "text"?, "image"?, "images"?, "prompt"?}}. An item with a text )"
      "and an image is a composed query: an image and a text that modifies it. Several images are given as a list in "
      "images; the prompt must then be a template with one <image> per image. Paths of images are relative to the "
      "folder of the input file; for standard input, they are relative to the current folder. The id of an item "
      "without an id is its index, counted from 0.\n"
      "\n"
      "Output: the extension of the output file selects the format. A .npy file holds the vectors as float32 [N, D]; "
      "the file OUTPUT.ids.txt holds the ids, one per line. A .jsonl file holds one object per line, "
      R"({{"id", "embedding"}}. A .safetensors file holds the tensors "embeddings" and "ids" (a text with one id per )"
      R"(line). During a run, the output is in OUTPUT.partial. After any interruption, --resume continues from it.)"
      "\n"
      "\n"
      "Prompts: {}. If an item has no prompt and --prompt is not given, a text gets the prompt text, an image gets "
      "image, and a composed query gets cirr-query.\n"
      "\n"
      "Processes: under mpirun -n N, N processes share the items and write one output, which equals that of a single "
      "process. Each process loads the model and reads the input, which must be a regular file. mpirun --bind-to none "
      "lets the processes share all cores of a machine.\n"
      "\n"
      "Exit codes: 0 success; 1 failure; 2 wrong usage; 3 success, but --skip-bad left items out; 130 or 143 "
      "interrupted.\n"
      "\n"
      "Examples:\n"
      "  e5v embed --model e5-v --text 'a cat' --image cat.jpg\n"
      "  e5v embed --model e5-v --input items.jsonl --output vectors.npy --resume\n"
      "  cat items.jsonl | e5v embed --model e5-v --input - --skip-bad > vectors.jsonl\n"
      "  mpirun -n 4 --bind-to none e5v embed --model e5-v --input items.jsonl ...",
      prompt_names_text());
}

}  // namespace

Run add_embed(CLI::App& app) {
  const auto options = std::make_shared<EmbedOptions>();
  CLI::App* command = app.add_subcommand("embed", kEmbedDescription)->footer(footer());
  add_item_options(*command, options->items);
  add_table(*command, {{"--input", text(options->input, "FILE"),
                        "the file of items, with one JSON object per line; - means standard input"},
                       {"--output", path(options->output, "FILE"), "the file of vectors to write",
                        "JSON Lines on standard output"}});
  add_model_options(*command, options->model);
  add_adapter_option(*command, options->model.load);
  add_input_options(*command, options->model);
  add_table(
      *command,
      {
          {"--no-normalize", cleared(options->model.run.normalize),
           "leave vectors unscaled; without this option, they are scaled to length 1"},
          {"--skip-bad", flag(options->skip_bad),
           "report items that cannot be read and leave them out; if there are any, the exit code is 3"},
          {"--resume", flag(options->resume),
           "continue an interrupted run with the same model, options and input. A finished run is continued if "
           "items were added at the end of its input"},
          {"--force", flag(options->force),
           "replace existing output, complete or partial; without --force or --resume, existing output is an error"},
      });
  command->get_option("--force")->excludes(command->get_option("--resume"));
  command->callback([options] { check_usage(*options); });
  return [options] { return run_embed(*options); };
}

}  // namespace e5v::app
