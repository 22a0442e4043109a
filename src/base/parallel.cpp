#include "base/parallel.h"

namespace e5v {
namespace {

/// The pool's size as the environment sets it (OMP_NUM_THREADS), one thread per core otherwise; read while the program
/// starts, before anything changes it.
const int kDefaultThreads = omp_get_max_threads();

}  // namespace

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) { omp_set_num_threads(threads > 0 ? threads : kDefaultThreads); }

}  // namespace e5v
