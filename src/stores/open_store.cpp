#include "stores/open_store.h"

#include "base/error.h"
#include "stores/library_store.h"
#include "stores/postgres/store.h"
#include "stores/rest/collection_store.h"
#include "stores/rest/milvus.h"
#include "stores/rest/qdrant.h"
#include "stores/store_url.h"

namespace e5v::stores {
namespace {

std::unique_ptr<PhotoStore> open_server(const StoreUrl& url) {
  if (url.scheme() == "postgresql" || url.scheme() == "postgres") return std::make_unique<postgres::Store>(url);
  if (url.scheme() == "milvus" || url.scheme() == "milvus+https")
    return std::make_unique<rest::CollectionStore>(std::make_unique<rest::Milvus>(url));
  if (url.scheme() == "qdrant" || url.scheme() == "qdrant+https")
    return std::make_unique<rest::CollectionStore>(std::make_unique<rest::Qdrant>(url));
  fail<InvalidInput>("[{}] expected an address that begins with postgresql://, milvus:// or qdrant://", url.name());
}

}  // namespace

std::unique_ptr<PhotoStore> open_store(const std::string& folder_or_url) {
  if (StoreUrl::is_url(folder_or_url)) return open_server(StoreUrl(folder_or_url));
  return std::make_unique<LibraryStore>(folder_or_url);
}

std::unique_ptr<PhotoStore> open_store(const std::string& folder_or_url, std::string_view command) {
  if (StoreUrl::is_url(folder_or_url)) return open_server(StoreUrl(folder_or_url));
  return std::make_unique<LibraryStore>(folder_or_url, command);
}

}  // namespace e5v::stores
