#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/log.h"
#include "commands.h"
#include "library_options.h"
#include "options.h"
#include "serve.h"

namespace e5v::app {
namespace {

struct BrowseOptions {
  ServeOptions serve;
  std::filesystem::path library;
  int port = 0;  // a free one
  bool open = false;
};

/// Opens an address in the browser of the desktop. The program that does so outlives this function.
void open_in_browser(const std::string& address) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Forks once more, so that nobody need wait for the browser.
    if (::fork() != 0) ::_exit(0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execlp("xdg-open", "xdg-open", address.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
}

int run_browse(BrowseOptions& options) {
  options.serve.library = library_folder(options.library);
  options.serve.ready = [open = options.open](const std::vector<std::string>& addresses) {
    const std::string page = addresses.front() + "/library";
    tell("e5v: the photos are at {}\n", page);
    if (open) open_in_browser(page);
  };
  return run_serve(options.serve);
}

constexpr const char* kBrowseDescription =
    "search a library of photos in a browser\n"
    "\n"
    "The command prints the address of a page, which finds photos by words, by an image, or by an image and what is to "
    "change in it. It also shows the metadata of each photo, groups of near duplicates, and a map of the library. Only "
    "programs "
    "of this machine can reach the page. Ctrl-C ends it.";

constexpr const char* kBrowseFooter =
    "The page reads the library and the photos, and writes nothing but small images and vectors of words into the "
    "folder of the library. It may be open while e5v index runs.\n"
    "\n"
    "Other machines: e5v serve has the same page, with keys and TLS.\n"
    "\n"
    "Examples:\n"
    "  e5v browse --open\n"
    "  e5v browse --library photos";

}  // namespace

Run add_browse(CLI::App& app) {
  const auto options = std::make_shared<BrowseOptions>();
  CLI::App* command = app.add_subcommand("browse", kBrowseDescription)->footer(kBrowseFooter);
  add_library_option(*command, options->library);
  add_table(*command,
            {{"--open", flag(options->open), "open the page in the browser of the desktop"},
             {"--port", whole(options->port, 1, 65535), "the port of the page on this machine", "a free one"}});
  add_device_options(*command, options->serve.load);
  command->callback([options] {
    options->serve.access_log = "none";
    options->serve.server.listen = {fmt::format("127.0.0.1:{}", options->port)};
    complete(options->serve);
  });
  return [options] { return run_browse(*options); };
}

}  // namespace e5v::app
