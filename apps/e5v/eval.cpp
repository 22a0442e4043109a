#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <csignal>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "embed/vector_run.h"
#include "embed/vector_sink.h"
#include "eval/captions.h"
#include "eval/composed.h"
#include "eval/encoder.h"
#include "eval/gap.h"
#include "eval/npy.h"
#include "eval/result.h"
#include "eval/retrieval.h"
#include "eval/sts.h"
#include "eval/transfer.h"
#include "image/text_image.h"
#include "interrupt.h"
#include "options.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// What all evaluations have in common.
struct EvalOptions {
  ModelOptions model;
  fs::path store, json;
};

void add_common(CLI::App& command, EvalOptions& options, bool needs_model = true) {
  add_model_options(command, options.model, needs_model);
  add_adapter_option(command, options.model);
  command.add_flag("--paper-compat", options.model.embedder.paper_compat,
                   "prepare images as transformers 4.41.2 did, on which the paper's figures rest");
  add_number(command, "--max-tiles", options.model.embedder.max_tiles, 1, "tiles per image, the base one included");
  command.add_flag("--truncate", options.model.embedder.truncate, "cut texts that exceed the context");
  command
      .add_option("--store", options.store,
                  "folder of vectors that are known already (~/.cache/e5v/vectors); nothing is computed twice")
      ->option_text("DIR");
  command.add_option("--json", options.json, "file to write figures and examples to")->option_text("FILE");
}

eval::Encoder make_encoder(const EvalOptions& options, std::optional<Progress>& progress) {
  eval::Encoder::Hooks hooks;
  hooks.check_stop = InterruptScope::check;
  hooks.begin = [&progress](const std::string& what, std::int64_t total) {
    progress.reset();
    log_info("{} vectors of {} to compute", total, what);
    progress.emplace(what, total);
  };
  hooks.advance = [&progress](std::int64_t items) { progress->advance(items); };
  return {options.model.folder, options.model.embedder, options.store.empty() ? eval::default_store() : options.store,
          hooks};
}

void give_out(const EvalOptions& options, const eval::Result& result) {
  embed::write_stream(stdout, eval::table_of(result));
  if (!options.json.empty())
    write_file_atomically(options.json,
                          eval::json_of(result).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

/// Runs an evaluation with a model: progress, interrupts, time and counts.
int evaluate(const EvalOptions& options, const std::function<eval::Result(eval::Encoder&)>& task) {
  const InterruptScope interrupts;
  std::optional<Progress> progress;
  const auto start = std::chrono::steady_clock::now();
  try {
    eval::Encoder encoder = make_encoder(options, progress);
    eval::Result result = task(encoder);
    progress.reset();
    result.facts.insert(result.facts.begin(), {"model", options.model.folder.string()});
    if (!options.model.embedder.adapter.empty())
      result.facts.insert(result.facts.begin() + 1, {"adapter", options.model.embedder.adapter.string()});
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.computed = encoder.counts().computed, result.reused = encoder.counts().reused;
    give_out(options, result);
    return kSuccess;
  } catch (const embed::Interrupted&) {
    progress.reset();
    fmt::print(stderr, "e5v: interrupted; the same command goes on where it stopped\n");
    return 128 + InterruptScope::signal();
  }
}

constexpr const char* kStsFooter =
    "The folder is SentEval's data/downstream: STS/STS12-en-test ... STS/STS16-en-test, STS/STSBenchmark/sts-test.csv, "
    "SICK/SICK_test_annotated.txt. Its script download_dataset.sh (github.com/facebookresearch/SentEval) fetches them.";

Run add_sts(CLI::App& parent) {
  struct Options : EvalOptions {
    fs::path data;
    std::vector<std::string> tasks = eval::sts_tasks();
    std::string prompt = "sts";
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand("sts", "semantic textual similarity: STS12 to STS16, STS-B, SICK-R");
  command->footer(kStsFooter);
  command->add_option("--data", options->data, "SentEval's folder of data")->option_text("DIR")->required();
  command
      ->add_option("--tasks", options->tasks, "some of STS12, STS13, STS14, STS15, STS16, STSB, SICKR, by commas (all)")
      ->option_text("NAMES")
      ->delimiter(',')
      ->check(CLI::IsMember(eval::sts_tasks()));
  command->add_option("--prompt", options->prompt, "prompt of the sentences: a name, or a template with <sent> (sts)")
      ->option_text("PROMPT");
  add_common(*command, *options);
  return [options] {
    return evaluate(*options, [&](eval::Encoder& encoder) {
      return eval::evaluate_sts(encoder, options->data, options->tasks, options->prompt);
    });
  };
}

constexpr const char* kTransferFooter =
    "The folder is SentEval's data/downstream: MR, CR, SUBJ and MPQA with a file for each class, SST/binary, TREC, "
    "MRPC. "
    "Its script get_transfer_data.bash (github.com/facebookresearch/SentEval) fetches them.\n"
    "\n"
    "Logistic regression over the vectors as the model gives them (of a pair u, v over |u - v| and u * v), its penalty "
    "chosen by SentEval's grids and cross-validations, folds included (usepytorch=False, kfold=10). MR, CR, SUBJ and "
    "MPQA fit 610 classifiers each: hours with wide vectors; --folds 5 takes a quarter of that.";

Run add_transfer(CLI::App& parent) {
  struct Options : EvalOptions {
    fs::path data;
    std::vector<std::string> tasks = eval::transfer_tasks();
    eval::TransferOptions transfer;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand(
      "transfer", "classification of sentences by a linear classifier: MR, CR, SUBJ, MPQA, SST2, TREC, MRPC");
  command->footer(kTransferFooter);
  command->add_option("--data", options->data, "SentEval's folder of data")->option_text("DIR")->required();
  command->add_option("--tasks", options->tasks, "some of MR, CR, SUBJ, MPQA, SST2, TREC, MRPC, by commas (all)")
      ->option_text("NAMES")
      ->delimiter(',')
      ->check(CLI::IsMember(eval::transfer_tasks()));
  command
      ->add_option("--prompt", options->transfer.prompt,
                   "prompt of the sentences: a name, or a template with <sent> (sts)")
      ->option_text("PROMPT");
  add_number(*command, "--folds", options->transfer.folds, 2, "folds of cross-validations (10)");
  add_common(*command, *options);
  return [options] {
    std::vector<eval::TransferTask> tasks;
    for (const std::string& task : options->tasks) tasks.push_back(eval::read_transfer(options->data, task));
    return evaluate(*options, [&](eval::Encoder& encoder) {
      eval::Result result = eval::evaluate_transfer(encoder, tasks, options->transfer);
      result.facts.insert(result.facts.begin(), {"data", options->data.string()});
      return result;
    });
  };
}

/// Captioned pictures, as retrieval and gap take them.
struct CaptionedOptions : EvalOptions {
  eval::CaptionOptions captions;
  std::string name, text_prompt = "text", image_prompt = "image";
  fs::path text_vectors, image_vectors;

  std::string title() const { return name.empty() ? captions.file.stem().string() : name; }
};

void add_captioned(CLI::App& command, CaptionedOptions& options, bool needs_model) {
  command.add_option("--captions", options.captions.file, "file of captioned pictures")
      ->option_text("FILE")
      ->required();
  command.add_option("--images", options.captions.images, "folder of the pictures (that of the file)")
      ->option_text("DIR");
  command.add_option("--split", options.captions.split, "of Karpathy's JSON; all: every picture (test)")
      ->option_text("NAME");
  add_number(command, "--most-captions", options.captions.most_captions, std::size_t{0},
             "captions used of each picture, the first; 0: all (5)");
  command.add_option("--name", options.name, "of the data set; flickr30k and coco have published figures beside ours")
      ->option_text("NAME");
  command
      .add_option("--text-prompt", options.text_prompt, "prompt of captions: a name, or a template with <sent> (text)")
      ->option_text("PROMPT");
  command
      .add_option("--image-prompt", options.image_prompt,
                  "prompt of pictures: a name, or a template with <image> (image)")
      ->option_text("PROMPT");
  add_common(command, options, needs_model);
}

std::vector<eval::CaptionedImage> read_captioned(const CaptionedOptions& options) {
  eval::CaptionOptions captions = options.captions;
  if (captions.split == "all") captions.split.clear();
  return eval::read_captions(captions);
}

constexpr const char* kRetrievalFooter =
    "Captions come as Karpathy's JSON (dataset_flickr30k.json, dataset_coco.json; split \"test\"), as COCO's "
    "captions_val2014.json, or as lines {\"image\": PATH, \"captions\": [TEXT, ...]}. Who has the pictures: Flickr30K, "
    "its authors at "
    "shannon.cs.illinois.edu/DenotationGraph; COCO, cocodataset.org; the splits, "
    "cs.stanford.edu/people/karpathy/deepimagesent.\n"
    "\n"
    "With --text-vectors and --image-vectors no model is run: row i of the first (.npy, float32) is caption i, row i "
    "of the "
    "second picture i, in the order of the file.\n"
    "\n"
    "With --rendered-text, the paper's retrieval of pictures by pictures, captions are drawn at 800x400 in 40 pixels, "
    "black on white. The paper has other figures for that task, and its font, Arial, is not free; Liberation Sans has "
    "Arial's widths.\n"
    "\n"
    "Example:\n"
    "  e5v eval retrieval --model e5-v --captions dataset_flickr30k.json --images flickr30k-images --name flickr30k";

int run_files(const CaptionedOptions& options, const std::vector<eval::CaptionedImage>& data) {
  const auto start = std::chrono::steady_clock::now();
  const auto normalised = [](const fs::path& file) {
    const eval::NpyFile vectors(file);
    const tensor::ConstMatrix matrix = vectors.matrix();
    tensor::Tensor copy(tensor::DType::f32, {matrix.rows, matrix.columns});
    std::copy_n(matrix.row<float>(0), matrix.rows * matrix.columns, copy.as<float>().begin());
    eval::normalize(copy);
    return copy;
  };
  const tensor::Tensor texts = normalised(options.text_vectors), images = normalised(options.image_vectors);
  eval::Result result = eval::retrieval_result(eval::CaptionedSet::of(data),
                                               {tensor::matrix_of(texts.view()), tensor::matrix_of(images.view())},
                                               {.name = options.title()});
  result.facts.insert(result.facts.begin(),
                      {"vectors", options.text_vectors.string() + ", " + options.image_vectors.string()});
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  give_out(options, result);
  return kSuccess;
}

struct RetrievalCommand : CaptionedOptions {
  bool rendered_text = false;
  fs::path font = image::default_font();
  std::string layout = "raqm";
};

void add_rendering(CLI::App& command, RetrievalCommand& options) {
  CLI::Option* flag = command.add_flag("--rendered-text", options.rendered_text,
                                       "draw captions as pictures and embed these, under the prompt of pictures");
  for (const char* other : {"--text-prompt", "--text-vectors", "--image-vectors"})
    flag->excludes(command.get_option(other));
  command.add_option("--font", options.font, "font of drawn captions (Liberation Sans)")
      ->option_text("FILE")
      ->needs(flag);
  command
      .add_option("--text-layout", options.layout,
                  "raqm or basic: which of Pillow's two ways to set drawn captions; raqm is that of an installation "
                  "with its libraries (raqm)")
      ->option_text("NAME")
      ->needs(flag)
      ->check(CLI::IsMember({"raqm", "basic"}));
}

int run_drawn(const RetrievalCommand& options, const std::vector<eval::CaptionedImage>& data) {
  image::TextImageOptions drawing{.font = options.font};
  drawing.layout = options.layout == "raqm" ? image::TextLayout::raqm : image::TextLayout::basic;
  const auto painter = std::make_shared<const image::TextPainter>(drawing);
  return evaluate(options, [&](eval::Encoder& encoder) {
    eval::RetrievalOptions task{.name = options.title(), .image_prompt = options.image_prompt};
    task.painter = [&](const std::string& text) { return eval::ItemMaker::drawn(painter, text); };
    eval::Result result = eval::evaluate_retrieval(encoder, data, task);
    result.facts.emplace_back("font", fmt::format("{}, layout {}", options.font.string(), options.layout));
    return result;
  });
}

Run add_retrieval(CLI::App& parent) {
  const auto options = std::make_shared<RetrievalCommand>();
  CLI::App* command =
      parent.add_subcommand("retrieval", "captions look for their pictures, and pictures for their captions");
  command->footer(kRetrievalFooter);
  add_captioned(*command, *options, false);
  command->add_option("--text-vectors", options->text_vectors, "vectors of the captions, instead of a model")
      ->option_text("NPY");
  command->add_option("--image-vectors", options->image_vectors, "vectors of the pictures, instead of a model")
      ->option_text("NPY");
  add_rendering(*command, *options);
  command->callback([options] {
    const bool files = !options->text_vectors.empty() && !options->image_vectors.empty();
    if (options->text_vectors.empty() != options->image_vectors.empty())
      throw CLI::ValidationError("--text-vectors", "and --image-vectors need each other");
    if (files == !options->model.folder.empty()) throw CLI::RequiredError("either --model, or both files of vectors,");
  });
  return [options] {
    const std::vector<eval::CaptionedImage> data = read_captioned(*options);
    if (options->model.folder.empty()) return run_files(*options, data);
    if (options->rendered_text) return run_drawn(*options, data);
    return evaluate(*options, [&](eval::Encoder& encoder) {
      return eval::evaluate_retrieval(
          encoder, data,
          {.name = options->title(), .text_prompt = options->text_prompt, .image_prompt = options->image_prompt});
    });
  };
}

Run add_gap(CLI::App& parent) {
  const auto options = std::make_shared<CaptionedOptions>();
  CLI::App* command = parent.add_subcommand(
      "gap",
      "the modality gap: how far apart captions and pictures lie, and how well a linear classifier tells them apart");
  add_captioned(*command, *options, true);
  return [options] {
    const std::vector<eval::CaptionedImage> data = read_captioned(*options);
    return evaluate(*options, [&](eval::Encoder& encoder) {
      return eval::evaluate_gap(encoder, data, options->title(), options->text_prompt, options->image_prompt);
    });
  };
}

struct ComposedOptions : EvalOptions {
  fs::path data, images, submission;
  std::string split = "val";
  std::vector<std::string> categories = eval::fashioniq_categories();
};

void add_composed(CLI::App& command, ComposedOptions& options, const char* what) {
  command.add_option("--data", options.data, what)->option_text("DIR")->required();
  command.add_option("--images", options.images, "folder of the pictures")->option_text("DIR");
  command.add_option("--split", options.split, "of the data (val)")->option_text("NAME");
  add_common(command, options);
}

Run add_fashioniq(CLI::App& parent) {
  const auto options = std::make_shared<ComposedOptions>();
  CLI::App* command = parent.add_subcommand("fashioniq", "a garment and two remarks look for another garment");
  command->footer(
      "The folder is that of github.com/XiaoxiaoGuo/fashion-iq: captions/cap.dress.val.json, "
      "image_splits/split.dress.val.json, "
      "..., and images/ID.jpg, which the authors' list of addresses names.");
  add_composed(*command, *options, "FashionIQ's folder");
  command->add_option("--categories", options->categories, "some of shirt, dress, toptee, by commas (all)")
      ->option_text("NAMES")
      ->delimiter(',')
      ->check(CLI::IsMember(eval::fashioniq_categories()));
  return [options] {
    std::vector<std::pair<std::string, eval::ComposedSet>> sets;
    for (const std::string& category : options->categories)
      sets.emplace_back(category, eval::read_fashioniq(options->data, options->images, category, options->split));
    return evaluate(*options, [&](eval::Encoder& encoder) { return eval::evaluate_fashioniq(encoder, sets); });
  };
}

/// "submission.json" and the file beside it for the subset: "submission_subset.json".
void write_submission(const eval::CirrSubmission& submission, const fs::path& file) {
  write_file_atomically(file, submission.recall.dump() + "\n");
  fs::path subset = file;
  subset.replace_filename(file.stem().string() + "_subset" + file.extension().string());
  write_file_atomically(subset, submission.recall_subset.dump() + "\n");
  fmt::print(stderr, "e5v: {} and {} are for CIRR's evaluation server\n", file.string(), subset.string());
}

Run add_cirr(CLI::App& parent) {
  const auto options = std::make_shared<ComposedOptions>();
  CLI::App* command = parent.add_subcommand("cirr", "a photo and a remark look for another photo");
  command->footer(
      "The folder is that of github.com/Cuberick-Orion/CIRR (branch cirr_dataset): captions/cap.rc2.val.json, "
      "image_splits/split.rc2.val.json, and the pictures of NLVR2 as dev/ and test1/. The targets of test1 are known "
      "to the "
      "authors' server alone: --split test1 --submission FILE writes what it takes.");
  add_composed(*command, *options, "CIRR's folder");
  command
      ->add_option("--submission", options->submission,
                   "write rankings for the server to this file, instead of figures")
      ->option_text("FILE");
  return [options] {
    const eval::ComposedSet set = eval::read_cirr(options->data, options->images, options->split);
    const bool targets = set.queries.front().target.has_value();
    require(targets || !options->submission.empty(),
            "[{}] the targets of {} are not published; give --submission FILE for what the server takes",
            options->data.string(), options->split);
    return evaluate(*options, [&](eval::Encoder& encoder) {
      if (options->submission.empty()) return eval::evaluate_cirr(encoder, set);
      write_submission(eval::submit_cirr(encoder, set), options->submission);
      eval::Result result{.task = "cirr", .title = "CIRR, " + options->split, .unit = "rankings for the server"};
      result.facts = {{"queries", fmt::format("{}", set.queries.size())}, {"submission", options->submission.string()}};
      return result;
    });
  };
}

}  // namespace

Run add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "eval",
      "measure a model: the tables of E5-V's paper, and other captioned pictures\n"
      "\n"
      "Vectors are kept (--store): an evaluation that was interrupted or is repeated computes what is new alone, and a "
      "changed prompt, weight or dtype is computed anew. Data sets are not fetched: each task's --help says where they "
      "are and how the folder must look.");
  command->require_subcommand(1);
  const auto tasks = std::make_shared<std::vector<std::pair<CLI::App*, Run>>>();
  for (const auto& add : {add_sts, add_retrieval, add_gap, add_fashioniq, add_cirr, add_transfer}) {
    Run run = add(*command);
    tasks->emplace_back(command->get_subcommands([](const CLI::App*) { return true; }).back(), std::move(run));
  }
  return [tasks] {
    for (const auto& [task, run] : *tasks)
      if (task->parsed()) return run();
    return static_cast<int>(kUsage);
  };
}

}  // namespace e5v::app
