#pragma once
#include <filesystem>

namespace e5v {

/// Finds the files of a folder of the Hugging Face hub's cache ("models--org--name"): its snapshot of refs/main, or
/// else its only one. Any other path comes back as it is. Throws InvalidInput that names the snapshots when there are
/// several and none is main's, or when there is none.
std::filesystem::path hub_snapshot(const std::filesystem::path& path);

}  // namespace e5v
