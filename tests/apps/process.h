#pragma once
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "golden.h"
#include "temporary_folder.h"

/// Runs the program as its users do.
namespace e5v::test {

/// How a process ended and what it said.
struct Outcome {
  int code = -1;   ///< exit code, or -1 when a signal ended it
  int signal = 0;  ///< that signal
  std::string out, err;
  long peak_kib = 0;  ///< largest resident set
};

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The program with arguments, running; stdin is a file, or empty.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const std::filesystem::path& input = "/dev/null",
                   const std::string& program = E5V_PROGRAM) {
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) run_child(arguments, input, program);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void send(int number) const { ::kill(pid_, number); }
  /// What it has said so far.
  std::string out_so_far() const { return content_of(folder_.path() / "out"); }
  std::string err_so_far() const { return content_of(folder_.path() / "err"); }
  /// Whether it ends within so long.
  bool ends_within(std::chrono::milliseconds time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    siginfo_t state{};
    while (state.si_pid == 0 && std::chrono::steady_clock::now() < end) {
      if (::waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return state.si_pid != 0;
  }
  pid_t pid() const { return pid_; }

  Outcome wait() {
    int status = 0;
    rusage usage{};
    ::wait4(std::exchange(pid_, -1), &status, 0, &usage);
    Outcome outcome;
    if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    outcome.out = content_of(folder_.path() / "out");
    outcome.err = content_of(folder_.path() / "err");
    outcome.peak_kib = usage.ru_maxrss;
    return outcome;
  }

 private:
  [[noreturn]] void run_child(const std::vector<std::string>& arguments, const std::filesystem::path& input,
                              const std::string& program) const {
    const auto redirect = [](const std::filesystem::path& path, int flags, int target) {
      const int descriptor = ::open(path.c_str(), flags, 0644);
      if (descriptor < 0 || ::dup2(descriptor, target) < 0) ::_exit(99);
      ::close(descriptor);
    };
    redirect(input, O_RDONLY, STDIN_FILENO);
    redirect(folder_.path() / "out", O_WRONLY | O_CREAT, STDOUT_FILENO);
    redirect(folder_.path() / "err", O_WRONLY | O_CREAT, STDERR_FILENO);
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    ::_exit(98);
  }

  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

inline Outcome run(const std::vector<std::string>& arguments, const std::filesystem::path& input = "/dev/null") {
  return Process(arguments, input).wait();
}

/// Sets an environment variable, or removes it (nullptr), while the object exists.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = ::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) const { value == nullptr ? ::unsetenv(name_) : ::setenv(name_, value, 1); }

  const char* name_;
  std::optional<std::string> before_;
};

/// What mpirun needs to run here, in the environment of processes that are started while this lives.
class MpiEnvironment {
 public:
  MpiEnvironment() {
    std::istringstream words(E5V_MPI_ENVIRONMENT);
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      names_.push_back(word.substr(0, equals));
      ::setenv(names_.back().c_str(), word.c_str() + equals + 1, 1);
    }
  }
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;
  ~MpiEnvironment() {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
  }

 private:
  std::vector<std::string> names_;
};

/// Each entry is started as so many processes with these arguments.
using RankPart = std::pair<int, std::vector<std::string>>;
inline Process start_processes(const std::vector<RankPart>& parts, const std::filesystem::path& input = "/dev/null") {
  const MpiEnvironment environment;
  std::istringstream words(E5V_MPIRUN);
  std::string program, word;
  words >> program;
  std::vector<std::string> arguments;
  while (words >> word) arguments.push_back(word);
  for (const auto& [count, part] : parts) {
    if (&part != &parts.front().second) arguments.emplace_back(":");
    arguments.insert(arguments.end(), {"-n", std::to_string(count), E5V_PROGRAM});
    arguments.insert(arguments.end(), part.begin(), part.end());
  }
  return Process(arguments, input, program);
}
inline Outcome run_processes(int count, const std::vector<std::string>& arguments,
                             const std::filesystem::path& input = "/dev/null") {
  return start_processes({{count, arguments}}, input).wait();
}

inline std::string model_folder() { return golden("ckpt/tiny-small-f32").string(); }

/// "embed --model MODEL --threads 1" and what follows.
inline std::vector<std::string> with_model(const std::string& command, std::vector<std::string> rest) {
  std::vector<std::string> arguments{command, "--model", model_folder()};
  if (command != "tokenize") arguments.insert(arguments.end(), {"--threads", "1"});
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// A failure: this exit code, nothing on stdout, and one line on stderr that begins with "e5v: " and holds `part`.
inline void expect_failure(const Outcome& outcome, int code, const std::string& part) {
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.code, code);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(lines_of(outcome.err).size(), 1) << outcome.err;
  EXPECT_THAT(outcome.err, testing::StartsWith("e5v: "));
  EXPECT_THAT(outcome.err, testing::EndsWith("\n"));
  EXPECT_THAT(outcome.err, testing::HasSubstr(part));
}

}  // namespace e5v::test
