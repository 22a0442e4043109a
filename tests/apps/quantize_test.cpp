// e5v quantize.
#include "apps/process.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Outcome quantize(const fs::path& output, std::vector<std::string> more) {
  std::vector<std::string> arguments{"quantize", "--model", golden("ckpt/tiny-small-f32"), "--output", output};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

TEST(Quantize, WritesAFolderAndChecksIt) {
  const TemporaryFolder folder;
  const fs::path items =
      folder.write("items.jsonl", "{\"id\": \"cat\", \"text\": \"a cat\"}\n{\"text\": \"two dogs\"}\n");
  const fs::path output = folder.path() / "int8";
  const Outcome made = quantize(output, {"--format", "int8", "--check", items, "--threads", "1"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, testing::AllOf(HasSubstr("written as int8: "), HasSubstr("over 2 items: mean 0.99"),
                                       HasSubstr("  cat\n")));
  EXPECT_THAT(run({"info", "--model", output}).out,
              HasSubstr("computes in      int8, because the weights are stored as"));
  EXPECT_EQ(run({"doctor", "--model", output, "--threads", "1"}).code, 0);
  const Outcome checked = quantize(output, {"--check", items, "--threads", "1"});
  EXPECT_EQ(checked.code, 0);
  EXPECT_THAT(checked.out, testing::StartsWith("cosine to the unquantised model over 2 items"));
}

TEST(Quantize, Int4SaysWhatItKeeps) {
  const TemporaryFolder folder;
  const fs::path items = folder.write("items.jsonl", "{\"text\": \"a cat\"}\n{\"text\": \"two dogs\"}\n");
  const Outcome mixed = quantize(folder.path() / "mixed", {"--format", "int4", "--check", items, "--threads", "1"});
  EXPECT_EQ(mixed.code, 0) << mixed.err;
  EXPECT_THAT(mixed.out, testing::AllOf(HasSubstr("of a product before compensation "), HasSubstr("items: mean 0.99")));
  const Outcome all = quantize(folder.path() / "all", {"--format", "int4", "--all-int4", "--no-compensate"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, testing::Not(HasSubstr("compensation")));
  EXPECT_LT(fs::file_size(folder.path() / "all" / "model.safetensors"),
            fs::file_size(folder.path() / "mixed" / "model.safetensors"));
}

TEST(Quantize, BadItemsAreKnownBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "q";
  const fs::path items = folder.write("items.jsonl", "{\"text\": \"a cat\"}\n\n{\"image\": \"none.png\"}\n");
  const std::string place = "items.jsonl:3] [", file = "none.png] no such file";
  for (const char* option : {"--check", "--calibrate"}) {
    const Outcome outcome = quantize(output, {"--format", "int8", option, items, "--threads", "1"});
    expect_failure(outcome, 1, place);
    expect_failure(outcome, 1, file);
    EXPECT_FALSE(fs::exists(output)) << option;
  }
  const Outcome checked = run({"quantize", "--model", model_folder(), "--output", model_folder(), "--check", items});
  expect_failure(checked, 1, place);
  expect_failure(checked, 1, file);
}

TEST(Quantize, Nf4NeedsNoTokenizer) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model", output = folder.path() / "nf4";
  fs::copy(golden("ckpt/tiny-small-f32"), model);
  fs::remove(model / "tokenizer.json");
  const Outcome made = run({"quantize", "--model", model, "--output", output, "--format", "nf4"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("nf4 written as nf4: "));
  EXPECT_THAT(made.out, HasSubstr(" of 6.0 MiB"));
}

TEST(Quantize, RefusesWhatIsWrong) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "q", empty = folder.write("empty.jsonl", "\n");
  expect_failure(quantize(output, {}), 2, "--format, --check, or both");
  expect_failure(quantize(output, {"--format", "int5"}), 2, "--format");
  expect_failure(quantize(output, {"--format", "int8", "--group", "32"}), 2, "belongs to --format int4");
  expect_failure(quantize(output, {"--format", "int8", "--all-int4"}), 2, "--all-int4: belongs to --format int4");
  expect_failure(quantize(output, {"--format", "nf4", "--no-compensate"}), 2, "--no-compensate: belongs to");
  expect_failure(quantize(output, {"--format", "int4", "--group", "24"}), 1, "groups of 24 columns");
  expect_failure(quantize(output, {"--format", "int8", "--calibrate", empty}), 1, "holds no items");
  expect_failure(quantize(folder.path(), {"--format", "int8"}), 1, "is not empty; --force");
  expect_failure(quantize(output, {"--format", "int8", "--check", empty}), 1, "holds no items");
  expect_failure(quantize(output, {"--format", "int4", "--group", "0"}), 2,
                 "--group: expected a whole number from 1 to 1048576, found 0");
  expect_failure(quantize(empty, {"--format", "int8"}), 1, "empty.jsonl] is a file, expected a folder");
  EXPECT_FALSE(fs::exists(output / "config.json"));
}

}  // namespace
}  // namespace e5v::test
