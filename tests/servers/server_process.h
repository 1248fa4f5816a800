// ServerProcess: a program that a test starts on loopback and that does not outlive it. And what starting
// servers takes: free ports, waiting, running tools. Everything throws std::runtime_error when it cannot.

#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace warmdump::test {

class ServerProcess {
 public:
  // In the foreground, by the path of the program; output goes to `log`. `environment` is "NAME=value", on
  // top of that of the test.
  ServerProcess(std::vector<std::string> command, std::filesystem::path log,
                std::vector<std::string> environment = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // SIGKILL, and waits for its end.
  void kill();
  // Once it has been killed: the same again.
  void start();
  bool is_running();

 private:
  std::vector<std::string> command_;
  std::filesystem::path log_;
  std::vector<std::string> environment_;
  pid_t pid_ = -1;
};

// A port of 127.0.0.1 that nobody listens at. Somebody else may take it before it is used: start again then.
std::uint16_t free_port();
bool answers(std::uint16_t port);
// Asks every 50 ms; false after two minutes.
bool comes_true(const std::function<bool()>& condition);
// By the shell; its output is in the message of the failure, else it is returned.
std::string run(const std::string& command);
// A word for the shell.
std::string quoted(const std::string& word);

// ca.pem, other-ca.pem, and server.pem with server.key for "localhost", "*.s3.localhost" and 127.0.0.1.
void make_certificates(const std::filesystem::path& directory);

}  // namespace warmdump::test
