#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stores/postgres/connection.h"
#include "stores/shared_index.h"

namespace e5v::stores::postgres {

/// The files of a store in PostgreSQL. Claims are columns of their rows, which are chosen with SKIP LOCKED, so that no
/// program waits for another one.
class Files : public SharedFiles {
 public:
  /// `connection` is that of the store, for the functions that are called on its thread; claims have one of their own.
  explicit Files(Connection& connection);
  ~Files() override;

  library::Changes record(const std::string& folder, const library::Walked& walked) override;
  void begin_claims(std::span<const std::string> folders, std::chrono::milliseconds time) override;
  std::vector<library::FileEntry> claim(std::int64_t count) override;
  void forget(std::int64_t file) override;
  bool has_photo(const Hash128& hash) override;
  std::int64_t waiting() override;
  library::Indexed commit(const library::IndexBatch& batch) override;
  void end_claims() noexcept override;
  void retry_failed() override;
  std::int64_t purge() override;
  void rebuild(const library::ModelRecord& model) override;
  library::Counts counts() override;
  std::vector<library::FileEntry> failed() override;

 private:
  void renew_until_stopped();
  std::string folders_sql(std::vector<Value>& values) const;

  Connection& connection_;
  const std::string program_;  // this one, as others see it
  std::string model_;          // whose vectors are written

  std::mutex mutex_;  // of the members below
  std::unique_ptr<Connection> claims_;
  std::vector<std::string> folders_;
  std::chrono::milliseconds time_{0};
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread renewal_;
};

/// A setting that a store has when it has a model.
inline constexpr const char* kModelSetting = "model";

}  // namespace e5v::stores::postgres
