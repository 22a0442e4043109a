#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "commands.h"
#include "library_options.h"
#include "search_output.h"
#include "search_query.h"
#include "stores/open_store.h"
#include "terminal_images.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

enum class SearchFormat { table, json, paths, html };
enum class Thumbnails { automatic, none, kitty, sixel };

struct SearchOptions {
  SearchQuery query;
  fs::path library, folder, sheet;
  std::string store;
  bool exact = false;
  ModelOptions model;
  const CLI::App* command = nullptr;  // says which options were given
  library::Filter filter;
  std::string size;
  int min_rating = -1;  // none
  std::int64_t top = 10;
  double min_score = -1;  // none
  SearchFormat format = SearchFormat::table;
  Thumbnails thumbnails = Thumbnails::automatic;
};

/// The fault of a date on the command line; empty when it has none.
std::string problem_of_date(const std::string& given) {
  return library::is_date(given) ? ""
                                 : fmt::format("expected a date such as 2019, 2019-07 or 2019-07-14, found {}", given);
}

library::Filter filter_of(const SearchOptions& options) {
  library::Filter filter = options.filter;
  if (!options.folder.empty()) filter.folder = fs::weakly_canonical(options.folder).string();
  if (filter.folder.size() > 1 && filter.folder.ends_with('/')) filter.folder.pop_back();
  if (options.min_rating >= 0) filter.min_rating = options.min_rating;
  if (!options.size.empty()) library::set_min_size(options.size, filter);
  library::check_filter(filter);
  return filter;
}

std::string problem_of_size(const std::string& given) {
  library::Filter filter;
  return library::set_min_size(given, filter)
             ? ""
             : fmt::format("expected megapixels such as 12, or sides such as 1920x1080, found {}", given);
}

std::string problem_of_term(const std::string& given) {
  try {
    library::weighted_text(given);
    return "";
  } catch (const InvalidInput& error) {
    const std::string_view message = error.what();
    return std::string(message.substr(message.find("] ") + 2));
  }
}

std::string problem_of_sheet(const std::string& given) {
  return is_sheet_name(given) ? "" : fmt::format("expected a name that ends with .jpg or .png, found {}", given);
}

ImageProtocol protocol_of(const SearchOptions& options) {
  if (options.format != SearchFormat::table) return ImageProtocol::none;
  switch (options.thumbnails) {
    case Thumbnails::automatic: return ::isatty(STDOUT_FILENO) == 1 ? ask_terminal() : ImageProtocol::none;
    case Thumbnails::none: return ImageProtocol::none;
    case Thumbnails::kitty: return ImageProtocol::kitty;
    case Thumbnails::sixel: return ImageProtocol::sixel;
  }
  return ImageProtocol::none;
}

/// The table, each line after the image of its photo where the terminal shows images.
void print_table(const std::vector<Match>& matches, ImageProtocol protocol) {
  constexpr int kEdge = 160, kRows = 8;
  const std::vector<std::string> lines = table_lines(matches);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const image::Bitmap small =
        protocol == ImageProtocol::none ? image::Bitmap() : small_image(matches[i].photo, kEdge);
    write_stream(stdout, image_sequence(small, protocol, kRows) + lines[i]);
  }
}

void print_matches(const SearchOptions& options, const std::vector<Match>& matches) {
  switch (options.format) {
    case SearchFormat::table: return print_table(matches, protocol_of(options));
    case SearchFormat::json: return write_stream(stdout, json_lines(matches));
    case SearchFormat::paths: return write_stream(stdout, path_lines(matches));
    case SearchFormat::html: return write_stream(stdout, html_page(options.query.title(), matches));
  }
}

std::vector<Match> find_matches(stores::PhotoStore& store, const QueryVector& query, const library::Filter& filter,
                                const SearchOptions& options) {
  const std::optional<library::ScoreScale> scale = store.scale(query.parts);
  std::vector<Match> matches;
  for (stores::StoreMatch& found :
       store.search({query.vector, filter, options.top, options.min_score, options.exact, query.itself}))
    matches.push_back(
        {found.score, scale ? std::optional(scale->percentile(found.score)) : std::nullopt, std::move(found.photo)});
  return matches;
}

int run_search(const SearchOptions& options) {
  const auto store =
      stores::open_store(options.store.empty() ? library_folder(options.library).string() : options.store);
  const library::Filter filter = filter_of(options);
  require(store->model().has_value(), "[{}] the {} has no vectors yet: expected e5v index to have run", store->name(),
          options.store.empty() ? "library" : "store");
  const ModelOptions model = model_for(store->model(), store->name(), options.model, *options.command);
  const QueryVector query = embed_query(*store, options.query, model);
  const std::vector<Match> matches = find_matches(*store, query, filter, options);
  if (!options.sheet.empty() && !matches.empty())
    write_contact_sheet(options.sheet, query.image, options.query.title(), matches);
  print_matches(options, matches);
  if (matches.empty())
    tell("e5v: no photo was found among {} that {}\n", store->count(filter) - (query.itself ? 1 : 0),
         filter.is_empty() ? "the library holds" : "match the filters");
  return kSuccess;
}

constexpr const char* kSearchDescription =
    "find photos in a library by words, by an image, or by both\n"
    "\n"
    "The query is a TEXT, an image (--image or --like), or both: then the text says how the photos are to differ from "
    "the image. --plus and --minus add and subtract further texts. The score of a photo is the cosine of its vector "
    "and "
    "the query's. All vectors of a library are compared, so no match is missed.";

constexpr const char* kSearchFooter =
    "Filters: a photo is found only if it passes all filters that are given. Dates are those that cameras wrote, in "
    "local time; photos without a date are not found when dates are asked for.\n"
    "\n"
    "Weights: the query is the sum of the vectors of its parts, each of length 1 times its weight, scaled to length "
    "1. Only the texts of --plus and --minus can have weights: a weight follows a text after a colon, as in --minus "
    "'people:0.5'; without one, it is 1. Such a text that itself ends with a colon and a number needs a weight, as in "
    "--plus 'ratio 16:9:1'. TEXT is taken literally, and its weight is 1.\n"
    "\n"
    "Model: without --model, the model and its options are those that the library has recorded, and an option that is "
    "given replaces the recorded one. With --model, all options are those of the command line. If the vectors of the "
    "query belonged to another vector space than those of the library, the search is refused. --max-pixels and "
    "--truncate never "
    "cause this.\n"
    "\n"
    "Percentile: which score means a good match depends on the model, the photos and the kind of the query. So the "
    "score is compared with those of queries that have nothing to do with the photos: of everyday texts for a text, of "
    "random photos for an image. 99.50% means that it is higher than 99.5 % of these; 99.99% is the highest value. It "
    "is missing for composed queries, for libraries of fewer than 10 photos and, for queries of several parts, in "
    "stores "
    "and in libraries that e5v copy has made.\n"
    "\n"
    "Output: a table with number, score, percentile, date and path. --format json prints a JSON object per line with "
    "the metadata, --format paths one path per line for other programs, and --format html a page that contains small "
    "images.\n"
    "\n"
    "Examples:\n"
    "  e5v search 'a dog on a beach'\n"
    "  e5v search --image sofa.jpg 'the same in red' --top 5\n"
    "  e5v search --like 2019/sea.jpg --plus 'at night' --minus 'people:0.5'\n"
    "  e5v search 'a harbour' --top 40 --format html > harbour.html\n"
    "  e5v search 'fireworks' --from 2019-12 --to 2020-01 --min-rating 3\n"
    "  e5v search 'a cat' --format paths | head -1 | xargs -d '\\n' xdg-open";

}  // namespace

Run add_search(CLI::App& app) {
  const auto options = std::make_shared<SearchOptions>();
  CLI::App* command = app.add_subcommand("search", kSearchDescription)->footer(kSearchFooter);
  command->add_option("words", options->query.words)->option_text("[TEXT]")->group("");
  const auto add_term = [options](double sign) {
    return [options, sign](const std::string& given) {
      library::WeightedText term = library::weighted_text(given);
      term.weight *= sign;
      options->query.plus_minus.push_back(std::move(term));
    };
  };
  const std::vector<std::pair<std::string, library::Shape>> shapes{{"landscape", library::Shape::landscape},
                                                                   {"portrait", library::Shape::portrait},
                                                                   {"square", library::Shape::square}};
  add_table(
      *command,
      {
          {"--image", path(options->query.image, "FILE"), "an image to search with"},
          {"--like", text(options->query.like, "PHOTO"),
           "a photo of the library to search with: its path, which may be relative to the current folder or to a "
           "folder of the library, or at least the first 6 digits of its hash; it is not among the matches. Without "
           "texts, no model is loaded"},
          {"--plus", repeated(add_term(1), "TERM").checked(problem_of_term),
           "a text that is added to the query, with a weight after a colon if it is not 1; this option can be given "
           "several times"},
          {"--minus", repeated(add_term(-1), "TERM").checked(problem_of_term),
           "a text that is subtracted from the query, with a weight in the same way; this option can be given several "
           "times"},
          {"--top", whole(options->top, 1), "the maximum number of photos"},
          {"--min-score", real(options->min_score, 0, 1), "the minimum cosine of a photo",
           "photos with any cosine are found"},
          {"--from", text(options->filter.from, "DATE").checked(problem_of_date),
           "the first date of photos: 2019, 2019-07 or 2019-07-14"},
          {"--to", text(options->filter.to, "DATE").checked(problem_of_date),
           "the last date of photos, which is included"},
          {"--camera", text(options->filter.camera, "NAME"),
           "a part of the name of the camera, in upper or lower case"},
          {"--folder", path(options->folder, "DIR"), "the folder of photos"},
          {"--orientation", choice(options->filter.shape, shapes, "SHAPE"),
           "the shape of photos: landscape, portrait or square", "any"},
          {"--min-size", text(options->size, "SIZE").checked(problem_of_size),
           "the minimum size of photos: megapixels such as 12, or sides such as 1920x1080, in landscape or portrait",
           "photos of any size are found"},
          {"--min-rating", whole(options->min_rating, 0, 5),
           "the minimum rating of photos; photos without a rating are not found then",
           "photos with any rating or none are found"},
          {"--format",
           choice<SearchFormat>(options->format,
                                {{"table", SearchFormat::table},
                                 {"json", SearchFormat::json},
                                 {"paths", SearchFormat::paths},
                                 {"html", SearchFormat::html}},
                                "FORMAT"),
           "the output: table, json, paths or html"},
          {"--contact-sheet", path(options->sheet, "FILE").checked(problem_of_sheet),
           "a JPEG or PNG file that is written with small images of the matches"},
          {"--thumbnails",
           choice<Thumbnails>(options->thumbnails,
                              {{"auto", Thumbnails::automatic},
                               {"none", Thumbnails::none},
                               {"kitty", Thumbnails::kitty},
                               {"sixel", Thumbnails::sixel}},
                              "CHOICE"),
           "the small images in the table: auto shows them if the output is a terminal that says that it can show "
           "them; kitty and sixel are protocols of terminals"},
      });
  add_library_option(*command, options->library);
  add_store_option(*command, options->store);
  add_table(*command, {{"--exact", flag(options->exact),
                        "ignore the index of a store, which may miss photos, and compare all vectors; searches of a "
                        "library are always exact"}});
  add_library_model_options(*command, options->model);
  options->command = command;
  command->callback([options] {
    require_one_store(options->store, options->library);
    const SearchQuery& query = options->query;
    const bool adds = std::ranges::any_of(query.plus_minus, [](const auto& term) { return term.weight > 0; });
    if (query.words.empty() && query.image.empty() && query.like.empty() && !adds)
      throw CLI::RequiredError("a TEXT, --image, --like or --plus");
    if (!query.image.empty() && !query.like.empty()) throw CLI::ExcludesError("--image", "--like");
  });
  return [options] { return run_search(*options); };
}

}  // namespace e5v::app
