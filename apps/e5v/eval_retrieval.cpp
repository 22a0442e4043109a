#include "base/error.h"
#include "eval/gap.h"
#include "eval/retrieval.h"
#include "eval_task.h"
#include "image/text_image.h"
#include "ops/rows.h"
#include "tensor/tensor.h"
#include "vectors/vector_file_reader.h"
#include "vectors/vector_origin.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// Captioned pictures look for each other, or are looked at as two clouds.
class CaptionedTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    command.add_option("--captions", captions_.file, "file of captioned pictures, or Urban1K's folder")
        ->option_text("FILE")
        ->required();
    command.add_option("--images", captions_.images, "folder of the pictures (that of the file)")->option_text("DIR");
    command.add_option("--split", captions_.split, "of Karpathy's JSON; all: every picture (test)")
        ->option_text("NAME");
    add_number(command, "--most-captions", captions_.most_captions, std::size_t{0},
               "captions used of each picture, the first; 0: all (5)");
    add_number(command, "--most-pictures", captions_.most_pictures, std::size_t{0},
               "pictures used, the first; 0: all (0)");
    command
        .add_option("--name", name_,
                    "of the data set; flickr30k and coco have published figures, which `retrieval` shows beside ours")
        ->option_text("NAME");
    add_prompt_option(command, "--text-prompt", text_prompt_, PromptFor::texts,
                      "captions: a name, or a template with <sent> (text)");
    add_prompt_option(command, "--image-prompt", image_prompt_, PromptFor::pictures,
                      "pictures: a name, or a template with <image> (image)");
    add_skip_missing(command, skip_missing_);
  }
  /// Instead of a model.
  void add_vector_options(CLI::App& command) {
    CLI::Option* texts =
        command.add_option("--text-vectors", text_vectors_, "vectors of the captions, instead of a model");
    CLI::Option* images =
        command.add_option("--image-vectors", image_vectors_, "vectors of the pictures, instead of a model");
    texts->option_text("FILE")->needs(images);
    images->option_text("FILE")->needs(texts);
  }
  bool needs_model() const override { return text_vectors_.empty(); }
  void check_usage() const override {
    if (needs_model() == model.folder.empty()) throw CLI::RequiredError("either --model, or both files of vectors,");
  }
  void read() override {
    for (const std::string* prompt : {&text_prompt_, &image_prompt_}) check_prompt(*prompt);
    eval::CaptionOptions captions = captions_;
    if (captions.split == "all") captions.split.clear();
    pictures_ = needs_model() ? pictures_of(skip_missing_) : eval::PictureFiles(eval::PictureNeed::none);
    eval::CaptionedImages read = eval::read_captions(captions, pictures_);
    data_ = std::move(read.images), captions_read_ = read.captions, left_out_ = read.left_out;
    if (!needs_model()) open_vectors();
  }

 protected:
  std::string title() const {
    if (!name_.empty()) return name_;
    const fs::path& file = captions_.file;
    return file.has_filename() ? file.stem().string() : file.parent_path().filename().string();
  }

  /// Of both files, for the one evaluation that there is.
  std::pair<vectors::UnitVectors, vectors::UnitVectors> take_vectors() {
    return {vectors::UnitVectors(std::move(text_file_.value())), vectors::UnitVectors(std::move(image_file_.value()))};
  }

  void add_left_out(eval::Result& result) const {
    eval::add_left_out(result, pictures_, left_out_, captions_read_, "captions");
  }

  std::pair<std::string, std::string> vectors_fact() const {
    return {"vectors", text_vectors_.string() + ", " + image_vectors_.string()};
  }

  eval::CaptionOptions captions_;
  fs::path text_vectors_, image_vectors_;
  std::string name_, text_prompt_ = "text", image_prompt_ = "image";
  std::vector<eval::CaptionedImage> data_;

 private:
  /// The files go together, and with the captions.
  void open_vectors() {
    vectors::require_comparable(text_vectors_, image_vectors_);
    text_file_.emplace(text_vectors_);
    image_file_.emplace(image_vectors_);
    const vectors::VectorFileReader &texts = *text_file_, &images = *image_file_;
    require(texts.width() == images.width(), "[{}] has {} numbers a vector, {} has {}", text_vectors_.string(),
            texts.width(), image_vectors_.string(), images.width());
    std::int64_t captions = 0;
    for (const eval::CaptionedImage& entry : data_) captions += std::ssize(entry.captions);
    require(texts.rows() == captions, "[{}] {} vectors, expected {}, one a caption", text_vectors_.string(),
            texts.rows(), captions);
    require(images.rows() == std::ssize(data_), "[{}] {} vectors, expected {}, one a picture", image_vectors_.string(),
            images.rows(), data_.size());
  }

  bool skip_missing_ = false;
  eval::PictureFiles pictures_;
  std::size_t captions_read_ = 0, left_out_ = 0;
  std::optional<vectors::VectorFileReader> text_file_, image_file_;
};

class GapTask : public CaptionedTask {
 public:
  void add_options(CLI::App& command) override {
    CaptionedTask::add_options(command);
    add_vector_options(command);
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
  /// Of the captions' vectors those of the first of each picture.
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
    image::TextImageOptions drawing{.font = font_};
    drawing.layout = layout_ == "raqm" ? image::TextLayout::raqm : image::TextLayout::basic;
    painter_ = std::make_shared<const image::TextPainter>(drawing);
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
    CLI::Option* flag = command.add_flag("--rendered-text", rendered_text_,
                                         "draw captions as pictures and embed these, under the prompt of pictures");
    for (const char* other : {"--text-prompt", "--text-vectors", "--image-vectors"})
      flag->excludes(command.get_option(other));
    command.add_option("--font", font_, "font of drawn captions (Liberation Sans)")->option_text("FILE")->needs(flag);
    command
        .add_option("--text-layout", layout_,
                    "raqm or basic: which of Pillow's two ways to set drawn captions; raqm is that of an installation "
                    "with its libraries (raqm)")
        ->option_text("NAME")
        ->needs(flag)
        ->check(CLI::IsMember({"raqm", "basic"}));
  }

  eval::Result of_files(const eval::RetrievalOptions& task) {
    const auto [texts, images] = take_vectors();
    eval::Result result =
        eval::retrieval_result(eval::CaptionedSet::of(data_), {texts.matrix(), images.matrix()}, task);
    result.facts.insert(result.facts.begin(), vectors_fact());
    return result;
  }

  fs::path font_ = image::default_font();
  bool rendered_text_ = false;
  std::string layout_ = "raqm";
  std::shared_ptr<const image::TextPainter> painter_;
};

constexpr const char* kCaptionForms =
    "Captioned pictures come as Karpathy's JSON (dataset_flickr30k.json, dataset_coco.json; split \"test\"), as COCO's "
    "captions_val2017.json, as a list that LAVIS, BLIP or ALBEF reads (flickr30k_test.json, coco_karpathy_test.json), "
    "as "
    "ShareGPT4V's JSON (--most-pictures 1000), as lines {\"image\": PATH, \"captions\": "
    "[TEXT, ...]}, as Flickr30K's results_20130124.token or a table with columns image and caption, or as Urban1K's "
    "folder with image/ and caption/. Who has the pictures: Flickr30K, its authors at "
    "shannon.cs.illinois.edu/DenotationGraph; COCO, cocodataset.org; Karpathy's splits, "
    "cs.stanford.edu/people/karpathy/deepimagesent; Urban1K and ShareGPT4V, the datasets BeichenZhang/Urban1k and "
    "Lin-Chen/ShareGPT4V on the Hugging Face hub.";

const std::string& retrieval_footer() {
  static const std::string footer =
      std::string(kCaptionForms) +
      "\n\n"
      "With --text-vectors and --image-vectors no model is run: row i of the first file (.npy, .safetensors or .jsonl, "
      "as embed writes "
      "them) is caption i, row i "
      "of the second picture i: pictures in the order in which the file first names them, captions picture by "
      "picture.\n"
      "\n"
      "With --rendered-text, the paper's retrieval of pictures by pictures, captions are drawn at 800x400 in 40 "
      "pixels, black on white. The paper's font, Arial, is not free; Liberation Sans has Arial's widths.\n"
      "\n"
      "Examples:\n"
      "  e5v eval retrieval --model e5-v --captions dataset_flickr30k.json --images flickr30k-images --name flickr30k\n"
      "  e5v eval retrieval --model e5-v --captions Urban1k --html urban1k.html";
  return footer;
}

}  // namespace

const EvalKind kRetrievalEval{"retrieval", "captions look for their pictures, and pictures for their captions",
                              retrieval_footer().c_str(),
                              []() -> std::unique_ptr<EvalTask> { return std::make_unique<RetrievalTask>(); }};

const EvalKind kGapEval{
    "gap",
    "the modality gap: how far apart captions and pictures lie, and how well a linear classifier tells them apart",
    kCaptionForms, []() -> std::unique_ptr<EvalTask> { return std::make_unique<GapTask>(); }};

}  // namespace e5v::app
