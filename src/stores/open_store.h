#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "stores/photo_store.h"

namespace e5v::stores {

/// Opens a store to read it: the folder of a library, or an address, postgresql://... Throws InvalidInput if there is
/// none, or if the scheme of the address is not known.
std::unique_ptr<PhotoStore> open_store(const std::string& folder_or_url);
/// The same to write it; a library is made if there is none. `command` is the name of this process for others that want
/// to write the same library.
std::unique_ptr<PhotoStore> open_store(const std::string& folder_or_url, std::string_view command);

}  // namespace e5v::stores
