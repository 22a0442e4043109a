#include "net/tls.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "net/server.h"
#include "temporary_folder.h"

namespace e5v::net {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// A folder with a certificate for localhost and its key, made by the openssl program.
class Certificate : public testing::Test {
 protected:
  void SetUp() override {
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-keyout {0}/key.pem -out {0}/cert.pem 2>/dev/null",
        folder_.path().string());
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  test::TemporaryFolder folder_;
};

TEST_F(Certificate, WithItsKeyIsAContext) {
  EXPECT_NE(make_tls_context(folder_.path() / "cert.pem", folder_.path() / "key.pem"), nullptr);
}

TEST_F(Certificate, WhatIsNoneIsNamed) {
  folder_.write("junk", "junk");
  EXPECT_THAT([&] { make_tls_context(folder_.path() / "junk", folder_.path() / "key.pem"); },
              ThrowsMessage<InvalidInput>(HasSubstr("junk] expected a certificate in PEM")));
  EXPECT_THAT([&] { make_tls_context(folder_.path() / "cert.pem", folder_.path() / "missing"); },
              ThrowsMessage<InvalidInput>(HasSubstr("missing] expected the private key of")));
}

class Silent : public http::Handler {
 public:
  std::variant<http::BodyLimit, http::Response> admit(const http::Request&) override { return http::BodyLimit{1000}; }
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override {
    responder->send({200, "text/plain", "over TLS: " + request.body});
  }
  http::Response refuse(const http::Request&, int status, std::string_view) override { return {status}; }
  void completed(const http::Completed&) override {}
};

TEST_F(Certificate, AServerSpeaksTls) {
  Silent handler;
  Server server(
      {.listen = {"127.0.0.1:0"}, .certificate = folder_.path() / "cert.pem", .key = folder_.path() / "key.pem"},
      handler);
  server.start();
  const std::string address = server.addresses().front();
  EXPECT_THAT(address, testing::StartsWith("https://127.0.0.1:"));
  const std::string command = fmt::format(
      "printf 'POST / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\nhi' | "
      "openssl s_client -quiet -ign_eof -verify_return_error -CAfile {}/cert.pem -connect {} >{}/out 2>/dev/null",
      folder_.path().string(), address.substr(8), folder_.path().string());
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(folder_.read("out"), HasSubstr("over TLS: hi"));
  EXPECT_NO_THROW(server.reload_certificate());
  EXPECT_TRUE(server.drain(std::chrono::seconds(5)));
}

}  // namespace
}  // namespace e5v::net
