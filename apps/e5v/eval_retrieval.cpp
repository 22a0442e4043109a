#include "base/error.h"
#include "drawing/text_image.h"
#include "eval/gap.h"
#include "eval/retrieval.h"
#include "eval_task.h"
#include "ops/rows.h"
#include "tensor/tensor.h"
#include "vectors/vector_file_reader.h"
#include "vectors/vector_origin.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// Reads captions and images for retrieval or for the modality gap.
class CaptionedTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_table(
        command,
        {
            {"--captions", path(captions_.file, "FILE").required(),
             "the file of captioned images, or Urban1K's folder"},
            {"--images", path(captions_.images, "DIR"), "the folder of the images", "the folder of --captions"},
            {"--split", text(captions_.split, "NAME"),
             "the split in Karpathy's JSON, or all for the images of all splits"},
            {"--max-captions", whole(captions_.max_captions, 0),
             "the number of captions to use per image, from the first one; 0 uses all"},
            {"--max-images", whole(captions_.max_images, 0),
             "the number of images to use, from the first one; 0 uses all"},
            {"--name", text(name_, "NAME"),
             "the name of the data set; for flickr30k and coco, e5v eval retrieval prints the results of the paper",
             "the name of the file"},
            {"--text-prompt", prompt_of(text_prompt_, PromptFor::texts),
             "the prompt of captions, by name or as a template with <sent>"},
            {"--image-prompt", prompt_of(image_prompt_, PromptFor::images),
             "the prompt of images, by name or as a template with <image>"},
        });
    add_skip_missing(command, skip_missing_);
  }
  /// Options that name files of vectors instead of a model.
  void add_vector_options(CLI::App& command) {
    add_table(command, {
                           {"--text-vectors", path(text_vectors_, "FILE"),
                            "the file of the vectors of the captions, in place of --model"},
                           {"--image-vectors", path(image_vectors_, "FILE"),
                            "the file of the vectors of the images, in place of --model"},
                       });
    CLI::Option *texts = command.get_option("--text-vectors"), *images = command.get_option("--image-vectors");
    texts->needs(images);
    images->needs(texts);
  }
  const char* model_note() const override { return " (required without files of vectors)"; }
  bool needs_model() const override { return text_vectors_.empty(); }
  void check_usage() const override {
    if (needs_model() == model.folder.empty()) throw CLI::RequiredError("either --model, or both files of vectors,");
  }
  void read() override {
    for (const std::string* prompt : {&text_prompt_, &image_prompt_}) check_prompt(*prompt);
    eval::CaptionOptions captions = captions_;
    if (captions.split == "all") captions.split.clear();
    images_ = needs_model() ? image_files(skip_missing_) : eval::ImageFiles(eval::ImageNeed::none);
    eval::CaptionedImages read = eval::read_captions(captions, images_);
    data_ = std::move(read.images), captions_read_ = read.captions, left_out_ = read.left_out;
    if (!needs_model()) open_vectors();
  }

 protected:
  std::string title() const {
    if (!name_.empty()) return name_;
    const fs::path& file = captions_.file;
    return file.has_filename() ? file.stem().string() : file.parent_path().filename().string();
  }

  /// Moves the vectors of both files out, which is possible once.
  std::pair<vectors::UnitVectors, vectors::UnitVectors> take_vectors() {
    return {vectors::UnitVectors(std::move(text_file_.value())), vectors::UnitVectors(std::move(image_file_.value()))};
  }

  void add_left_out(eval::Result& result) const {
    eval::add_left_out(result, images_, left_out_, captions_read_, "captions");
  }

  std::pair<std::string, std::string> vectors_fact() const {
    return {"vectors", text_vectors_.string() + ", " + image_vectors_.string()};
  }

  eval::CaptionOptions captions_;
  fs::path text_vectors_, image_vectors_;
  std::string name_, text_prompt_ = "text", image_prompt_ = "image";
  std::vector<eval::CaptionedImage> data_;

 private:
  /// Opens both files and checks their sizes against each other and against the captions.
  void open_vectors() {
    vectors::require_comparable(text_vectors_, image_vectors_);
    text_file_.emplace(text_vectors_);
    image_file_.emplace(image_vectors_);
    const vectors::VectorFileReader &texts = *text_file_, &images = *image_file_;
    require(texts.width() == images.width(), "[{}] has vectors of width {}, but {} has vectors of width {}",
            text_vectors_.string(), texts.width(), image_vectors_.string(), images.width());
    std::int64_t captions = 0;
    for (const eval::CaptionedImage& entry : data_) captions += std::ssize(entry.captions);
    require(texts.rows() == captions, "[{}] expected {} vectors, one for each caption, found {}",
            text_vectors_.string(), captions, texts.rows());
    require(images.rows() == std::ssize(data_), "[{}] expected {} vectors, one for each image, found {}",
            image_vectors_.string(), data_.size(), images.rows());
  }

  bool skip_missing_ = false;
  eval::ImageFiles images_;
  std::size_t captions_read_ = 0, left_out_ = 0;
  std::optional<vectors::VectorFileReader> text_file_, image_file_;
};

class GapTask : public CaptionedTask {
 public:
  void add_options(CLI::App& command) override {
    CaptionedTask::add_options(command);
    add_vector_options(command);
    command.get_option("--max-captions")
        ->description(
            "the maximum number of captions per image in the file of --text-vectors; 0 means all captions. The gap "
            "uses only the first caption of each image");
    command.get_option("--name")->description("the name of the data set in the report");
  }
  void read() override {
    CaptionedTask::read();
    eval::require_enough(data_.size());
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    if (!needs_model()) return of_files();
    eval::Result result = eval::evaluate_gap(*encoder, data_, title(), text_prompt_, image_prompt_);
    add_left_out(result);
    return result;
  }

 private:
  /// The gap between the images and their first captions.
  eval::Result of_files() {
    const auto [texts, images] = take_vectors();
    std::vector<std::int64_t> first;
    std::int64_t captions = 0;
    for (const eval::CaptionedImage& entry : data_) {
      first.push_back(captions);
      captions += static_cast<std::int64_t>(entry.captions.size());
    }
    const tensor::ConstMatrix all = texts.matrix();
    const tensor::Tensor chosen(tensor::DType::f32, {static_cast<std::int64_t>(first.size()), all.columns});
    ops::select_rows(all, first, tensor::matrix_of(chosen));
    eval::Result result = eval::gap_result(tensor::matrix_of(chosen), images.matrix(), title());
    result.facts.insert(result.facts.begin(), vectors_fact());
    return result;
  }
};

class RetrievalTask : public CaptionedTask {
 public:
  void add_options(CLI::App& command) override {
    CaptionedTask::add_options(command);
    add_vector_options(command);
    add_rendering(command);
  }
  void read() override {
    CaptionedTask::read();
    if (!rendered_text_) return;
    drawing::TextImageOptions drawing{.font = font_};
    drawing.layout = layout_ == "raqm" ? drawing::TextLayout::raqm : drawing::TextLayout::basic;
    painter_ = std::make_shared<const drawing::TextPainter>(drawing);
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    eval::RetrievalOptions task{.name = title(), .text_prompt = text_prompt_, .image_prompt = image_prompt_};
    if (!needs_model()) return of_files(task);
    if (painter_) task.painter = [this](const std::string& text) { return eval::ItemMaker::drawn(painter_, text); };
    eval::Result result = eval::evaluate_retrieval(*encoder, data_, task);
    if (painter_) result.facts.emplace_back("font", fmt::format("{}, layout {}", font_.string(), layout_));
    add_left_out(result);
    return result;
  }

 private:
  void add_rendering(CLI::App& command) {
    add_table(
        command,
        {
            {"--rendered-text", flag(rendered_text_),
             "draw each caption as an image and embed this image with the prompt of images"},
            {"--font", path(font_, "FILE"), "the font file for rendered captions"},
            {"--text-layout", choice(layout_, {"raqm", "basic"}, "NAME"),
             "the layout engine for rendered captions: raqm or basic. Pillow has both and uses raqm if its libraries "
             "are installed"},
        });
    CLI::Option* rendered = command.get_option("--rendered-text");
    for (const char* other : {"--text-prompt", "--text-vectors", "--image-vectors"})
      rendered->excludes(command.get_option(other));
    for (const char* own : {"--font", "--text-layout"}) command.get_option(own)->needs(rendered);
  }

  eval::Result of_files(const eval::RetrievalOptions& task) {
    const auto [texts, images] = take_vectors();
    eval::Result result =
        eval::retrieval_result(eval::CaptionedSet::of(data_), {texts.matrix(), images.matrix()}, task);
    result.facts.insert(result.facts.begin(), vectors_fact());
    return result;
  }

  fs::path font_ = drawing::default_font();
  bool rendered_text_ = false;
  std::string layout_ = "raqm";
  std::shared_ptr<const drawing::TextPainter> painter_;
};

constexpr const char* kCaptionForms =
    "The file of --captions can have any of these forms:\n"
    "  Karpathy's JSON (dataset_flickr30k.json, dataset_coco.json)\n"
    "  COCO's JSON (captions_val2017.json)\n"
    "  the lists of LAVIS, BLIP and ALBEF (flickr30k_test.json, coco_karpathy_test.json)\n"
    "  ShareGPT4V's JSON (with --max-images 1000)\n"
    "  JSON Lines: {\"image\": PATH, \"captions\": [TEXT, ...]}\n"
    "  Flickr30K's results_20130124.token, or a table with columns image and caption\n"
    "  Urban1K's folder, with image/ and caption/\n"
    "\n"
    "Sources of the data:\n"
    "  Flickr30K          shannon.cs.illinois.edu/DenotationGraph, on request\n"
    "  COCO               cocodataset.org\n"
    "  Karpathy's splits  cs.stanford.edu/people/karpathy/deepimagesent\n"
    "  Urban1K            dataset BeichenZhang/Urban1k on the Hugging Face hub\n"
    "  ShareGPT4V         dataset Lin-Chen/ShareGPT4V on the Hugging Face hub";

constexpr const char* kVectorFiles =
    "With --text-vectors and --image-vectors, no model is loaded. Both options take a file of vectors "
    "(.npy, .safetensors or .jsonl) as e5v embed writes it. The image vectors have one row per image, in the "
    "order in which the file of --captions first names the images. The text vectors have one row per caption "
    "that is used (at most --max-captions per image, 5 by default): first all captions of the first image, "
    "then those of the second image, and so on.";

const std::string& gap_footer() {
  static const std::string footer = fmt::format("{}\n\n{}", kCaptionForms, kVectorFiles);
  return footer;
}

const std::string& retrieval_footer() {
  static const std::string footer =
      gap_footer() +
      "\n"
      "\n"
      "With --rendered-text, captions are drawn on images of 800x400 pixels, in black on white and in a "
      "font size of 40 pixels, as in the paper. The paper uses Arial, which is not free. The default font, "
      "Liberation Sans, has the same widths.\n"
      "\n"
      "Examples:\n"
      "  e5v eval retrieval --model e5-v --captions dataset_flickr30k.json --images flickr30k-images "
      "--name flickr30k\n"
      "  e5v eval retrieval --model e5-v --captions Urban1k --html urban1k.html";
  return footer;
}

}  // namespace

const EvalKind kRetrievalEval{"retrieval", "retrieval of images by their captions, and of captions by their images",
                              retrieval_footer().c_str(),
                              []() -> std::unique_ptr<EvalTask> { return std::make_unique<RetrievalTask>(); }};

const EvalKind kGapEval{
    "gap",
    "the modality gap: the distance between the mean vectors of captions and images, and the accuracy of "
    "a linear classifier that separates them",
    gap_footer().c_str(), []() -> std::unique_ptr<EvalTask> { return std::make_unique<GapTask>(); }};

}  // namespace e5v::app
