#pragma once
#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>

namespace e5v::net {

using TlsContext = boost::asio::ssl::context;

/// Returns a context for TLS 1.2 and 1.3 with a PEM certificate chain and its private key. Throws InvalidInput, which
/// names the file.
std::shared_ptr<TlsContext> make_tls_context(const std::filesystem::path& certificate,
                                             const std::filesystem::path& key);

}  // namespace e5v::net
