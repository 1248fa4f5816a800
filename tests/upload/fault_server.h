// FaultServer: a TCP server on loopback that misbehaves as scripted. Only for what a real server never does.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "common/hosted/unique_fd.h"

namespace warmdump {

class FaultServer {
 public:
  class Connection {
   public:
    Connection(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}
    // Up to and with the blank line; empty when the client went away first.
    std::string read_header();
    // Reads and drops; false when the client went away first.
    bool read_bytes(std::size_t bytes);
    // So many bytes; fewer when the client went away first.
    std::string read_text(std::size_t bytes);
    // False when the client is gone or the server is being stopped.
    bool send(std::string_view text);
    bool wait(std::chrono::milliseconds duration);
    // Bytes that the client has sent but nobody read; waits shortly for them.
    bool has_more();
    void reset();  // closes with RST
    int fd() const { return fd_; }

   private:
    int fd_;
    const std::atomic<bool>& stopping_;
  };
  // Called on the server's thread for one connection after the other, numbered from 0.
  using Script = std::function<void(Connection&, unsigned number)>;

  explicit FaultServer(Script script);
  ~FaultServer();
  std::uint16_t port() const { return port_; }
  unsigned connections() const { return connections_; }
  unsigned closed() const { return closed_; }  // of them, by the server

 private:
  void serve(const Script& script);

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> connections_{0};
  std::atomic<unsigned> closed_{0};
  std::thread thread_;
};

}  // namespace warmdump
