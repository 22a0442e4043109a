#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "serve/images.h"
#include "serve/model_set.h"

namespace e5v::serve {

/// One input of a request.
struct Item {
  RequestInput input;
  RunOptions run = {};
  PrepareOptions prepare = {};
  std::string field = {};  ///< its field in the request: "input[3]"; empty if the request has a single input
};

/// The inputs and options of a request in any dialect.
struct EmbeddingCall {
  std::shared_ptr<const ServedModel> model;
  std::vector<Item> items = {};
  int priority = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  std::stop_token gone = {};  ///< stop is requested if the client disconnects
  std::string client = {};    ///< SubmitOptions::client
  ImagePolicy images = {};    ///< says how images that are URLs are fetched
};

/// The vectors of a call, in the order of its items.
struct EmbeddedCall {
  std::vector<EmbeddedInput> vectors;
  std::int64_t tokens = 0;
  double seconds = 0;        ///< from the call of embed() to the last vector
  double queue_seconds = 0;  ///< the longest time that an input waited in the queue
};

/// Receives the vectors or the first error. Called once, on a thread of the embedder or of the fetcher. An InvalidInput
/// is converted to a Refusal that names the item.
using CallDone = std::function<void(EmbeddedCall vectors, std::exception_ptr error)>;
/// Embeds all items of a call. If one fails, the items that are not computed yet are cancelled.
void embed(EmbeddingCall call, CallDone done);

/// Receives the vector or the error of each item, in the order of computation.
using ItemDone = std::function<void(std::size_t item, EmbeddedInput vector, std::exception_ptr error)>;
/// Embeds the items of a call independently: if one fails, the others are still computed. `done` has one call at a
/// time.
void embed_each(EmbeddingCall call, ItemDone done);

}  // namespace e5v::serve
