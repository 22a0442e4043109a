#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>

#include "serve/embedding_call.h"

namespace e5v::serve {

/// Called once for each item, with its images, or with the error of one of them. It may be called on the thread of the
/// fetcher, and for several items at once.
using ItemReady = std::function<void(std::size_t item, Item ready, std::exception_ptr error)>;

/// Fetches the images that the items of a call give as URLs, each URL once and a few at a time, and hands on each item
/// as soon as it has its images; one without URLs is handed on at once. The items are taken out of the call. After
/// `cancel`, items that wait for images fail as Cancelled.
void fetch_images(const std::shared_ptr<EmbeddingCall>& call, const std::stop_token& cancel, const ItemReady& ready);

}  // namespace e5v::serve
