// Many processes write what one would have written, and fail as one.
#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Mpirun : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string(E5V_MPIRUN).empty()) GTEST_SKIP() << "CMake has not found MPI";
  }

  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  /// Texts and an image now and then, with a bad line here and there.
  std::string write_items(int count) const {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      const std::string text = "number " + std::to_string(i * 7919 % 100003);
      if (i % 97 == 50) {
        lines += "bad " + text + "\n";
      } else if (i % 120 == 7) {
        lines += "{\"image\": \"" + golden("images/img00_rgb_640x480.jpg").string() +
                 "\", \"id\": " + std::to_string(i) + "}\n";
      } else {
        lines += "{\"text\": \"" + text + "\", \"id\": \"" + text + "\"}\n";
      }
    }
    return folder.write("items.jsonl", lines).string();
  }

  /// Small batches, so that all processes have many.
  std::vector<std::string> embed(const std::string& items, const std::string& output,
                                 std::vector<std::string> more = {"--skip-bad"}) const {
    std::vector<std::string> arguments{"--input", items, "--output", path(output), "--token-budget", "300"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return with_model("embed", arguments);
  }

  static pid_t signal_process(const Process& mpirun, int process, int number) {
    const pid_t pid = process_of(mpirun, process);
    if (pid <= 1 || ::kill(pid, number) != 0) throw std::runtime_error("no such process: " + std::to_string(process));
    return pid;
  }

  /// The process of a process, once it runs; 0 when that takes too long.
  static pid_t process_of(const Process& mpirun, int process) {
    const std::string own = "OMPI_COMM_WORLD_RANK=" + std::to_string(process);
    const std::string children =
        "/proc/" + std::to_string(mpirun.pid()) + "/task/" + std::to_string(mpirun.pid()) + "/children";
    for (int attempt = 0; attempt < 1000; ++attempt) {
      std::istringstream pids(content_of(children));
      for (pid_t pid = 0; pids >> pid;) {
        const std::string variables = '\0' + content_of("/proc/" + std::to_string(pid) + "/environ");
        if (variables.find('\0' + own + '\0') != std::string::npos) return pid;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return 0;
  }

  /// True when a process that is not our own child is gone, or will be soon.
  static bool ends(pid_t pid) {
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const std::string status = content_of("/proc/" + std::to_string(pid) + "/stat");
      if (status.empty() || status.find(") Z ") != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  void wait_for_journal(const std::string& output, std::uintmax_t bytes) const {
    std::error_code code;
    for (int attempt = 0; attempt < 6000; ++attempt) {
      const std::uintmax_t size = fs::file_size(path(output + ".partial.journal"), code);
      if (!code && size >= bytes) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw std::runtime_error("the journal of " + output + " does not grow");
  }

  /// What stderr holds but for the line with the time it took.
  static std::vector<std::string> without_summary(const Outcome& outcome) {
    std::vector<std::string> lines = lines_of(outcome.err);
    std::erase_if(lines, [](const std::string& line) { return line.find(" items in ") != std::string::npos; });
    return lines;
  }

  TemporaryFolder folder;
};

TEST_F(Mpirun, TheOutputIsThatOfOneProcess) {
  const std::string items = write_items(300);
  for (const std::string ending : {".jsonl", ".npy", ".safetensors"}) {
    const std::string whole = "one" + ending;
    const Outcome one = run(embed(items, whole));
    ASSERT_EQ(one.code, 3);
    for (const int count : {2, 3}) {
      const std::string many = std::to_string(count) + ending;
      const Outcome outcome = run_processes(count, embed(items, many));
      EXPECT_EQ(outcome.code, 3);
      EXPECT_EQ(without_summary(outcome), without_summary(one));
      EXPECT_THAT(lines_of(outcome.err).back(), HasSubstr("297 items in "));
      EXPECT_THAT(lines_of(outcome.err).back(), HasSubstr("3 left out"));
      EXPECT_TRUE(content_of(path(many)) == content_of(path(whole))) << many;
      EXPECT_FALSE(fs::exists(path(many + ".partial.journal")));
      if (ending == ".npy") {
        EXPECT_EQ(content_of(path(many + ".ids.txt")), content_of(path(whole + ".ids.txt")));
      }
    }
  }
}

TEST_F(Mpirun, StandardOutputIsThatOfOneProcess) {
  const std::vector<std::string> arguments = with_model("embed", {"--text", "a", "--text", "b", "--token-budget", "1"});
  const Outcome one = run(arguments), two = run_processes(2, arguments), three = run_processes(3, arguments);
  EXPECT_EQ(two.code, 0);
  EXPECT_EQ(two.out, one.out);
  EXPECT_EQ(three.out, one.out);  // one process has nothing to do
  EXPECT_EQ(two.err, "");
}

TEST_F(Mpirun, ABadItemEndsTheRunWithOneLineAndWhatWasDoneStays) {
  const std::string items = write_items(300);
  ASSERT_EQ(run(embed(items, "one.npy")).code, 3);
  expect_failure(run_processes(3, embed(items, "v.npy", {})), 1, "e5v: process 0: [" + items + ":51] is not JSON");
  expect_failure(run(embed(items, "v.npy")), 1, "--resume goes on with it");
  const Outcome rest = run_processes(2, embed(items, "v.npy", {"--skip-bad", "--resume"}));
  EXPECT_EQ(rest.code, 3);
  EXPECT_THAT(rest.err, HasSubstr("were done before, 3 left out"));
  EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("one.npy")));
  const Outcome again = run_processes(2, embed(items, "v.npy", {"--resume"}));
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.err, HasSubstr("is complete already, with the same model, options and 300 items; 3 were"));
  EXPECT_EQ(lines_of(again.err).size(), 1);
}

TEST_F(Mpirun, AFinishedOutputGoesOnWithWhatWasAppended) {
  const std::string items = write_items(100);
  ASSERT_EQ(run_processes(2, embed(items, "v.npy")).code, 3);
  std::ofstream(items, std::ios::app) << "{\"text\": \"appended\", \"id\": \"last\"}\n";
  const Outcome more = run_processes(3, embed(items, "v.npy", {"--skip-bad", "--resume"}));
  EXPECT_EQ(more.code, 3);
  EXPECT_THAT(more.err, HasSubstr("1 item in"));
  EXPECT_EQ(lines_of(content_of(path("v.npy.ids.txt"))).back(), "last");
  EXPECT_EQ(fs::file_size(path("v.npy")), 128 + 100U * 128 * sizeof(float));
  expect_failure(run_processes(2, embed(items, "v.npy", {"--resume", "--prompt", "sts"})), 1, "the prompt was");
}

TEST_F(Mpirun, AKilledRankEndsTheRunAndAnyNumberOfRanksGoesOn) {
  const std::string items = write_items(900);
  ASSERT_EQ(run(embed(items, "one.jsonl")).code, 3);
  const std::vector<std::string> resumed = embed(items, "v.jsonl", {"--skip-bad", "--resume"});
  for (const int process : {1, 0}) {
    Process mpirun = start_processes({{3, resumed}});
    wait_for_journal("v.jsonl", process == 1 ? 1500 : 5000);
    const pid_t other = process_of(mpirun, 2);
    ASSERT_GT(other, 1);
    signal_process(mpirun, process, SIGKILL);
    EXPECT_NE(mpirun.wait().code, 0);
    EXPECT_TRUE(ends(other)) << "a process has outlived the run";
  }
  EXPECT_FALSE(fs::exists(path("v.jsonl")));
  expect_failure(run_processes(2, embed(items, "v.jsonl")), 1, "--resume goes on with it, --force starts over");
  const Outcome last = run_processes(2, resumed);
  EXPECT_EQ(last.code, 3);
  EXPECT_THAT(last.err, HasSubstr("were done before"));
  EXPECT_TRUE(content_of(path("v.jsonl")) == content_of(path("one.jsonl")));
}

TEST_F(Mpirun, ASignalEndsTheRunAtABatch) {
  const std::string items = write_items(900);
  Process mpirun = start_processes({{2, embed(items, "v.npy")}});
  wait_for_journal("v.npy", 1500);
  signal_process(mpirun, 0, SIGTERM);
  const Outcome outcome = mpirun.wait();
  EXPECT_EQ(outcome.code, 143);
  EXPECT_THAT(lines_of(outcome.err).back(),
              testing::MatchesRegex("e5v: interrupted after [0-9]+ items; continue with --resume"));
  ASSERT_EQ(run(embed(items, "one.npy")).code, 3);
  EXPECT_EQ(run(embed(items, "v.npy", {"--skip-bad", "--resume"})).code, 3);
  EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("one.npy")));
}

TEST_F(Mpirun, WhatOneRankSeesOtherwiseIsNotMixed) {
  const std::string good = content_of(golden("images/img00_rgb_640x480.jpg"));
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    lines += i == 40 ? "{\"image\": \"a.jpg\"}\n" : "{\"text\": \"line " + std::to_string(i) + "\"}\n";
  }
  std::vector<std::string> items;
  for (const char* name : {"here", "there"}) {
    fs::create_directory(folder.path() / name);
    folder.write(std::string(name) + "/a.jpg", name == std::string("here") ? good : good.substr(0, 2000));
    items.push_back(folder.write(std::string(name) + "/items.jsonl", lines).string());
  }
  const std::string other = folder.write("here/other.jsonl", lines + lines).string();
  const std::string changed = folder.write("here/changed.jsonl", std::string(lines).replace(10, 4, "word")).string();
  // The broken image is process 1's alone.
  expect_failure(start_processes({{1, embed(items[0], "a.npy", {})}, {1, embed(items[1], "a.npy", {})}}).wait(), 1,
                 "e5v: process 1: [" + items[1] + ":41] ");
  expect_failure(start_processes({{1, embed(items[0], "b.npy")}, {1, embed(items[1], "b.npy")}}).wait(), 1,
                 "process 1 and process 0 found other items in the input");
  for (const std::string& file : {other, changed}) {
    expect_failure(
        start_processes({{1, embed(items[0], "c.npy", {"--force"})}, {1, embed(file, "c.npy", {"--force"})}}).wait(), 1,
        "process 1 and process 0 found other items in the input");
  }
  EXPECT_FALSE(fs::exists(path("a.npy")));
  EXPECT_FALSE(fs::exists(path("b.npy")));
  EXPECT_FALSE(fs::exists(path("c.npy")));
  std::vector<std::string> model = embed(items[0], "d.npy");
  model[2] = golden("ckpt/tiny-small-bf16-2shard").string();
  expect_failure(start_processes({{1, embed(items[0], "d.npy")}, {1, model}}).wait(), 1,
                 "e5v: process 1: [model] the vectors of this process would differ from those of process 0");
}

TEST_F(Mpirun, FailuresOfAllRanksAreToldOnce) {
  const std::string items = write_items(10);
  expect_failure(run_processes(3, embed(path("none.jsonl"), "v.npy")), 1, "e5v: process 0: [" + path("none.jsonl"));
  expect_failure(run_processes(3, embed(items, "none/v.npy")), 1, "no such folder");
  std::vector<std::string> model = embed(items, "v.npy");
  model[2] = path("nowhere");
  expect_failure(run_processes(3, model), 1, "no such model folder");
  expect_failure(run_processes(2, {"embed", "--modle", "x"}), 2, "--modle is unknown");
  expect_failure(run_processes(2, {"info", "--model", model_folder()}), 2,
                 "info runs as one process, but 2 were started");
  expect_failure(run_processes(2, with_model("embed", {"--input", "-"}), items), 1,
                 "[stdin] every process reads the input");
  expect_failure(run_processes(2, embed(folder.write("empty.jsonl", "").string(), "v.npy")), 1, "holds no items");
  EXPECT_FALSE(fs::exists(path("v.npy")));
}

TEST_F(Mpirun, OneProcessOfMpirunIsAProcessAlone) {
  const std::vector<std::string> arguments = with_model("embed", {"--text", "a"});
  EXPECT_EQ(run_processes(1, arguments).out, run(arguments).out);
  EXPECT_EQ(run_processes(1, {"--version"}).out, run({"--version"}).out);
}

}  // namespace
}  // namespace e5v::test
