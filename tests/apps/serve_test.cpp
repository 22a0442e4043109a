// How the server starts and ends. What it answers is tested in tests/serve, with a network in tests/net.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "apps/process.h"

namespace e5v::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Serve : public testing::Test {
 protected:
  static std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> all = with_model("serve", {"--access-log", "none"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// The port of a server that is ready.
  static int port_of(const Process& process) {
    for (int i = 0; i < 1000; ++i) {
      const std::string said = process.err_so_far();
      const std::size_t at = said.find("127.0.0.1:");
      if (at != std::string::npos && said.back() == '\n') return std::stoi(said.substr(at + 10));
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "the server is not ready: " << process.err_so_far();
    return 0;
  }
  static int connect(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    return socket;
  }
  /// A connection to the port over which a request was sent.
  static int send(int port, const std::string& body) {
    const int socket = connect(port);
    const std::string request =
        "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT_EQ(::send(socket, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    return socket;
  }
  /// Waits until a server has said this.
  static bool says(const Process& server, const std::string& text) {
    for (int i = 0; i < 1000 && server.err_so_far().find(text) == std::string::npos; ++i)
      std::this_thread::sleep_for(10ms);
    return server.err_so_far().find(text) != std::string::npos;
  }
  /// All that comes until the connection ends.
  static std::string receive(int socket) {
    std::string answer;
    char bytes[65536];
    for (ssize_t size; (size = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
      answer.append(bytes, static_cast<std::size_t>(size));
    ::close(socket);
    return answer;
  }
};

TEST_F(Serve, ASignalEndsItAfterWhatItHasAccepted) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process server(arguments({"--listen", "127.0.0.1:0"}));
    const int port = port_of(server);
    std::string inputs;
    for (int i = 0; i < 500; ++i) inputs += (i > 0 ? ",\"text " : "\"text ") + std::to_string(i) + "\"";
    const int waiting = send(port, "{\"input\":[" + inputs + "],\"dimensions\":1}");
    std::this_thread::sleep_for(50ms);
    server.send(signal);
    EXPECT_THAT(receive(waiting), testing::StartsWith("HTTP/1.1 200 OK"));
    EXPECT_TRUE(server.ends_within(5s));
    const Outcome outcome = server.wait();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.err, HasSubstr("all requests were answered\n"));
  }
}

TEST_F(Serve, HangingUpHasItReadItsKeysAgain) {
  const TemporaryFolder folder;
  const std::string keys = folder.write("keys", "a old\n").string();
  Process server(arguments({"--listen", "127.0.0.1:0", "--key-file", keys}));
  port_of(server);
  server.send(SIGHUP);
  EXPECT_TRUE(says(server, "e5v: the key file was read again\n"));
  EXPECT_THAT(server.err_so_far(), Not(HasSubstr("certificate")));
  EXPECT_FALSE(server.ends_within(100ms));
}

TEST_F(Serve, HangingUpWhileItLoadsHasItReadItsKeysWhenItIsReady) {
  const TemporaryFolder folder;
  const std::filesystem::path place = folder.path() / "socket";
  const std::string keys = folder.write("keys", "a old\n").string();
  Process server(arguments({"--listen", "unix:" + place.string(), "--key-file", keys}));
  for (int i = 0; i < 10'000 && !std::filesystem::exists(place); ++i) std::this_thread::sleep_for(1ms);
  server.send(SIGHUP);
  EXPECT_TRUE(says(server, "e5v: the key file was read again\n"));
}

TEST_F(Serve, WhatCannotBeReadAgainDoesNotHinderTheOther) {
  const TemporaryFolder folder;
  const std::string keys = folder.write("keys", "a old\n").string();
  const std::string certificate = (folder.path() / "certificate.pem").string();
  const std::string key = (folder.path() / "key.pem").string();
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-subj /CN=localhost -keyout '" +
      key + "' -out '" + certificate + "' 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  Process server(
      arguments({"--listen", "127.0.0.1:0", "--key-file", keys, "--tls-certificate", certificate, "--tls-key", key}));
  port_of(server);
  folder.write("keys", "# none\n");
  server.send(SIGHUP);
  EXPECT_TRUE(says(server, "e5v: the certificate was read again\n"));
  EXPECT_THAT(server.err_so_far(), HasSubstr("expected a key on each line, found none; the old key file stays in use"));
  folder.write("keys", "a new\n");
  folder.write("certificate.pem", "");
  server.send(SIGHUP);
  EXPECT_TRUE(says(server, "; the old certificate stays in use\n"));
  EXPECT_THAT(server.err_so_far(), HasSubstr("e5v: the key file was read again\n"));
}

TEST_F(Serve, WhatImagesMayBeFetchedIsChecked) {
  const std::vector<std::string> local = {"--listen", "127.0.0.1:0"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), local.begin(), local.end());
    return run(arguments(std::move(more)));
  };
  expect_failure(with({"--allow-image-host", "http://a.example/"}), 1,
                 "[http://a.example/] expected a host such as images.example.org");
  expect_failure(with({"--allow-image-host", "a.example", "--allow-image-network", "10.1.2.3/8"}), 1,
                 "[10.1.2.3/8] expected zeros after the first 8 bits");
  expect_failure(with({"--allow-image-network", "10.0.0.0/8"}), 2, "--allow-image-network: needs --allow-image-host");
}

TEST_F(Serve, AReaderOfTheAccessLogThatPausesStopsNothing) {
  const TemporaryFolder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int end = ::open(pipe.c_str(), O_RDWR);  // nobody reads from it
  Process server(with_model("serve", {"--access-log", pipe, "--listen", "127.0.0.1:0"}));
  const int port = port_of(server);
  for (int i = 0; i < 1500; ++i) ASSERT_THAT(receive(send(port, "")), testing::StartsWith("HTTP/1.1 400 ")) << i;
  server.send(SIGTERM);
  EXPECT_TRUE(server.ends_within(5s));
  EXPECT_THAT(server.wait().err, HasSubstr("all requests were answered\n"));
  ::close(end);
}

TEST_F(Serve, FewOpenFilesMeanFewConnections) {
  const std::string command = "ulimit -n 64 && exec \"$0\" \"$@\"";
  std::vector<std::string> words{"-c", command, E5V_PROGRAM};
  for (const std::string& word : arguments({"--listen", "127.0.0.1:0"})) words.push_back(word);
  const Process server(words, "/dev/null", "/bin/sh");
  const int port = port_of(server);
  EXPECT_THAT(server.err_so_far(), HasSubstr("only 32 connections are possible at a time, because the limit of open "
                                             "files is too low\n"));
  std::vector<int> idle;
  for (int i = 0; i < 80; ++i) idle.push_back(connect(port));
  EXPECT_THAT(receive(connect(port)), testing::StartsWith("HTTP/1.1 503 "));
  for (const int socket : idle) ::close(socket);
}

TEST_F(Serve, NamesOfModelsAreUtf8) {
  for (const char* option : {"--served-model-name", "--adapter"})
    expect_failure(run(arguments({"--listen", "127.0.0.1:0", option, "\xff=" + model_folder()})), 1,
                   "expected a name in UTF-8; give NAME=DIR");
  expect_failure(run({"serve", "--model", "\xff=" + model_folder(), "--listen", "127.0.0.1:0"}), 1,
                 "[\"\\xff\"] expected a name in UTF-8; give NAME=DIR");
}

TEST_F(Serve, WithoutKeysOnlyThisMachineMayUseIt) {
  expect_failure(run(arguments({"--listen", "0.0.0.0:0"})), 1, "other machines could use this server without a key");
  expect_failure(run(arguments({"--listen", "8080"})), 1, "[8080] expected HOST:PORT");
  expect_failure(run(arguments({"--tls-key", "key"})), 2, "--tls-certificate and --tls-key");
  expect_failure(run(arguments({"--model", model_folder(), "--listen", "127.0.0.1:0"})), 1,
                 "two models have this name");
}

}  // namespace
}  // namespace e5v::test
