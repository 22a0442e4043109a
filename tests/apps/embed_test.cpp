// e5v embed: what goes in, what comes out, and where.
#include <cstring>

#include "apps/process.h"
#include "base/json.h"
#include "tensor/safetensors.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kWidth = 128;

struct Row {
  Json id;
  std::vector<float> vector;
};

std::vector<Row> rows_of_jsonl(const std::string& text) {
  std::vector<Row> rows;
  for (const std::string& line : lines_of(text)) {
    const Json json = Json::parse(line);
    EXPECT_EQ(json.size(), 2);
    rows.push_back({json.at("id"), json.at("embedding")});
  }
  return rows;
}

std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<float> all_values(const std::vector<Row>& rows) {
  std::vector<float> values;
  for (const Row& row : rows) values.insert(values.end(), row.vector.begin(), row.vector.end());
  return values;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

class Embed : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  std::string file(const std::string& name, const std::string& content) const {
    return folder.write(name, content).string();
  }

  TemporaryFolder folder;
  const std::string photo = golden("images/img18_dark_90x60.png").string();
};

TEST_F(Embed, ItemsOfTheCommandLineKeepTheirOrder) {
  const Outcome outcome = run(with_model("embed", {"--text", "[a, b]", "--image", photo, "--text", "-5 degrees"}));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");  // results alone, when stderr is no terminal
  const std::vector<Row> rows = rows_of_jsonl(outcome.out);
  ASSERT_EQ(rows.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rows[i].id, i);
    EXPECT_EQ(rows[i].vector.size(), kWidth);
    EXPECT_NEAR(dot(rows[i].vector, rows[i].vector), 1, 1e-5);
  }
  const std::vector<Row> text = rows_of_jsonl(run(with_model("embed", {"--text", "-5 degrees"})).out);
  EXPECT_NEAR(dot(rows[2].vector, text[0].vector), 1, 1e-5);
  EXPECT_LT(dot(rows[0].vector, text[0].vector), 0.99);
}

TEST_F(Embed, OptionsReachTheModel) {
  const auto vector = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"--image", golden("images/img09_exif6_480x320.jpg").string()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = run(with_model("embed", arguments));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return rows_of_jsonl(outcome.out).at(0).vector;
  };
  const std::vector<float> usual = vector({"--max-tiles", "1"});
  EXPECT_LT(dot(usual, vector({"--max-tiles", "1", "--no-exif"})), 0.99999);
  EXPECT_LT(dot(usual, vector({"--max-tiles", "1", "--prompt", "cirr-gallery"})), 0.9999);
  EXPECT_LT(dot(usual, vector({"--max-tiles", "1", "--prompt", "<image> What is it?"})), 0.9999);
  EXPECT_LT(dot(usual, vector({})), 0.999999);
  EXPECT_NE(vector({}), vector({"--paper-compat"}));
  const std::vector<float> long_one = vector({"--max-tiles", "1", "--no-normalize"});
  EXPECT_GT(dot(long_one, long_one), 2);
  const std::vector<float> rounded = vector({"--max-tiles", "1", "--dtype", "bf16"});
  EXPECT_NE(rounded, usual);
  EXPECT_GT(dot(rounded, usual), 0.999);
}

TEST_F(Embed, TransparentPixelsAreLaidOnWhiteUnlessDropped) {
  const auto vector = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"--max-tiles", "1", "--image", golden("images/img06_rgba_400x300.png").string()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = run(with_model("embed", arguments));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return rows_of_jsonl(outcome.out).at(0).vector;
  };
  const std::vector<float> white = vector({"--alpha", "white"}), dropped = vector({"--alpha", "drop"});
  EXPECT_LT(dot(white, dropped), 0.9999);
  EXPECT_EQ(vector({}), white);
  EXPECT_EQ(vector({"--paper-compat"}), vector({"--paper-compat", "--alpha", "drop"}));
  EXPECT_NE(vector({"--paper-compat"}), vector({"--paper-compat", "--alpha", "white"}));
  expect_failure(run(with_model("embed", {"--alpha", "black", "--text", "a"})), 2, "--alpha");
}

TEST_F(Embed, SaysWhatIsNoImage) {
  const std::string page = file("page.jpg", "\n<html><body>404</body></html>");
  expect_failure(run(with_model("embed", {"--image", page})), 1,
                 "page.jpg] image: expected JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or a camera's raw format, "
                 "found a web page (HTML); a server may have sent this");
}

TEST_F(Embed, ItemsFromAFile) {
  fs::copy(photo, path("photo.png"));
  const std::string items = file("items.jsonl",
                                 "\xEF\xBB\xBF{\"id\": \"first\", \"text\": \"a cat\"}\r\n"
                                 "\n"
                                 "{\"image\": \"photo.png\", \"text\": null, \"id\": 7}\n"
                                 "{\"image\": \"photo.png\", \"text\": \"make it a dog\"}\n"
                                 "{\"text\": \"a cat\", \"prompt\": \"sts\"}");
  const Outcome outcome = run(with_model("embed", {"--input", items}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::vector<Row> rows = rows_of_jsonl(outcome.out);
  ASSERT_EQ(rows.size(), 4);
  EXPECT_EQ(rows[0].id, "first");
  EXPECT_EQ(rows[1].id, 7);
  EXPECT_EQ(rows[2].id, 2);  // its place: the blank line is no item
  EXPECT_EQ(rows[3].id, 3);
  EXPECT_LT(dot(rows[0].vector, rows[3].vector), 0.9999);
  EXPECT_EQ(run(with_model("embed", {"--input", "-"}), file("stdin.jsonl", "{\"text\": \"a cat\"}\n")).code, 0);
  // Paths on standard input are relative to the current folder, which has no such file.
  expect_failure(run(with_model("embed", {"--input", "-"}), file("stdin.jsonl", "{\"image\": \"photo.png\"}\n")), 1,
                 "[stdin:1] [photo.png] no such file");
}

TEST_F(Embed, FormatsHoldTheSame) {
  std::string lines;
  for (int i = 0; i < 30; ++i)
    lines += "{\"id\": \"é " + std::to_string(i) + "\", \"text\": \"text " + std::to_string(i) + "\"}\n";
  const std::string items = file("items.jsonl", lines);
  for (const char* name : {"v.jsonl", "v.npy", "v.safetensors"}) {
    const Outcome outcome = run(with_model("embed", {"--input", items, "--output", path(name)}));
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, testing::MatchesRegex("e5v: 30 items in [0-9.]+s, [0-9.]+/s\n"));
  }
  const std::vector<Row> rows = rows_of_jsonl(content_of(path("v.jsonl")));
  ASSERT_EQ(rows.size(), 30);
  EXPECT_EQ(content_of(path("v.jsonl")), run(with_model("embed", {"--input", items})).out);

  const std::string npy = content_of(path("v.npy"));
  EXPECT_EQ(npy.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_THAT(npy.substr(10, 118),
              testing::MatchesRegex("\\{'descr': '<f4', 'fortran_order': False, 'shape': \\(30, 128\\), \\} *\n"));
  EXPECT_EQ(floats_of(npy.substr(128)), all_values(rows));
  const std::vector<std::string> ids = lines_of(content_of(path("v.npy.ids.txt")));
  ASSERT_EQ(ids.size(), 30);
  EXPECT_EQ(ids[29], "é 29");

  const tensor::SafetensorsFile safetensors(path("v.safetensors"));
  EXPECT_EQ(safetensors.tensors().size(), 2);
  const tensor::TensorView* embeddings = safetensors.find("embeddings");
  ASSERT_NE(embeddings, nullptr);
  EXPECT_EQ(embeddings->shape, tensor::Shape({30, 128}));
  const auto values = embeddings->as<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()), all_values(rows));
  const auto text = safetensors.find("ids")->as<std::uint8_t>();
  EXPECT_EQ(std::string(text.begin(), text.end()), content_of(path("v.npy.ids.txt")));
  EXPECT_THAT(safetensors.metadata().at("compute"), testing::StartsWith("f32+l2/"));
  EXPECT_EQ(safetensors.metadata().at("fingerprint").size(), 32);

  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("items.jsonl", "v.jsonl", "v.jsonl.origin.json", "v.npy",
                                                   "v.npy.ids.txt", "v.npy.origin.json", "v.safetensors"));
}

TEST_F(Embed, ABadItemEndsTheRun) {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"text\": \"a\", \"txet\": \"b\"}", "unknown key \"txet\""},
      {"{\"text\": 5}", "\"text\": expected a string, found number"},
      {"{\"text\": [\"a\"]}", "\"text\": expected a string, found array"},
      {"{\"text\": \"a\"", "is not JSON"},
      {"{\"text\": \"\xff\"}", "is not valid UTF-8"},
      {"{}", "expected \"text\", \"image\" or both"},
      {"[1]", "expected an object, found array"},
      {"{\"image\": \"none.png\"}", "none.png] no such file"},
      {"{\"text\": \"a\", \"prompt\": \"poem\"}", "\"poem\" is no prompt"},
  };
  for (const auto& [line, part] : cases) {
    const std::string items = file("items.jsonl", "{\"text\": \"fine\"}\n\n" + line + "\n{\"text\": \"fine\"}\n");
    const Outcome outcome = run(with_model("embed", {"--input", items, "--output", path("v.npy")}));
    expect_failure(outcome, 1, part);
    EXPECT_THAT(outcome.err, HasSubstr("[" + items + ":3]"));
    EXPECT_FALSE(fs::exists(path("v.npy")));
  }
}

TEST_F(Embed, SkipBadLeavesThemOut) {
  const std::string items = file(
      "items.jsonl", "{\"text\": \"a\"}\nnonsense\n{\"text\": \"b\"}\n{\"image\": \"none.png\"}\n{\"text\": \"c\"}\n");
  const Outcome outcome = run(with_model("embed", {"--input", items, "--skip-bad", "--output", path("v.npy")}));
  EXPECT_EQ(outcome.code, 3);
  const std::vector<std::string> lines = lines_of(outcome.err);
  ASSERT_EQ(lines.size(), 3) << outcome.err;
  EXPECT_THAT(lines[0], testing::StartsWith("e5v: left out: [" + items + ":2] is not JSON"));
  EXPECT_THAT(lines[1], testing::StartsWith("e5v: left out: [" + items + ":4] ["));
  EXPECT_THAT(lines[2], HasSubstr(" 3 items in "));
  EXPECT_THAT(lines[2], HasSubstr("2 left out"));
  EXPECT_EQ(content_of(path("v.npy.ids.txt")), "0\n2\n4\n");
  EXPECT_EQ(content_of(path("v.npy")).size(), 128 + 3 * kWidth * sizeof(float));
  const std::string all_bad = file("bad.jsonl", "x\ny\n");
  EXPECT_EQ(run(with_model("embed", {"--input", all_bad, "--skip-bad", "--output", path("none.npy")})).code, 3);
  EXPECT_THAT(content_of(path("none.npy")), HasSubstr("(0, 128)"));
}

TEST_F(Embed, ExistingOutputIsNotTouched) {
  const std::string output = file("v.jsonl", "precious");
  expect_failure(run(with_model("embed", {"--text", "a", "--output", output})), 1, "--force replaces it");
  EXPECT_EQ(content_of(output), "precious");
  EXPECT_EQ(run(with_model("embed", {"--text", "a", "--output", output, "--force"})).code, 0);
  EXPECT_EQ(rows_of_jsonl(content_of(output)).size(), 1);
}

TEST_F(Embed, AReaderThatGoesIsNoFailure) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "{\"text\": \"a\"}\n";
  const std::string items = file("items.jsonl", lines);
  const std::string command = "'" E5V_PROGRAM "' embed --model '" + model_folder() + "' --threads 1 --input '" + items +
                              "' 2>'" + path("err") + "'";
  std::FILE* reader = ::popen(command.c_str(), "r");
  ASSERT_NE(reader, nullptr);
  char beginning[10];
  EXPECT_EQ(std::fread(beginning, 1, sizeof beginning, reader), sizeof beginning);
  const int status = ::pclose(reader);  // closes our end first
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(content_of(path("err")), "");
}

}  // namespace
}  // namespace e5v::test
