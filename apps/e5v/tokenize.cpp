#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/standard_output.h"
#include "commands.h"
#include "families/table.h"
#include "model/model_folder.h"
#include "options.h"
#include "terminal.h"
#include "text/prompt.h"

namespace e5v::app {
namespace {

struct TokenizeOptions {
  std::filesystem::path folder;
  std::string prompt;
  std::vector<std::string> texts;
  bool json = false, no_special = false;
};

/// The input of the tokenizer: the text, or the prompt with the text in it.
std::string filled(const TokenizeOptions& options, const std::string& sentence, text::ChatStyle style) {
  if (options.prompt.empty()) return sentence;
  const text::Prompt prompt = text::find_prompt(options.prompt, style);
  require(prompt.text_template.find("<sent>") != std::string::npos,
          "[prompt {}] expected a slot <sent> for the text, found none", options.prompt);
  return prompt.fill(sentence);
}

std::string lines_of(const std::vector<std::int32_t>& ids, const text::Tokenizer& tokenizer) {
  std::string lines;
  for (const std::int32_t id : ids) lines += fmt::format("{:>7}  {}\n", id, one_line(tokenizer.piece(id)));
  return lines;
}

int run_tokenize(const TokenizeOptions& options) {
  const std::filesystem::path folder = model::find_model_folder(options.folder);
  const auto [tokenizer, style] = families::family_of(folder).read_tokenizer(folder);
  Json results = Json::array();
  std::string lines;
  for (const std::string& sentence : options.texts) {
    require(is_valid_utf8(sentence), "[--text] is not valid UTF-8");
    const std::string whole = filled(options, sentence, style);
    const std::vector<std::int32_t> ids = tokenizer.encode(whole, !options.no_special);
    if (options.json) {
      std::vector<std::string> pieces;
      for (const std::int32_t id : ids) pieces.push_back(tokenizer.piece(id));
      results.push_back({{"text", whole}, {"ids", ids}, {"pieces", pieces}});
    } else {
      lines += lines_of(ids, tokenizer);
      if (&sentence != &options.texts.back()) lines += "\n";
    }
  }
  write_stream(stdout, options.json ? results.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" : lines);
  return kSuccess;
}

}  // namespace

Run add_tokenize(CLI::App& app) {
  const auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand(
      "tokenize",
      "print the token ids of a text, and each token as the vocabulary spells it\n"
      "\n"
      "With --prompt, the command prints the tokens of the whole prompt. In a prompt of a composed query, "
      "one token <image> stands for all rows of the image. The command reads tokenizer.json and config.json, but not "
      "the weights.");
  command->footer("Prompts: " + prompt_names_text() +
                  ".\n"
                  "\n"
                  "Examples:\n"
                  "  e5v tokenize --model e5-v --text 'a cat' --no-special\n"
                  "  e5v tokenize --model e5-v --text 'a cat' --prompt text --json");
  const auto add_text = [options](const std::string& text) { options->texts.push_back(text); };
  add_table(*command, {
                          {"--text", repeated(add_text, "TEXT").required(),
                           "a text to tokenize; this option can be given several times"},
                          {"--model", path(options->folder, "DIR").required(),
                           "the folder of the checkpoint in Hugging Face format"},
                      });
  add_prompt_option(*command, options->prompt);
  add_table(*command,
            {
                {"--no-special", flag(options->no_special),
                 "leave out the special tokens that the tokenizer adds, such as the begin-of-text token"},
                {"--json", flag(options->json), "print a JSON list with one object {text, ids, pieces} for each text"},
            });
  return [options] { return run_tokenize(*options); };
}

}  // namespace e5v::app
