#pragma once
#include <string>
#include <vector>

#include "net/url.h"

namespace e5v::net {

/// The hosts that something may be fetched from.
class HostList {
 public:
  HostList() = default;
  /// Entries as add() takes them.
  explicit HostList(const std::vector<std::string>& entries);
  /// "images.example.org" is this host alone; "*.example.org" is every name that ends so, without example.org itself.
  /// An entry without a port is for the scheme's own port, 80 or 443; "HOST:PORT" is for this port alone. Throws
  /// InvalidInput.
  void add(const std::string& entry);
  bool allows(const Url& url) const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string name;         ///< in lower case
    int port = 0;             ///< 0: the scheme's own
    bool subdomains = false;  ///< of the name, instead of the name
  };
  std::vector<Entry> entries_;
};

}  // namespace e5v::net
