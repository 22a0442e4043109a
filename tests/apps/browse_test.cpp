// e5v browse and e5v serve --library: how a library's page starts and ends. The page is tested in tests/page.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "apps/process.h"

namespace e5v::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Browse : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder.path() / "photos");
    std::filesystem::copy_file(E5V_DEMO_FOLDER "/gallery/noto-2764.jpg", folder.path() / "photos/heart.jpg");
    const Outcome outcome =
        run({"index", photos(), "--library", library(), "--model", E5V_DEMO_FOLDER "/model", "--threads", "1"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  std::string photos() const { return (folder.path() / "photos").string(); }
  std::string library() const { return (folder.path() / "library").string(); }

  /// The port in what a server has said when it is ready.
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
  /// The answer to a GET.
  static std::string get(int port, const std::string& path) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(socket, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string answer;
    char bytes[65536];
    for (ssize_t size; (size = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
      answer.append(bytes, static_cast<std::size_t>(size));
    ::close(socket);
    return answer;
  }

  TemporaryFolder folder;
};

TEST_F(Browse, ItPrintsTheAddressOfThePage) {
  Process server({"browse", "--library", library(), "--threads", "1"});
  const int port = port_of(server);
  EXPECT_THAT(server.err_so_far(),
              StartsWith("e5v: the photos are at http://127.0.0.1:" + std::to_string(port) + "/library\n"));
  EXPECT_THAT(get(port, "/library"), HasSubstr("<title>Photos</title>"));
  EXPECT_THAT(get(port, "/library/info"), HasSubstr("\"photos\":1,"));
  server.send(SIGINT);
  EXPECT_EQ(server.wait().code, 0);
}

TEST_F(Browse, TheModelIsThatOfTheLibrary) {
  Process server(
      {"serve", "--library", library(), "--threads", "1", "--listen", "127.0.0.1:0", "--access-log", "none"});
  const int port = port_of(server);
  EXPECT_THAT(server.err_so_far(), HasSubstr("serving demo/model at "));
  EXPECT_THAT(server.err_so_far(),
              HasSubstr("the photos are at http://127.0.0.1:" + std::to_string(port) + "/library\n"));
  EXPECT_THAT(get(port, "/v1/models"), HasSubstr("\"id\":\"demo/model\""));
  EXPECT_THAT(get(port, "/library/info"), HasSubstr("neither photos nor sentences"));
}

TEST_F(Browse, AnotherModelIsRefused) {
  const Outcome outcome = run({"serve", "--library", library(), "--model", golden("ckpt/tiny-small-f32"), "--threads",
                               "1", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("the library's vectors belong to another vector space"));
}

TEST_F(Browse, AnotherDtypeIsRefused) {
  const Outcome outcome =
      run({"serve", "--library", library(), "--dtype", "f32", "--threads", "1", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("expected arithmetic int8"));
}

TEST_F(Browse, ThereMustBeALibraryOrAModel) {
  Outcome outcome = run({"browse", "--library", (folder.path() / "none").string()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("there is no library of photos"));
  outcome = run({"serve"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--model or --library"));
  outcome = run({"serve", "--library", library(), "--adapter", "a=b"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--adapter"));
}

}  // namespace
}  // namespace e5v::test
