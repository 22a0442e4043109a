// Measures the search of a library of photos: a library with random vectors and metadata is made in a folder, unless it
// is there, and searched as e5v search does, without the model. With --check, compares each list with that of all
// products in double.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <filesystem>

#include "base/error.h"
#include "library/calibration.h"
#include "library/search.h"
#include "random_vectors.h"

namespace e5v::bench {
namespace {

namespace fs = std::filesystem;
using library::Library;

struct LibraryOptions {
  fs::path folder;
  std::int64_t photos = 100'000, width = 4096, queries = 7;
  bool check = false;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Of all threads. On a loaded machine it says more than the time that has passed.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Photo `row` was taken on one of 3,650 days, and lies in one of 100 folders.
void add_photo(Library& library, std::int64_t row) {
  library::Metadata metadata;
  metadata.width = 4000, metadata.height = 3000;
  metadata.taken = fmt::format("{}-{:02}-{:02}T12:00:00", 2010 + row % 10, row / 10 % 12 + 1, row / 120 % 28 + 1);
  metadata.camera = fmt::format("Camera {}", row % 7);
  const Hash128 hash = Hasher().add(fmt::format("{}", row)).digest();
  const library::FileStatus status{fmt::format("/photos/{:02}/{}.jpg", row % 100, row), 3'000'000, row};
  library::Catalogue& catalogue = library.catalogue();
  catalogue.add_photo(hash, row, metadata);
  catalogue.add_waiting(status);
  catalogue.set_done(catalogue.find(status.path)->id, status, hash);
}

void make_library(const LibraryOptions& options) {
  constexpr std::int64_t kBatch = 10'000;
  Library library(options.folder, "bench_library");
  library::ModelRecord model;
  model.folder = "/model";
  model.width = options.width;
  library.set_model(model);
  const RandomVectors random(options.width, false);
  std::vector<Half> halves(static_cast<std::size_t>(kBatch * options.width));
  for (std::int64_t begin = library.catalogue().rows(); begin < options.photos; begin += kBatch) {
    const std::int64_t count = std::min(kBatch, options.photos - begin);
    const auto row_of = [&](std::int64_t i) {
      return std::span(halves).subspan(static_cast<std::size_t>(i * options.width),
                                       static_cast<std::size_t>(options.width));
    };
    parallel_for(count, 64, [&](std::int64_t i) { random.fill(begin + i, row_of(i)); });
    for (std::int64_t i = 0; i < count; ++i)
      library.writer().add(
          std::span(reinterpret_cast<const tensor::Half*>(row_of(i).data()), static_cast<std::size_t>(options.width)));
    library.writer().flush();
    library::Transaction transaction(library.catalogue().database());
    for (std::int64_t i = 0; i < count; ++i) add_photo(library, begin + i);
    transaction.commit();
  }
  fmt::print("calibrated in {:.0f} ms\n", 1e3 * seconds_of([&] { calibrate(library); }));
}

std::vector<float> query_of(const LibraryOptions& options, std::int64_t number) {
  std::vector<Half> halves(static_cast<std::size_t>(options.width));
  RandomVectors(options.width, false).fill(options.photos + number, halves);
  std::vector<float> query(halves.size());
  const tensor::ConstMatrix row{reinterpret_cast<const std::byte*>(halves.data()), tensor::DType::f16, 1, options.width,
                                options.width};
  vectors::copy_as_floats(row, 0, vectors::matrix_of_floats(query, 1));
  return query;
}

/// A search for the first 100 photos, with the details of 10, as a page shows them.
void search(Library& library, const library::PhotoIndex& index, const LibraryOptions& options, const char* name,
            const library::Filter& filter) {
  library::Database& database = library.catalogue().database();
  std::vector<double> times, masks, cpu_times, cpu_masks;
  for (std::int64_t q = 0; q < options.queries; ++q) {
    const std::vector<float> query = query_of(options, q);
    library::AllowedRows allowed;
    std::vector<library::Found> found;
    const double before = cpu_seconds();
    masks.push_back(seconds_of([&] { allowed = allowed_mask(database, filter, index.rows()); }));
    const double between = cpu_seconds();
    cpu_masks.push_back(between - before);
    times.push_back(seconds_of([&] {
      found = index.search(query, allowed, 100, -1);
      for (std::size_t i = 0; i < std::min<std::size_t>(10, found.size()); ++i) photo_of_row(database, found[i].row);
    }));
    cpu_times.push_back(cpu_seconds() - between);
    if (!options.check || !filter.is_empty()) continue;
    require(std::ranges::equal(found, all_products(query, library.vectors()->matrix(), 100), {}, &library::Found::row),
            "[bench] query {}: the list differs from that of all products", q);
  }
  const auto median = [](std::vector<double> all) {
    std::ranges::sort(all);
    return 1e3 * all[all.size() / 2];
  };
  fmt::print(
      "{}: filter {:.1f} ms, search {:.1f} ms (medians of {}; the first one {:.1f} and {:.1f} ms); CPU time {:.1f} and "
      "{:.1f} ms\n",
      name, median(masks), median(times), options.queries, 1e3 * masks.front(), 1e3 * times.front(), median(cpu_masks),
      median(cpu_times));
}

void measure(const LibraryOptions& options) {
  if (!Library::exists(options.folder) || Library(options.folder).catalogue().rows() < options.photos)
    fmt::print("made in {:.0f} s\n", seconds_of([&] { make_library(options); }));
  std::optional<Library> library;
  std::optional<library::PhotoIndex> index;
  const double opened = seconds_of([&] { library.emplace(options.folder), index.emplace(*library); });
  fmt::print("{} photos, {} dimensions, {} threads; opened in {:.1f} ms\n", index->rows(), options.width,
             thread_count(), 1e3 * opened);
  search(*library, *index, options, "no filter", {});
  search(*library, *index, options, "a year", {.from = "2015", .to = "2015"});
  search(*library, *index, options, "a camera", {.camera = "camera 3"});
  search(*library, *index, options, "a folder", {.folder = "/photos/42"});
  if (options.check) fmt::print("all lists without a filter equal those of all products in double\n");
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("peak memory, with pages of the mapped files: {} MiB\n", usage.ru_maxrss / 1024);
}

int run(int argc, char** argv) {
  LibraryOptions options;
  CLI::App app("measure the search of a library of photos", "bench_library");
  app.add_option("folder", options.folder, "the folder of the library, which is made if it does not exist")->required();
  app.add_option("--photos", options.photos, "the number of photos")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--width", options.width, "the number of dimensions")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  app.add_option("--queries", options.queries, "the number of queries")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_flag("--check", options.check, "compare lists without a filter with those of all products in double");
  CLI11_PARSE(app, argc, argv);
  measure(options);
  return 0;
}

}  // namespace
}  // namespace e5v::bench

int main(int argc, char** argv) {
  try {
    return e5v::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_library: {}\n", error.what());
    return 1;
  }
}
