// ServerProcess: a program that a test starts on loopback and that does not outlive it. And what starting
// servers takes: loopback addresses, free ports, waiting, running tools. Everything throws std::runtime_error
// when it cannot.

#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace warmdump::test {

class ServerProcess {
 public:
  // In the foreground, by the path of the program; output goes to `log`. `environment` is "NAME=value", on
  // top of that of the test; `directory` is where it runs, empty for that of the test.
  ServerProcess(std::vector<std::string> command, std::filesystem::path log,
                std::vector<std::string> environment = {}, std::filesystem::path directory = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // SIGKILL, and waits for its end.
  void kill();
  // Once it has been killed: the same again.
  void start();
  bool is_running();
  // Waits until all of the ports answer. False when it has ended before, or they do not within two minutes.
  bool comes_up(std::initializer_list<std::uint16_t> ports);

 private:
  std::vector<std::string> command_;
  std::filesystem::path log_;
  std::vector<std::string> environment_;
  std::filesystem::path directory_;
  pid_t pid_ = -1;
};

sockaddr_in loopback(std::uint16_t port);
// A port of 127.0.0.1 that nobody listens at. Somebody else may take it before it is used: start again then.
std::uint16_t free_port();
bool answers(std::uint16_t port);
// Asks every 10 ms; false after two minutes.
bool comes_true(const std::function<bool()>& condition);
// By the shell; its output is in the message of the failure, else it is returned.
std::string run(const std::string& command);
// A word for the shell.
std::string quoted(const std::string& word);
// All of a file; empty when there is none.
std::string text_of(const std::filesystem::path& path);

}  // namespace warmdump::test
