// Measures the exact search for the nearest vectors of single queries: rows of f16 in memory and their rounded form.
// With --check, compares each list with that of all products in double. With --vectors, searches the rows of a file.
#include "vectors/nearest.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "random_vectors.h"
#include "tensor/tensor.h"

namespace e5v::bench {
namespace {

struct NearestOptions {
  std::int64_t rows = 100'000, width = 4096, k = 100, queries = 7;
  int threads = 0;
  bool even = false, check = false, lists = false;
  std::filesystem::path vectors, query_vectors;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Candidates f16 [C, D] and queries f32 [Q, D].
struct Vectors {
  tensor::Tensor candidates, queries;
};

Vectors random_vectors(const NearestOptions& options) {
  const RandomVectors random(options.width, options.even);
  const auto width = static_cast<std::size_t>(options.width);
  Vectors vectors{{tensor::DType::f16, {options.rows, options.width}},
                  {tensor::DType::f32, {options.queries, options.width}}};
  const auto fill = [&](tensor::Tensor& halves, std::int64_t row, std::int64_t number) {
    random.fill(number, {reinterpret_cast<Half*>(halves.data()) + row * options.width, width});
  };
  parallel_for(options.rows, 256, [&](std::int64_t row) { fill(vectors.candidates, row, row); });
  tensor::Tensor queries(tensor::DType::f16, {options.queries, options.width});
  for (std::int64_t q = 0; q < options.queries; ++q) fill(queries, q, options.rows + q);
  vectors::copy_as_floats(tensor::matrix_of(queries.view()), 0, tensor::matrix_of(vectors.queries));
  return vectors;
}

tensor::Tensor read_rows(const std::filesystem::path& path, tensor::DType dtype, std::int64_t width) {
  const std::string bytes = read_file(path);
  const std::int64_t row_bytes = width * tensor::size_of(dtype);
  require(std::ssize(bytes) % row_bytes == 0, "[{}] has {} bytes, expected a multiple of {}", path.string(),
          bytes.size(), row_bytes);
  tensor::Tensor rows(dtype, {std::ssize(bytes) / row_bytes, width});
  std::memcpy(rows.data(), bytes.data(), bytes.size());
  return rows;
}

void measure(const NearestOptions& options) {
  if (options.threads > 0) set_thread_count(options.threads);
  const Vectors vectors = options.vectors.empty()
                              ? random_vectors(options)
                              : Vectors{read_rows(options.vectors, tensor::DType::f16, options.width),
                                        read_rows(options.query_vectors, tensor::DType::f32, options.width)};
  const tensor::ConstMatrix candidates_CD = tensor::matrix_of(vectors.candidates.view());
  vectors::NibbleBuffer rounded(options.width);
  const auto begin = std::chrono::steady_clock::now();
  rounded.append(candidates_CD);
  fmt::print("{} vectors of {} dimensions; rounded in {:.1f} s on {} threads\n", candidates_CD.rows, options.width,
             seconds_since(begin), thread_count());
  std::vector<double> times;
  for (std::int64_t q = 0; q < vectors.queries.shape()[0]; ++q) {
    const std::span<const float> query_D(tensor::matrix_of(vectors.queries).row<float>(q),
                                         static_cast<std::size_t>(options.width));
    vectors::NearestCounts counts;
    const auto start = std::chrono::steady_clock::now();
    const auto found = vectors::nearest(query_D, candidates_CD, rounded.rows(), options.k, {}, &counts);
    times.push_back(seconds_since(start));
    fmt::print(
        "query {}: {:.2f} ms; rows of the high plane {}, of the low one {}, vectors {}; cosines {:.4f} to {:.4f}\n", q,
        1e3 * times.back(), counts.high, counts.low, counts.exact, found.back().score, found.front().score);
    if (options.lists) {
      std::vector<std::int64_t> list;
      std::ranges::transform(found, std::back_inserter(list), &vectors::Neighbour::candidate);
      fmt::print("list {}\n", fmt::join(list, " "));
    }
    require(!options.check || std::ranges::equal(found, all_products(query_D, candidates_CD, options.k), {},
                                                 &vectors::Neighbour::candidate),
            "[bench] query {}: the list differs from that of all products", q);
  }
  std::ranges::sort(times);
  fmt::print("median {:.2f} ms{}\n", 1e3 * times[times.size() / 2],
             options.check ? "; all lists equal those of all products in double" : "");
}

int run(int argc, char** argv) {
  NearestOptions options;
  CLI::App app("measure the exact search for the nearest vectors of single queries", "bench_nearest");
  app.add_option("--rows", options.rows, "the number of vectors")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--width", options.width, "the number of dimensions")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  app.add_option("--k", options.k, "the length of the lists")->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--queries", options.queries, "the number of queries")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "the number of threads; 0 means all cores")->check(CLI::Range(0, 1024));
  app.add_flag("--even", options.even, "spread the vectors evenly over all directions, which is the worst case");
  app.add_flag("--check", options.check, "compare each list with that of all products in double");
  app.add_flag("--lists", options.lists, "print the indices of each list");
  auto* vectors = app.add_option("--vectors", options.vectors, "a file of rows of f16, instead of random vectors");
  auto* queries = app.add_option("--query-vectors", options.query_vectors, "a file of rows of f32, with --vectors");
  vectors->needs(queries), queries->needs(vectors);
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
    fmt::print(stderr, "bench_nearest: {}\n", error.what());
    return 1;
  }
}
