// Interrupted runs go on where they stopped, and end with the bytes of an uninterrupted one.
#include <functional>
#include <map>
#include <random>

#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Resume : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  /// Different texts, with a bad line here and there.
  std::string write_items(int count, const std::string& name = "items.jsonl") const {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      const std::string text = "number " + std::to_string(i * 7919 % 100003);
      lines += i % 97 == 50 ? "bad " + text + "\n" : "{\"text\": \"" + text + "\", \"id\": \"" + text + "\"}\n";
    }
    return folder.write(name, lines).string();
  }

  /// Small batches, so that there is much to interrupt.
  std::vector<std::string> command(const std::string& items, const std::string& output,
                                   std::vector<std::string> more = {"--skip-bad"}) const {
    std::vector<std::string> arguments{"--input", items, "--output", path(output), "--token-budget", "200"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return with_model("embed", arguments);
  }
  std::vector<std::string> resumed(const std::string& items, const std::string& output) const {
    return command(items, output, {"--skip-bad", "--resume"});
  }

  /// Waits until the journal has grown to some size, or the time is up.
  void wait_for_journal(const std::string& output, std::uintmax_t bytes) const {
    const fs::path journal = path(output + ".partial.journal");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::error_code code;
    while (std::chrono::steady_clock::now() < end) {
      const std::uintmax_t size = fs::file_size(journal, code);
      if (!code && size >= bytes) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << "the journal of " << output << " does not grow";
  }

  std::size_t count_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
  }

  TemporaryFolder folder;
};

TEST_F(Resume, KilledAtRandomPointsEndsWithTheSameBytes) {
  const std::string items = write_items(700);
  std::mt19937 random(7);
  for (const std::string ending : {".npy", ".jsonl", ".safetensors"}) {
    const std::string whole = "whole" + ending, torn = "torn" + ending;
    ASSERT_EQ(run(command(items, whole)).code, 3);
    int interrupted = 0;
    for (std::uintmax_t size = 1000; size <= 13000; size += 4000) {
      Process process(resumed(items, torn));
      wait_for_journal(torn, size);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
      process.send(SIGKILL);
      interrupted += process.wait().signal == SIGKILL ? 1 : 0;
    }
    EXPECT_GE(interrupted, 3);
    EXPECT_FALSE(fs::exists(path(torn)));
    const Outcome last = run(resumed(items, torn));
    EXPECT_EQ(last.code, 3);
    EXPECT_THAT(last.err, HasSubstr("were done before"));
    EXPECT_THAT(last.err, HasSubstr("7 left out"));
    EXPECT_TRUE(content_of(path(torn)) == content_of(path(whole))) << ending;
    if (ending == ".npy") {
      EXPECT_EQ(content_of(path(torn + ".ids.txt")), content_of(path(whole + ".ids.txt")));
    }
  }
  // The items, the outputs, two files of ids, four of origins, and no remains.
  EXPECT_EQ(count_files(), 1 + 3 * 2 + 2 + 4);
}

TEST_F(Resume, ASignalEndsTheRunAtABatch) {
  const std::string items = write_items(700);
  ASSERT_EQ(run(command(items, "whole.npy")).code, 3);
  for (const auto& [number, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    Process process(resumed(items, "v.npy"));
    wait_for_journal("v.npy", number == SIGINT ? 2000 : 7000);
    process.send(number);
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines_of(outcome.err).back(),
                testing::MatchesRegex("e5v: interrupted after [0-9]+ items; continue with --resume"));
  }
  expect_failure(run(command(items, "v.npy")), 1, "--resume goes on with it, --force starts over");
  EXPECT_EQ(run(resumed(items, "v.npy")).code, 3);
  EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("whole.npy")));
  const Outcome again = run(resumed(items, "v.npy"));
  EXPECT_EQ(again.code, 3);  // as the run that made it: 7 items have no row
  EXPECT_THAT(again.err, HasSubstr("is complete already, with the same model, options and 700 items; 7 were"));
}

TEST_F(Resume, AnErrorEndsTheWaitForInput) {
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR);  // keeps it open
  std::string items = "this is no JSON\n";
  for (int i = 0; i < 8; ++i) items += "{\"text\": \"" + std::string(20, static_cast<char>('a' + i)) + "\"}\n";
  Process process(with_model("embed", {"--input", "-", "--token-budget", "32"}), pipe);  // a batch is full at once
  ASSERT_EQ(::write(writer, items.data(), items.size()), static_cast<ssize_t>(items.size()));
  const Outcome outcome = process.wait();
  ::close(writer);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("1] is not JSON"));
}

TEST_F(Resume, ASignalEndsTheWaitForInput) {
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR);  // keeps it open, and never writes
  Process process(with_model("embed", {"--input", "-"}), pipe);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  ::close(writer);
  EXPECT_EQ(outcome.code, 130);
  EXPECT_THAT(outcome.err, testing::AnyOf("e5v: interrupted after 0 items\n", ""));  // nothing while the model loads
}

class Stopped : public Resume {
 protected:
  void SetUp() override {
    items = write_items(200);
    ASSERT_EQ(run(command(items, "whole.npy")).code, 3);
    Process process(command(items, "v.npy"));
    wait_for_journal("v.npy", 2500);
    process.send(SIGTERM);
    ASSERT_EQ(process.wait().code, 143);
    for (const auto& entry : fs::directory_iterator(folder.path()))
      remains.emplace(entry.path(), content_of(entry.path()));
  }

  std::vector<std::string> with_options(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = resumed(items, "v.npy");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  std::string items;
  std::map<fs::path, std::string> remains;
};

TEST_F(Stopped, AnotherRunIsRefused) {
  expect_failure(run(with_options({"--prompt", "sts"})), 1, "the prompt was \"\", now it is \"sts\"");
  expect_failure(run(with_options({"--no-normalize"})), 1, "the arithmetic");
  expect_failure(run(with_options({"--dtype", "bf16"})), 1, "the arithmetic");
  expect_failure(run(with_options({"--max-tiles", "1"})), 1, "the preprocessing");
  expect_failure(run(with_options({"--alpha", "drop"})), 1, "the options max-tiles, alpha");
  std::vector<std::string> other_model = resumed(items, "v.npy");
  other_model[2] = golden("ckpt/tiny-small-bf16-2shard").string();
  expect_failure(run(other_model), 1, "cannot be resumed");
  std::string lines = content_of(items);
  lines[20] = '9';
  std::ofstream(items) << lines;
  expect_failure(run(resumed(items, "v.npy")), 1, "are not what they were");
  std::ofstream(items) << "{\"text\": \"a\"}\n";
  expect_failure(run(resumed(items, "v.npy")), 1, "the input has 1 items");
  for (const auto& [file, content] : remains) {
    EXPECT_TRUE(file == items || content_of(file) == content) << file;
  }
  write_items(200);
  EXPECT_EQ(run(resumed(items, "v.npy")).code, 3);
  EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("whole.npy")));
}

TEST_F(Stopped, WhatIsTornIsCutOff) {
  const fs::path journal = path("v.npy.partial.journal"), rows = path("v.npy.partial"), ids = path("v.npy.partial.ids");
  const std::string log = remains.at(journal), last_line = lines_of(log).back();
  const std::function<void()> damages[] = {
      [&] { std::ofstream(journal, std::ios::app) << last_line.substr(0, last_line.size() / 2); },
      [&] { fs::resize_file(journal, log.size() - 10); },
      [&] { std::ofstream(journal, std::ios::app) << std::string(100, '\0'); },
      [&] { fs::resize_file(rows, remains.at(rows).size() - 10); },
      [&] { fs::resize_file(ids, remains.at(ids).size() / 2); },
      [&] { std::ofstream(rows, std::ios::app) << "half a row"; },
      [&] { std::fstream(rows, std::ios::in | std::ios::out).seekp(700) << "zeros"; },
      [&] { fs::remove(rows); },
      [&] { std::ofstream(journal) << ""; },
  };
  int number = 0;
  for (const auto& damage : damages) {
    SCOPED_TRACE(number++);
    for (const auto& [file, content] : remains) std::ofstream(file, std::ios::binary) << content;
    for (const char* made : {"v.npy", "v.npy.ids.txt", "v.npy.origin.json"}) fs::remove(path(made));
    damage();
    EXPECT_EQ(run(resumed(items, "v.npy")).code, 3);
    EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("whole.npy")));
    EXPECT_EQ(content_of(path("v.npy.ids.txt")), content_of(path("whole.npy.ids.txt")));
  }
}

TEST_F(Stopped, TheBadItemMayBeMended) {
  // Without --skip-bad the run stops at the first bad line; mended, it goes on with what was done.
  expect_failure(run(command(items, "n.npy", {})), 1, "items.jsonl:51] is not JSON");
  std::string lines = content_of(items);
  for (std::size_t at = lines.find("bad"); at != std::string::npos; at = lines.find("bad")) {
    lines.replace(at, lines.find('\n', at) - at, "{\"text\": \"mended\"}");
  }
  std::ofstream(items) << lines;
  ASSERT_EQ(run(command(items, "all.npy", {})).code, 0);
  const Outcome outcome = run(command(items, "n.npy", {"--resume"}));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("were done before"));
  EXPECT_TRUE(content_of(path("n.npy")) == content_of(path("all.npy")));
}

TEST_F(Stopped, ForceStartsOver) {
  EXPECT_EQ(run(command(items, "v.npy", {"--skip-bad", "--force"})).code, 3);
  EXPECT_TRUE(content_of(path("v.npy")) == content_of(path("whole.npy")));
  EXPECT_FALSE(fs::exists(path("v.npy.partial.journal")));
}

/// Three texts that are embedded, and more of them later.
class Grown : public Resume {
 protected:
  void SetUp() override { write({"a", "b", "c"}); }

  void write(const std::vector<std::string>& texts) const {
    std::string lines;
    for (const std::string& text : texts) lines += "{\"text\": \"" + text + "\", \"id\": \"" + text + "\"}\n";
    folder.write("items.jsonl", lines);
  }
  Outcome embed(const std::string& output, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--input", path("items.jsonl"), "--output", path(output), "--token-budget", "1"});
    return run(with_model("embed", more));
  }
  void expect_refused(const Outcome& outcome, const std::string& part) const {
    expect_failure(outcome, 1, part);
    EXPECT_FALSE(fs::exists(path("v.npy.partial.journal")));
  }
};

TEST_F(Grown, AFinishedOutputGoesOnWithWhatWasAppended) {
  for (const std::string ending : {".npy", ".jsonl", ".safetensors"}) {
    SetUp();
    const std::string output = "v" + ending;
    ASSERT_EQ(embed(output).code, 0);
    const Outcome same = embed(output, {"--resume"});
    EXPECT_EQ(same.code, 0);
    EXPECT_THAT(same.err, HasSubstr("is complete already, with the same model, options and 3 items\n"));
    write({"a", "b", "c", "d", "e"});
    const Outcome more = embed(output, {"--resume"});
    EXPECT_EQ(more.code, 0);
    EXPECT_THAT(more.err, HasSubstr("2 items in"));
    EXPECT_THAT(more.err, HasSubstr("3 were done before"));
    ASSERT_EQ(embed("whole" + ending).code, 0);
    EXPECT_TRUE(content_of(path(output)) == content_of(path("whole" + ending))) << ending;
    if (ending == ".npy") {
      EXPECT_EQ(content_of(path("v.npy.ids.txt")), "a\nb\nc\nd\ne\n");
    }
  }
}

TEST_F(Grown, AFinishedOutputOfOtherItemsModelOrOptionsIsRefused) {
  ASSERT_EQ(embed("v.npy").code, 0);
  const std::string before = content_of(path("v.npy"));
  write({"a", "x", "c", "d"});
  expect_refused(embed("v.npy", {"--resume"}), "the first 3 items of the input, up to here, are not what they were");
  write({"a", "b"});
  expect_refused(embed("v.npy", {"--resume"}), "the input has 2 items, 3 were done before");
  write({"a", "b", "c", "d"});
  expect_refused(embed("v.npy", {"--resume", "--prompt", "sts"}), "the prompt was \"\", now it is \"sts\"");
  expect_refused(embed("v.npy", {"--resume", "--no-normalize"}), "the arithmetic");
  expect_refused(run({"embed", "--model", golden("ckpt/tiny-small-bf16-2shard").string(), "--input",
                      path("items.jsonl"), "--output", path("v.npy"), "--resume", "--dtype", "f32"}),
                 "the model's weights was");
  EXPECT_TRUE(content_of(path("v.npy")) == before);
}

TEST_F(Grown, AnOutputOfUnknownOriginMustHaveARowForEachItem) {
  ASSERT_EQ(embed("v.npy").code, 0);
  fs::remove(path("v.npy.origin.json"));  // as older programs leave it
  const Outcome same = embed("v.npy", {"--resume"});
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.err, HasSubstr("model, options and items were not compared"));
  write({"a", "b", "c", "d"});
  expect_refused(embed("v.npy", {"--resume"}),
                 "v.npy] has 3 rows, but the input has 4 items, and it has no record of its origin");
}

TEST_F(Grown, FilesOfStrangersBesideTheOutputStay) {
  const fs::path ids = folder.write("v.npy.ids.txt", "mine");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume"}})
    expect_refused(embed("v.npy", more), "v.npy.ids.txt] exists already, without v.npy; --force replaces it");
  EXPECT_EQ(content_of(ids), "mine");
  EXPECT_EQ(embed("v.npy", {"--force"}).code, 0);
  EXPECT_EQ(content_of(ids), "a\nb\nc\n");
}

TEST_F(Resume, TwoProcessesCannotWriteTheSameOutput) {
  const std::string items = write_items(2000);
  Process first(command(items, "v.npy"));
  wait_for_journal("v.npy", 1000);
  expect_failure(run(resumed(items, "v.npy")), 1, "another process is writing this output");
  first.send(SIGKILL);
}

TEST_F(Resume, MemoryDoesNotGrowWithTheInput) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory";
#endif
  // Few different texts: identical ones are computed once, so that this takes seconds.
  const auto peak = [&](int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += "{\"text\": \"line " + std::to_string(i % 7) + "\"}\n";
    const std::string items = folder.write("many.jsonl", lines).string();
    const Outcome outcome = run(with_model("embed", {"--input", items, "--output", path("many.npy"), "--force"}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return static_cast<double>(outcome.peak_kib);
  };
  const double few = peak(200), many = peak(20000);
  RecordProperty("few_kib", static_cast<int>(few));
  RecordProperty("many_kib", static_cast<int>(many));
  EXPECT_LT(many, 1.2 * few);
}

}  // namespace
}  // namespace e5v::test
