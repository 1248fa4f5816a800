// Tells a service manager how things are, by datagrams to the socket that $NOTIFY_SOCKET names
// (sd_notify(3)). Without such a variable nothing happens, and nothing depends on anybody listening.

#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "common/hosted/unique_fd.h"

namespace warmdump {

class ServiceNotifier {
 public:
  // From the environment.
  ServiceNotifier();
  // `socket`: a path, or an abstract name behind '@'; others are ignored. `watchdog`: the manager's limit, 0:
  // none.
  ServiceNotifier(const std::string& socket, std::chrono::microseconds watchdog);

  void ready() { send("READY=1"); }
  void stopping() { send("STOPPING=1"); }
  // For people, one line; sent once a second at most unless `now`.
  void status(std::string_view text, bool now = true);
  // To be called while work goes on; sends no more than is needed. From any thread.
  void alive();
  // How long alive() may stay out; nothing is asked when 0.
  std::chrono::milliseconds alive_interval() const { return interval_; }

 private:
  void send(std::string_view text);

  UniqueFd socket_;
  std::chrono::milliseconds interval_{0};
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_alive_;
  std::chrono::steady_clock::time_point last_status_;
};

}  // namespace warmdump
