#pragma once

namespace e5v::net {

/// Raises this process's limit of open files to what a number of connections needs. Returns how many connections are
/// possible then, which are fewer if the system does not allow the limit.
int fit_descriptors(int connections);

}  // namespace e5v::net
