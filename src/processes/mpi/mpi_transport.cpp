// The engine of processes on MPI: the only source that sees mpi.h.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "processes/transport.h"

namespace e5v::processes {
namespace {

constexpr int kTag = 0;
constexpr std::size_t kLargestPiece = std::size_t{1} << 30;  // counts are int

/// MPI's own waiting keeps a core busy, which the compute of other processes may need: wait busily for as long as a
/// short exchange takes, then with pauses.
void wait_for(MPI_Request request) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    const auto waited = Clock::now() - begin;
    if (waited < std::chrono::microseconds(500)) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(waited < std::chrono::milliseconds(50) ? 50 : 500));
    }
  }
}

class MpiTransport : public Transport {
 public:
  MpiTransport() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }

  int index() const override { return rank_; }
  int size() const override { return size_; }

  void broadcast(std::span<char> bytes) override {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), kLargestPiece);
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Ibcast(bytes.data(), static_cast<int>(count), MPI_CHAR, 0, MPI_COMM_WORLD, &request);
      wait_for(request);
      bytes = bytes.subspan(count);
    }
  }

  void gather(std::span<const char> mine, std::span<const int> counts, std::span<char> all) override {
    std::vector<int> offsets(counts.size(), 0);
    for (std::size_t r = 1; r < counts.size(); ++r) offsets[r] = offsets[r - 1] + counts[r - 1];
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), MPI_CHAR, all.data(), counts.data(), offsets.data(),
                    MPI_CHAR, MPI_COMM_WORLD, &request);
    wait_for(request);
  }

  void exchange(std::span<const char> parts, std::span<char> received) override {
    const int count = static_cast<int>(parts.size()) / size_;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ialltoall(parts.data(), count, MPI_CHAR, received.data(), count, MPI_CHAR, MPI_COMM_WORLD, &request);
    wait_for(request);
  }

  void barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait_for(request);
  }

  void post(int to, std::string message) override {
    Message& posted = outgoing_.emplace_back();
    posted.bytes = std::move(message);
    MPI_Isend(posted.bytes.data(), static_cast<int>(posted.bytes.size()), MPI_CHAR, to, kTag, MPI_COMM_WORLD,
              &posted.request);
  }

  std::size_t unsent() override {
    std::erase_if(outgoing_, [](Message& message) {
      int done = 0;
      MPI_Test(&message.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
    return outgoing_.size();
  }

  std::optional<std::string> try_receive(int from) override {
    const auto known = incoming_.find(from);
    if (known == incoming_.end() && !begin_receive(from)) return std::nullopt;
    Message& message = incoming_.at(from);
    int done = 0;
    MPI_Test(&message.request, &done, MPI_STATUS_IGNORE);
    if (done == 0) return std::nullopt;
    std::string bytes = std::move(message.bytes);
    incoming_.erase(from);
    return bytes;
  }

  void finish() override {
    barrier();
    MPI_Finalize();
  }

  [[noreturn]] void abort(int code) override {
    MPI_Abort(MPI_COMM_WORLD, code);
    ::_exit(code);
  }

 private:
  /// Bytes that MPI is at; they keep their place until the request is done.
  struct Message {
    std::string bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  /// True when a message has come and is being received.
  bool begin_receive(int from) {
    int found = 0, count = 0;
    MPI_Message waiting = MPI_MESSAGE_NULL;
    MPI_Status status;
    MPI_Improbe(from, kTag, MPI_COMM_WORLD, &found, &waiting, &status);
    if (found == 0) return false;
    MPI_Get_count(&status, MPI_CHAR, &count);
    Message& message = incoming_[from];
    message.bytes.resize(static_cast<std::size_t>(count));
    MPI_Imrecv(message.bytes.data(), count, MPI_CHAR, &waiting, &message.request);
    return true;
  }

  int rank_ = 0, size_ = 1;
  std::list<Message> outgoing_;
  std::map<int, Message> incoming_;
};

}  // namespace
}  // namespace e5v::processes

extern "C" __attribute__((visibility("default"))) e5v::processes::Transport* e5v_processes_open() {
  return new e5v::processes::MpiTransport();
}
