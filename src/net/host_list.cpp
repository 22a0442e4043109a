#include "net/host_list.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/error.h"

namespace e5v::net {
namespace {

constexpr int kLastPort = 65535;

bool is_name(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {  // an address of IPv6
    return text.size() > 2 && text.find_first_not_of("0123456789abcdef:.", 1) == text.size() - 1;
  }
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

}  // namespace

HostList::HostList(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) add(entry);
}

void HostList::add(const std::string& text) {
  Entry entry{ascii_lower(text)};
  bool is_port = true;
  const std::size_t colon = entry.name.rfind(':');
  if (colon != std::string::npos && !entry.name.ends_with(']')) {
    const char* const end = entry.name.data() + entry.name.size();
    const auto [rest, problem] = std::from_chars(entry.name.data() + colon + 1, end, entry.port);
    is_port = problem == std::errc() && rest == end && entry.port > 0 && entry.port <= kLastPort;
    entry.name.resize(colon);
  }
  entry.subdomains = entry.name.starts_with("*.");
  if (entry.subdomains) entry.name.erase(0, 2);
  require(is_port && is_name(entry.name),
          "[{}] expected a host such as images.example.org, *.example.org or images.example.org:8443", text);
  entries_.push_back(std::move(entry));
}

bool HostList::allows(const Url& url) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    if (entry.port == 0 ? !url.has_default_port() : entry.port != url.port()) return false;
    return entry.subdomains ? url.host().ends_with("." + entry.name) : url.host() == entry.name;
  });
}

}  // namespace e5v::net
