// e5v similarity, info, tokenize and doctor.
#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Similarity, TableIsAligned) {
  const Outcome outcome =
      run(with_model("similarity", {"--text", "a cat", "--image", golden("images/img18_dark_90x60.png"), "--text",
                                    "日本語のとても長いテキスト、切り取られるはずです。もっと長く"}));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 4);
  EXPECT_THAT(lines[1], testing::StartsWith("1 a cat "));
  EXPECT_THAT(lines[1], HasSubstr("  1.0000"));
  EXPECT_THAT(lines[2], testing::StartsWith("2 img18_dark_90x60.png "));
  EXPECT_THAT(lines[3], HasSubstr("…"));
  EXPECT_EQ(lines[0].size(), lines[1].size());
  EXPECT_EQ(lines[1].size(), lines[2].size());
}

TEST(Similarity, JsonIsSymmetricWithOnesOnTheDiagonal) {
  const Outcome outcome =
      run(with_model("similarity", {"--json", "--text", "a", "--text", "b \xF0\x9F\x90\x88", "--text", "c"}));
  EXPECT_EQ(outcome.code, 0);
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json.at("items"), Json::parse(R"([{"text": "a"}, {"text": "b 🐈"}, {"text": "c"}])"));
  const Json& matrix = json.at("similarity");
  ASSERT_EQ(matrix.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(matrix[i][i].get<double>(), 1, 1e-6);
    for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(matrix[i][j], matrix[j][i]);
  }
  EXPECT_EQ(json.at("fingerprint").get<std::string>().size(), 32);
}

TEST(Info, ForReadingAndForPrograms) {
  const Outcome outcome = run(with_model("info", {}));
  EXPECT_EQ(outcome.code, 0);
  for (const char* part :
       {"LLaVA-NeXT over Llama", "4 layers, width 128, 8 heads (2 kv) of 16, MLP 352", "transformers <= 4.51",
        "f32, because the weights are stored as f32", "llama3", "8192 tokens", "predicted"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  const Json json = Json::parse(run(with_model("info", {"--json", "--dtype", "bf16"})).out);
  EXPECT_EQ(json.at("width"), 128);
  EXPECT_EQ(json.at("vision_tower").at("most_tokens"), 2928);
  EXPECT_EQ(json.at("compute").at("dtype"), "bf16");
  EXPECT_THAT(json.at("compute").at("reason").get<std::string>(), testing::StartsWith("as asked for"));
  const Json& memory = json.at("memory");
  EXPECT_EQ(memory.at("total"), memory.at("mapped").get<int>() + memory.at("copied").get<int>() +
                                    memory.at("activations").get<int>() + memory.at("scratch").get<int>() +
                                    memory.at("images").get<int>() + memory.at("base").get<int>());
  EXPECT_THAT(run({"info", "--model", golden("ckpt/tiny-small-bf16-2shard")}).out, HasSubstr("in 2 files"));
}

/// An environment variable while it lives; the program inherits it.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

// oneDNN's variable limits oneDNN and our own loops; vectors stay what they are.
TEST(Info, InstructionSetsCanBeLimited) {
  const std::vector<std::string> sentence =
      with_model("similarity", {"--json", "--text", "a cat", "--text", "a rocket"});
  const auto cosine = [](const std::string& json) { return Json::parse(json).at("similarity")[0][1].get<double>(); };
  const double expected = cosine(run(sentence).out);
  const Environment limit("ONEDNN_MAX_CPU_ISA", "SSE41");
  const Json compute = Json::parse(run(with_model("info", {"--json"})).out).at("compute");
  EXPECT_EQ(compute.at("instruction_set"), "sse41");
  EXPECT_LE(compute.at("vector_bits").get<int>(), 128);
  EXPECT_NEAR(cosine(run(sentence).out), expected, 1e-5);
}

TEST(Info, MemoryIsPredicted) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory";
#endif
  const double predicted = Json::parse(run(with_model("info", {"--json"})).out).at("memory").at("total").get<double>();
  const Outcome outcome = run(with_model("embed", {"--image", golden("images/img11_square_672x672.png"), "--image",
                                                   golden("images/img12_rgb_333x517_prog444.jpg"), "--text", "a"}));
  const double measured = static_cast<double>(outcome.peak_kib) * 1024;
  RecordProperty("predicted_kib", static_cast<int>(predicted / 1024));
  RecordProperty("measured_kib", static_cast<int>(measured / 1024));
  EXPECT_LT(measured, 1.6 * predicted);  // sanitizers and other allocators add to it
  EXPECT_GT(measured, 0.5 * predicted);
}

TEST(Tokenize, IdsAndPieces) {
  const Outcome outcome = run(with_model("tokenize", {"--text", "a cat"}));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "   2048  <|begin_of_text|>\n     64  a\n    272  Ġc\n    266  at\n");
  const Json json =
      Json::parse(run(with_model("tokenize", {"--json", "--no-special", "--text", "a", "--text", ""})).out);
  EXPECT_EQ(json,
            Json::parse(R"([{"text": "a", "ids": [64], "pieces": ["a"]}, {"text": "", "ids": [], "pieces": []}])"));
  const Json prompt = Json::parse(run(with_model("tokenize", {"--json", "--prompt", "text", "--text", "a"})).out);
  EXPECT_THAT(prompt[0].at("text").get<std::string>(),
              testing::StartsWith("<|start_header_id|>user<|end_header_id|>\n\na\n"));
  const Json composed =
      Json::parse(run(with_model("tokenize", {"--json", "--prompt", "cirr-query", "--text", "a"})).out);
  EXPECT_THAT(composed[0].at("pieces").dump(), HasSubstr("\"<image>\""));
}

TEST(Tokenize, ReadsNoWeights) {
  const TemporaryFolder folder;
  for (const char* name : {"config.json", "tokenizer.json"})
    fs::copy(fs::path(model_folder()) / name, folder.path() / name);
  EXPECT_EQ(run({"tokenize", "--model", folder.path(), "--text", "a"}).code, 0);
}

TEST(Doctor, HealthyMachineAndModel) {
  const Outcome outcome = run(with_model("doctor", {}));
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> lines = lines_of(outcome.out);
  EXPECT_GE(lines.size(), 15);
  EXPECT_EQ(lines.back(), "all checks passed");
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) EXPECT_THAT(lines[i], testing::StartsWith("ok    "));
  for (const char* part : {"instructions", "attention", "small model", "model.safetensors", "no NaN", "embedding"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_EQ(run({"doctor"}).code, 0);
  EXPECT_THAT(run({"doctor", "--device", "cpu"}).out, HasSubstr("GPU                         not looked for"));
}

TEST(Doctor, SaysWhichFileIsBroken) {
  const TemporaryFolder folder;
  for (const auto& entry : fs::directory_iterator(model_folder()))
    fs::copy(entry.path(), folder.path() / entry.path().filename());
  folder.write("tokenizer.json", "{}");
  const Outcome outcome = run({"doctor", "--model", folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("\nFAIL  tokenizer.json "));
  EXPECT_THAT(outcome.out, HasSubstr("\nok    config.json "));
  EXPECT_EQ(lines_of(outcome.out).back(), "1 check failed");
}

/// How often OpenMP's threads look whether they may go on before they sleep, each time that the program starts.
std::vector<std::string> spin_counts() {
  const Variable verbose("OMP_DISPLAY_ENV", "verbose");
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, testing::StartsWith("e5v "));
  std::vector<std::string> counts;
  for (const std::string& line : lines_of(outcome.err))
    if (line.find("GOMP_SPINCOUNT") != std::string::npos) counts.push_back(line.substr(line.find('=')));
  return counts;
}

TEST(Program, ThreadsSleepWhileTheyWaitUnlessTheEnvironmentSaysOtherwise) {
  const Variable no_count("GOMP_SPINCOUNT", nullptr), no_policy("OMP_WAIT_POLICY", nullptr);
  EXPECT_THAT(spin_counts(), testing::ElementsAre(testing::Ne("= '3000'"), "= '3000'"));
  const Variable active("OMP_WAIT_POLICY", "active");
  EXPECT_THAT(spin_counts(), testing::ElementsAre(testing::Ne("= '3000'")));
}

TEST(Program, IsListedUnderItsName) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR);
  Process process(with_model("embed", {"--input", "-"}), pipe);
  const auto name = [&] { return content_of("/proc/" + std::to_string(process.pid()) + "/comm"); };
  for (int waited = 0; waited < 500 && name() != "e5v\n"; ++waited)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it has started itself anew by now
  EXPECT_EQ(name(), "e5v\n");
  ::close(writer);
  process.send(SIGKILL);
  process.wait();
}

}  // namespace
}  // namespace e5v::test
