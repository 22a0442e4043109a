#include "net/tls.h"

#include <openssl/ssl.h>

#include "base/error.h"

namespace e5v::net {

std::shared_ptr<TlsContext> make_tls_context(const std::filesystem::path& certificate,
                                             const std::filesystem::path& key) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate.string(), error);
  require(!error, "[{}] expected a certificate in PEM: {}", certificate.string(), error.message());
  context->use_private_key_file(key.string(), TlsContext::pem, error);
  require(!error, "[{}] expected the private key of {} in PEM: {}", key.string(), certificate.string(),
          error.message());
  return context;
}

}  // namespace e5v::net
