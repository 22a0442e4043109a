// Every class of wrong usage and of bad input: exit code, one line on stderr, nothing on stdout.
#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::vector<std::string> arguments;
  std::string part;
};

TEST(Usage, PathsThatCannotBeAreNamed) {
  const std::string name(300, 'm');
  expect_failure(run({"embed", "--model", name, "--text", "a"}), 1, name + "] File name too long");
}

TEST(Usage, AReaderOfMessagesMayGo) {
  const TemporaryFolder folder;
  const fs::path code = folder.path() / "code";
  Process(
      {"-c", "{ sleep 0.2; \"$0\" info --model /nowhere; echo $? > \"$1\"; } 2>&1 | true", E5V_PROGRAM, code.string()},
      "/dev/null", "/bin/sh")
      .wait();
  EXPECT_EQ(content_of(code), "1\n");
}

TEST(Usage, WrongUsageExitsWith2) {
  const Case cases[] = {
      {{"fly"}, "fly is unknown (see e5v --help)"},
      {{"--fly"}, "--fly is unknown"},
      {{"embed"}, "--model is required (see e5v embed --help)"},
      {{"embed", "--modle", "x"}, "--modle is unknown"},
      {{"embed", "--model", "x"}, "at least one of --text, --image and --input"},
      {{"embed", "--model", "x", "--text"}, "--text"},
      {{"embed", "--model", "x", "--text", "a", "b"}, "--text takes one TEXT, but b follows"},
      {{"embed", "--model", "x", "--text", "a", "--input", "b"}, "together"},
      {{"embed", "--model", "x", "--text", "a", "--output", "a.txt"}, ".npy, .jsonl or .safetensors, found a.txt"},
      {{"embed", "--model", "x", "--text", "a", "--prompt", "poem"}, "cirr-gallery"},
      {{"embed", "--model", "x", "--text", "a", "--dtype", "int3"}, "expected auto, f32, bf16 or fp8, found int3"},
      {{"embed", "--model", "x", "--text", "a", "--device", "gpu"},
       "there is no device gpu; there are auto, cpu, cuda"},
      {{"embed", "--model", "x", "--text", "a", "--threads", "0"}, "--threads"},
      {{"embed", "--model", "x", "--text", "a", "--threads", "two"},
       "--threads: expected a whole number from 1 to 1024, found two"},
      {{"embed", "--model", "x", "--text", "a", "--threads", "100000"}, "expected a whole number from 1 to 1024"},
      {{"doctor", "--threads", "1025"}, "--threads: expected a whole number from 1 to 1024, found 1025"},
      {{"embed", "--model", "x", "--text", "a", "--dtype", "f32", "--dtype", "f32"},
       "--dtype is given 2 times, expected once (see e5v embed --help)"},
      {{"embed", "--model", "x", "--text", "a", "--prompt", "<sent>, <sent>"}, "holds <sent> more than once"},
      {{"eval", "sts", "--fly"}, "--fly is unknown (see e5v eval sts --help)"},
      {{"eval", "sts", "--data", "x", "--model", "y", "--json", "z", "--html", "z"},
       "--json and --html: name the same file (see e5v eval sts --help)"},
      {{"eval", "all", "--suite", "x", "--json", "z", "--html", "z"}, "name the same file (see e5v eval all --help)"},
      {{"embed", "--model", "x", "--text", "a", "--max-tiles", "-1"}, "--max-tiles"},
      {{"embed", "--model", "x", "--text", "a", "--max-pixels", "99999999999999999999"}, "--max-pixels"},
      {{"embed", "--model", "x", "--text", "a", "--token-budget", "1.5"}, "--token-budget"},
      {{"embed", "--model", "x", "--text", "a", "--resume"}, "need --output"},
      {{"embed", "--model", "x", "--text", "a", "--output", "a.npy", "--resume", "--force"}, "excludes"},
      {{"similarity", "--model", "x"}, "at least one --text or --image"},
      {{"similarity", "--text", "a"}, "--model is required"},
      {{"info"}, "--model is required"},
      {{"synth", "--config", "tiny"}, "--output is required"},
      {{"tokenize", "--model", "x"}, "--text is required"},
      {{"doctor", "--text", "a"}, "--text is unknown"},
      {{"embed", "--model", "x", "--text", "a", "--adapter", ""},
       "--adapter: is empty, expected DIR; leave the option out if you do not want it (see e5v embed --help)"},
      {{"embed", "--model", "", "--text", "a"}, "--model: is empty, expected DIR"},
      {{"embed", "--model", "x", "--input", ""}, "--input: is empty, expected FILE"},
      {{"embed", "--model", "x", "--text", "a", "--output", ""}, "--output: is empty"},
      {{"embed", "--model", "x", "--text", "a", "--prompt", ""}, "--prompt"},
      {{"embed", "--model", "x", "--text", "a", "--device", ""}, "--device"},
      {{"embed", "--model", "x", "--image", ""}, "--image: is empty, expected FILE"},
      {{"embed", "--model", "x", "--adapter=", "--text", "a"}, "--adapter: is empty, expected DIR"},
      {{"info", "--model="}, "--model: is empty"},
      {{"info", "--model", ""}, "--model: is empty"},
      {{"doctor", "--model", ""}, "--model: is empty"},
      {{"tokenize", "--model", "", "--text", "a"}, "--model: is empty"},
      {{"similarity", "--model", "x", "--text", "a", "--adapter", ""}, "--adapter: is empty"},
      {{"quantize", "--model", "x", "--output", "y", "--format", "int8", "--check", ""}, "--check: is empty"},
      {{"merge", "--model", "x", "--adapter", "", "--output", "y"}, "--adapter: is empty"},
      {{"synth", "--config", "tiny", "--output", "x", "--tokenizer", ""}, "--tokenizer: is empty"},
      {{"train", "--model", "x", "--pairs", "p", "--output", "y", "--evaluate", ""}, "--evaluate: is empty"},
      {{"train", "--model", "x", "--pairs", "", "--output", "y"}, "--pairs: is empty"},
      {{"eval", "sts", "--model", "x", "--data", "y", "--store", ""}, "--store: is empty"},
      {{"eval", "all", "--suite", "x", "--html", ""}, "--html: is empty"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    expect_failure(run(c.arguments), 2, c.part);
  }
}

TEST(Usage, HelpAndVersionAreResults) {
  for (const char* command : {"embed", "similarity", "info", "tokenize", "doctor", "synth"}) {
    const Outcome outcome = run({command, "--help"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(outcome.out, testing::HasSubstr(std::string("Usage: e5v ") + command));
    EXPECT_THAT(outcome.out, testing::HasSubstr("Example"));
    for (const std::string& line : lines_of(outcome.out)) EXPECT_LE(line.size(), 80) << line;
    EXPECT_THAT(run({"--help"}).out, testing::HasSubstr(command));
  }
  EXPECT_THAT(run({"embed", "--help"}).out, testing::HasSubstr("fashioniq-gallery-toptee"));
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("e5v [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Usage, AnEmptyTextIsAnInput) {
  const Outcome outcome = run(with_model("embed", {"--text", "", "--text=", "--text", "--text="}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[0].substr(9), lines[1].substr(9));  // behind the id
  EXPECT_NE(lines[0].substr(9), lines[2].substr(9));
}

class Failure : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) const {
    return folder.write(name, content).string();
  }
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  /// A copy of the model without one of its files, or with another content of it.
  std::string model_with(const std::string& name, const std::string* content) const {
    const fs::path copy = folder.path() / ("model-" + std::to_string(++copies_));
    fs::copy(model_folder(), copy);
    fs::remove(copy / name);
    if (content != nullptr) std::ofstream(copy / name, std::ios::binary) << *content;
    return copy.string();
  }

  TemporaryFolder folder;
  mutable int copies_ = 0;
};

TEST_F(Failure, Files) {
  const std::string items = file("items.jsonl", "{\"text\": \"a\"}\n");
  const std::string empty = file("empty.jsonl", ""), blank = file("blank.jsonl", "\n \n");
  const std::string cut = file("cut.jpg", content_of(golden("images/img00_rgb_640x480.jpg")).substr(0, 2000));
  const Case cases[] = {
      {with_model("embed", {"--input", path("none.jsonl")}), "[" + path("none.jsonl") + "] cannot be opened"},
      {with_model("embed", {"--input", folder.path().string()}), "is a folder"},
      {with_model("embed", {"--input", empty}), "holds no items"},
      {with_model("embed", {"--input", blank, "--output", path("v.npy")}), "holds no items"},
      {with_model("embed", {"--input", "-"}), "[stdin] holds no items"},
      {with_model("embed", {"--input", items, "--output", path("none/v.npy")}), "no such folder"},
      {with_model("embed", {"--image", path("none.jpg")}), "[--image, item 1] [" + path("none.jpg") + "] no such file"},
      {with_model("embed", {"--text", "a", "--image", folder.path().string()}), "[--image, item 2]"},
      {with_model("embed", {"--image", file("empty.png", "")}), "empty"},
      {with_model("embed", {"--image", file("text.png", "hello")}), "text.png"},
      {with_model("embed", {"--image", cut}), "cut.jpg"},
      {with_model("embed", {"--image", golden("images/img00_rgb_640x480.jpg").string(), "--max-pixels", "1000"}),
       "at most 1000 pixels, found 640x480"},
      {with_model("embed", {"--text", "a <image>"}), "<image> stands in a text"},
      {with_model("embed", {"--text", "\xff"}), "UTF-8"},
      {with_model("embed", {"--text", "a", "--prompt", "image"}), "has no slot for a text"},
      {with_model("embed", {"--input", items, "--output", items, "--force"}), "items.jsonl] is the input"},
      {with_model("similarity", {"--text", "a", "--image", path("none.jpg")}),
       "[--image, item 2] [" + path("none.jpg") + "] no such file"},
      {with_model("tokenize", {"--text", "\xff"}), "UTF-8"},
      {with_model("tokenize", {"--text", "a", "--prompt", "image"}), "expected a slot <sent> for the text, found none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.arguments));
    expect_failure(run(c.arguments), 1, c.part);
  }
  EXPECT_EQ(content_of(items), "{\"text\": \"a\"}\n");
  EXPECT_FALSE(fs::exists(path("v.npy")));
  EXPECT_FALSE(fs::exists(path("v.npy.partial.journal")));
}

TEST_F(Failure, TextsBeyondTheContext) {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += "word ";
  const std::string items = file("long.jsonl", "{\"text\": \"" + text + "\"}\n");
  expect_failure(run(with_model("embed", {"--input", items})), 1, "long.jsonl:1] [input]");
  EXPECT_EQ(run(with_model("embed", {"--input", items, "--truncate"})).code, 0);
}

TEST_F(Failure, AFolderOfTheHubsCacheIsAModel) {
  const fs::path cache = folder.path() / "models--org--name", snapshots = cache / "snapshots";
  for (const char* commit : {"a", "b"}) {
    fs::create_directories(snapshots / commit);
    fs::copy(model_folder(), snapshots / commit);
  }
  fs::create_directories(cache / "refs");
  const Outcome plain = run({"embed", "--model", model_folder(), "--text", "a"});
  expect_failure(run({"embed", "--model", cache.string(), "--text", "a"}), 1, "2 snapshots, none of which is that of");
  file("models--org--name/refs/main", "b");
  for (const char* command : {"embed", "similarity", "tokenize"}) {
    const Outcome found = run({command, "--model", cache.string(), "--text", "a"});
    EXPECT_EQ(found.out, run({command, "--model", model_folder(), "--text", "a"}).out);
    EXPECT_EQ(found.code, 0) << found.err;
  }
  EXPECT_THAT(run({"info", "--model", cache.string()}).out, testing::HasSubstr((snapshots / "b").string()));
  EXPECT_EQ(run({"doctor", "--model", cache.string()}).code, 0);
  EXPECT_EQ(run({"quantize", "--model", cache.string(), "--format", "nf4", "--output", path("nf4")}).code, 0);
  EXPECT_EQ(run({"merge", "--model", cache.string(), "--adapter", golden("train/adapter_20step").string(), "--output",
                 path("merged")})
                .code,
            0);
}

TEST_F(Failure, Models) {
  const std::string config = content_of(fs::path(model_folder()) / "config.json");
  const std::string weights = content_of(fs::path(model_folder()) / "model.safetensors");
  const std::string junk = "{\"broken", unknown = "{\"model_type\": \"t5\"}",
                    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
                    short_weights = weights.substr(0, 100000);
  std::string wider = config;
  wider.replace(wider.find("\"hidden_size\": 128"), 18, "\"hidden_size\": 256");
  std::string nan = weights;
  for (std::size_t i = nan.size() / 2; i < nan.size() / 2 + 400000; ++i) nan[i] = '\xff';
  const std::pair<std::string, std::string> cases[] = {
      {path("nowhere"), "no such model folder"},
      {file("file", "x"), "is no folder"},
      {model_with("config.json", nullptr), "config.json] no such file; a model is a folder with config.json"},
      {model_with("config.json", &junk), "is not JSON"},
      {model_with("config.json", &unknown), "t5"},
      {model_with("config.json", &wider), "[2368, 256]"},
      {model_with("model.safetensors", nullptr), "found no weights"},
      {model_with("model.safetensors", &short_weights), "model.safetensors"},
      {model_with("model.safetensors", &nan), "NaN"},
      {model_with("tokenizer.json", nullptr), "tokenizer.json"},
      {model_with("tokenizer.json", &junk), "tokenizer.json"},
      {model_with("preprocessor_config.json", &junk), "preprocessor_config.json"},
      {model_with("model.safetensors", &pointer), "model.safetensors] is a Git LFS pointer"},
      {model_with("config.json", &pointer), "config.json] is a Git LFS pointer"},
      {model_with("tokenizer.json", &pointer), "tokenizer.json] is a Git LFS pointer"},
      {model_with("preprocessor_config.json", &pointer), "preprocessor_config.json] is a Git LFS pointer"},
      {model_with("adapter_config.json", &junk), "holds an adapter (adapter_config.json) and a model"},
      {golden("train/adapter_20step").string(), "is the folder of an adapter (it holds adapter_config.json"},
  };
  for (const auto& [model, part] : cases) {
    SCOPED_TRACE(part);
    expect_failure(run({"embed", "--model", model, "--text", "a"}), 1, part);
    const Outcome doctor = run({"doctor", "--model", model});
    EXPECT_EQ(doctor.code, 1);
    EXPECT_EQ(doctor.err, "");
    EXPECT_THAT(doctor.out, testing::HasSubstr("\nFAIL "));
  }
}

}  // namespace
}  // namespace e5v::test
