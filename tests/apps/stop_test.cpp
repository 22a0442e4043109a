// Whatever a command waits for or computes, the first signal ends it soon; and what must not be waited for is refused.
#include <sys/stat.h>

#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

/// A FIFO that is open for writing, or that nobody writes.
class Fifo {
 public:
  enum class Writer { present, absent };
  Fifo(fs::path path, Writer writer) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("no FIFO can be made");
    // A child that had it, too, would keep it open.
    if (writer == Writer::present) descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() { close(); }

  const fs::path& path() const { return path_; }
  void write(const std::string& text) const {
    ASSERT_EQ(::write(descriptor_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  fs::path path_;
  int descriptor_ = -1;
};

class Stop : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  Fifo fifo(const std::string& name, Fifo::Writer writer = Fifo::Writer::absent) const {
    return Fifo(path(name), writer);
  }

  /// Sends each signal to a process of its own after each of the times.
  void expect_end(const std::vector<std::string>& arguments, const std::vector<std::chrono::milliseconds>& times,
                  const fs::path& input = "/dev/null") const {
    for (const auto& [number, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
      for (const auto time : times) {
        SCOPED_TRACE(testing::PrintToString(arguments) + " " + std::to_string(time.count()) + " ms");
        Process process(arguments, input);
        ASSERT_FALSE(process.ends_within(time)) << "it is to be interrupted";
        process.send(number);
        EXPECT_TRUE(process.ends_within(kSoon));
        const Outcome outcome = process.wait();
        EXPECT_TRUE(outcome.code == code || outcome.signal == number) << outcome.code;  // the latter before main()
      }
    }
  }

  /// A second that is waited for, and what a loaded machine needs.
  static constexpr std::chrono::milliseconds kSoon{4000};
  TemporaryFolder folder;
};

TEST_F(Stop, FilesThatAreReadWholeAreNotWaitedFor) {
  const Fifo image = fifo("a.jpg"), pairs = fifo("pairs.csv"), suite = fifo("suite.json"), config = fifo("c.json"),
             vectors = fifo("v.npy");
  const std::string items = folder.write("items.jsonl", "{\"image\": \"a.jpg\"}\n").string();
  fs::create_directory(path("model"));
  fs::create_symlink(fs::path(model_folder()) / "model.safetensors", path("model/model.safetensors"));
  const Fifo model = fifo("model/config.json");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {with_model("embed", {"--image", image.path()}), "a.jpg] is a FIFO, expected a regular file"},
      {with_model("embed", {"--input", items}), "a.jpg] is a FIFO"},
      {with_model("similarity", {"--image", image.path()}), "a.jpg] is a FIFO"},
      {with_model("embed", {"--image", "/dev/zero"}), "/dev/zero] is a character device"},
      {{"info", "--model", path("model")}, "config.json] is a FIFO"},
      {with_model("train", {"--pairs", pairs.path(), "--output", path("run")}), "pairs.csv] is a FIFO"},
      {{"eval", "all", "--model", model_folder(), "--suite", suite.path()}, "suite.json] is a FIFO"},
      {{"eval", "pairs", "--model", model_folder(), "--pairs", pairs.path()}, "pairs.csv] is a FIFO"},
      {{"synth", "--config", config.path(), "--output", path("random")}, "c.json] is a FIFO"},
      {with_model("embed", {"--text", "a", "--output", vectors.path(), "--force"}), "v.npy] is a FIFO"},
  };
  for (const auto& [arguments, part] : cases) {
    SCOPED_TRACE(part);
    Process process(arguments);
    ASSERT_TRUE(process.ends_within(20s)) << "it waits";
    expect_failure(process.wait(), 1, part);
  }
}

TEST_F(Stop, EveryWaitForItemsEndsAtASignal) {
  const Fifo silent = fifo("silent", Fifo::Writer::present), unopened = fifo("unopened");
  expect_end(with_model("embed", {"--input", "-"}), {20ms, 1000ms}, silent.path());
  expect_end(with_model("embed", {"--input", unopened.path()}), {20ms, 1000ms});
  expect_end(with_model("embed", {"--input", silent.path(), "--output", path("v.npy")}), {1000ms});
  expect_end(
      {"quantize", "--model", model_folder(), "--output", path("q"), "--format", "int8", "--check", unopened.path()},
      {20ms, 500ms});
  EXPECT_FALSE(fs::exists(path("v.npy")));
  EXPECT_FALSE(fs::exists(path("q")));
}

TEST_F(Stop, AWriteThatNobodyReadsEndsAtASignal) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "{\"text\": \"" + std::to_string(i) + "\"}\n";
  const std::string items = folder.write("items.jsonl", lines).string();
  const Fifo full = fifo("full", Fifo::Writer::present);
  const std::string script = "exec \"$0\" embed --model \"$1\" --threads 1 --input \"$2\" > \"$3\"";
  Process process({"-c", script, E5V_PROGRAM, model_folder(), items, full.path()}, "/dev/null", "/bin/sh");
  ASSERT_FALSE(process.ends_within(3s)) << "the FIFO holds less than the vectors";
  process.send(SIGTERM);
  EXPECT_TRUE(process.ends_within(kSoon));
  EXPECT_EQ(process.wait().code, 143);
}

TEST_F(Stop, TheFirstSignalEndsEveryCommandAtAnyMoment) {
  const std::string large = path("large");
  ASSERT_EQ(run({"synth", "--config", "tiny", "--layers", "400", "--output", large}).code, 0);
  std::string pairs = "sent0,sent1\n", items;
  for (int i = 0; i < 400; ++i) {
    pairs += "a " + std::to_string(i) + ",b " + std::to_string(i) + "\n";
    items += "{\"text\": \"" + std::string(200, 'x') + std::to_string(i) + "\"}\n";
  }
  folder.write("pairs.csv", pairs);
  folder.write("items.jsonl", items);
  const std::vector<std::vector<std::string>> commands{
      {"embed", "--model", large, "--input", path("items.jsonl"), "--output", path("v.npy"), "--force"},
      {"similarity", "--model", large, "--text", std::string(3000, 'x'), "--text", std::string(3000, 'y')},
      {"quantize", "--model", large, "--format", "int4", "--output", path("q"), "--force"},
      {"train", "--model", large, "--pairs", path("pairs.csv"), "--batch", "200", "--micro-batch", "100", "--output",
       path("run"), "--force"},
      {"synth", "--config", "e5-v", "--layers", "1", "--output", path("s")},
  };
  for (const std::vector<std::string>& command : commands) expect_end(command, {5ms, 100ms, 500ms});
  for (const char* made :
       {"v.npy", "q/model.safetensors", "q/model.safetensors.tmp", "q/config.json", "s", "s.partial"})
    EXPECT_FALSE(fs::exists(path(made))) << made;
}

TEST_F(Stop, AnInterruptedCommandLeavesTheCheckpointBefore) {
  const std::string large = path("large");
  ASSERT_EQ(run({"synth", "--config", "tiny", "--layers", "4", "--output", path("old")}).code, 0);
  const std::string before = content_of(path("old/model.safetensors"));
  ASSERT_EQ(run({"synth", "--config", "tiny", "--layers", "400", "--output", large}).code, 0);
  Process process({"quantize", "--model", large, "--format", "int8", "--output", path("old"), "--force"});
  ASSERT_FALSE(process.ends_within(200ms));
  process.send(SIGTERM);
  EXPECT_EQ(process.wait().code, 143);
  EXPECT_TRUE(content_of(path("old/model.safetensors")) == before);
  EXPECT_EQ(run({"info", "--model", path("old")}).code, 0);
}

TEST_F(Stop, WhoeverWritesAnItemGetsItsVector) {
  for (const std::string& name : {std::string("-"), path("items")}) {
    Fifo items = fifo("items", Fifo::Writer::present);
    Process process(with_model("embed", {"--input", name}), name == "-" ? items.path() : fs::path("/dev/null"));
    for (std::size_t count = 1; count <= 3; ++count) {
      items.write("{\"text\": \"number " + std::to_string(count) + "\"}\n");
      for (int i = 0; i < 2000 && lines_of(process.out_so_far()).size() < count; ++i) std::this_thread::sleep_for(5ms);
      ASSERT_EQ(lines_of(process.out_so_far()).size(), count);
    }
    items.close();
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(lines_of(outcome.out).size(), 3);
    fs::remove(items.path());
  }
}

TEST_F(Stop, NumbersOfThreadsThatCannotBeAreLeftOut) {
  const Outcome plain = run(with_model("embed", {"--text", "a"}));
  for (const char* count : {"1000000", "99999999999", "0", "-1", "many", "2,1000000"}) {
    for (const char* policy : {static_cast<const char*>(nullptr), "passive"}) {
      SCOPED_TRACE(fmt::format("{} {}", count, policy == nullptr ? "" : policy));
      const Variable threads("OMP_NUM_THREADS", count), wait("OMP_WAIT_POLICY", policy);
      const Outcome outcome = run({"embed", "--model", model_folder(), "--text", "a"});
      EXPECT_EQ(outcome.code, 0) << outcome.signal;
      EXPECT_EQ(outcome.out, plain.out);
      EXPECT_THAT(outcome.err, HasSubstr("warning: OMP_NUM_THREADS is \"" + std::string(count) +
                                         "\", expected a number from 1 to 1024: one thread per core is used\n"));
    }
  }
  ::setenv("OMP_NUM_THREADS", "2", 1);
  EXPECT_EQ(run({"embed", "--model", model_folder(), "--text", "a"}).err, "");
  ::unsetenv("OMP_NUM_THREADS");
}

}  // namespace
}  // namespace e5v::test
