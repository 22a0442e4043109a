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

/// One thing that a request wants embedded.
struct Item {
  RequestInput input;
  RunOptions run = {};
  PrepareOptions prepare = {};
  std::string field = {};  ///< where it stands in the request: "input[3]"; empty for the only one
};

/// What a request wants embedded, whatever dialect it speaks.
struct EmbeddingCall {
  std::shared_ptr<const ServedModel> model;
  std::vector<Item> items = {};
  int priority = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  std::stop_token gone = {};  ///< the client has gone away
  std::string client = {};    ///< inputs of different clients take turns
  ImagePolicy images = {};    ///< says how images that are URLs are fetched
};

/// The vectors of a call, in the order of its items.
struct EmbeddedCall {
  std::vector<EmbeddedInput> vectors;
  std::int64_t tokens = 0;
  double seconds = 0;  ///< from the call to the last vector
};

/// Called once, on a thread of the embedder or of the fetcher, with the vectors or with the first error; an
/// InvalidInput is then a Refusal that names the item.
using CallDone = std::function<void(EmbeddedCall vectors, std::exception_ptr error)>;
/// Embeds all items of a call. When one fails, those that are not computed yet are cancelled.
void embed(EmbeddingCall call, CallDone done);

/// Called for each item as its vector comes, in any order, one call at a time.
using ItemDone = std::function<void(std::size_t item, EmbeddedInput vector, std::exception_ptr error)>;
/// Embeds the items of a call one by one; one that fails does not stop the others.
void embed_each(EmbeddingCall call, ItemDone done);

}  // namespace e5v::serve
