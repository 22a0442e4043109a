#include "library/reader.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace e5v::library {
namespace {

/// While a library is written, its vectors are read anew at most so often, and for at most a sixth of the time.
constexpr std::chrono::milliseconds kBetweenIndexes{500};
constexpr int kShareOfIndexes = 5;
/// So many attempts to open a library that is replaced at the same time.
constexpr int kAttempts = 10;

std::string setting_of(Catalogue& catalogue, std::string_view key) { return catalogue.setting(key).value_or(""); }

std::int64_t data_version(Database& database) { return database.number("PRAGMA data_version"); }

}  // namespace

LibraryReader::Commit::~Commit() {
  try {
    database.execute("COMMIT");
  } catch (const Error&) {  // the transaction has ended already
  }
}

LibraryReader::LibraryReader(std::filesystem::path folder) : folder_(std::move(folder)) {
  open();
  require(opened_->model().has_value(), "[{}] the library has no vectors yet: expected e5v index to have run",
          folder_.string());
  model_ = *opened_->model();
  model_text_ = setting_of(opened_->catalogue(), "model");
}

void LibraryReader::open() {
  const Clock::time_point start = Clock::now();
  index_.reset();  // its memory is for the new one
  opened_ = std::make_unique<Library>(folder_);
  const Commit end{opened_->catalogue().database()};  // the library has begun a transaction
  vectors_name_ = setting_of(opened_->catalogue(), "vectors");
  index_ = std::make_unique<PhotoIndex>(*opened_);
  data_version_ = data_version(opened_->catalogue().database());
  index_is_old_ = false;
  ++state_;
  const Clock::time_point now = Clock::now();
  next_index_ = now + std::max<Clock::duration>(kBetweenIndexes, kShareOfIndexes * (now - start));
}

void LibraryReader::notice_changes() {
  const std::int64_t version = data_version(opened_->catalogue().database());
  if (version == data_version_) return;
  data_version_ = version;
  index_is_old_ = true;
  ++state_;
}

bool LibraryReader::has_vectors_of_index() { return setting_of(opened_->catalogue(), "vectors") == vectors_name_; }

/// Begins a transaction whose catalogue names the vectors of the index.
void LibraryReader::begin() {
  if (!index_) open();  // an earlier call could not
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    notice_changes();
    if (index_is_old_ && Clock::now() >= next_index_) open();
    Database& database = opened_->catalogue().database();
    database.execute("BEGIN");
    if (has_vectors_of_index()) {
      if (setting_of(opened_->catalogue(), "model") == model_text_) return;
      database.execute("COMMIT");
      fail<InvalidInput>("[{}] the library has got another model since this server began; start the server again",
                         folder_.string());
    }
    database.execute("COMMIT");
    open();
  }
  fail<DeviceError>("[{}] the library is being replaced", folder_.string());
}

}  // namespace e5v::library
