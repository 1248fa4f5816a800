// FaultRelay: a TCP relay on loopback, between a client and a real server, that cuts, stalls, throttles and
// delays connections by a seed. It changes no byte of what it lets through.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/hosted/unique_fd.h"
#include "tests/upload/fault.h"
#include "tests/upload/fault_link.h"

namespace warmdump {

class FaultRelay final : private FaultSource {
 public:
  // Listens on a free port of 127.0.0.1, relays to `server_port` there. Once `faults` have happened it breaks
  // nothing any more.
  FaultRelay(std::uint16_t server_port, std::uint64_t seed, unsigned faults, const FaultBounds& bounds = {});
  ~FaultRelay();

  std::uint16_t port() const { return port_; }
  unsigned connections() const { return connections_; }
  unsigned happened() const { return happened_; }
  // That passed from clients to the server.
  ByteCount client_bytes() const { return client_bytes_; }
  // What happened, for a report: "close 12, pause 7, ...".
  std::string account() const;
  // So many more faults from now on.
  void add_faults(unsigned faults) { budget_ += faults; }

 private:
  bool happens(Fault::Kind kind) override;
  void passed(ByteCount client_bytes) override { client_bytes_ += client_bytes; }
  Fault next() override { return draw_fault(random_, bounds_); }

  void serve();
  void accept_one();

  const std::uint16_t server_port_;
  const FaultBounds bounds_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<FaultLink>> links_;  // of the thread alone
  std::atomic<unsigned> budget_;
  std::atomic<unsigned> happened_{0};
  std::atomic<unsigned> connections_{0};
  std::atomic<ByteCount> client_bytes_{0};
  mutable std::mutex mutex_;
  std::map<Fault::Kind, unsigned> account_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace warmdump
