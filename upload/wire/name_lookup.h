// The addresses of a host, within a deadline. The C library's lookup cannot be ended, so it runs on a thread
// of its own that is left behind when time is up. Neither a request nor the end of the program waits for it,
// and a second request for the same host joins the lookup that is under way instead of starting another.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

// Addresses as text, such as "192.0.2.1" or "2001:db8::1". May block for as long as it likes.
using NameResolver = std::function<Outcome<std::vector<std::string>>(const std::string& host)>;

// getaddrinfo(3) for TCP, in its order (RFC 6724).
NameResolver system_resolver();

class NameLookup {
 public:
  explicit NameLookup(NameResolver resolver = system_resolver());
  ~NameLookup();

  // At most 16 addresses, the two families in turn from the first one's on, so that a broken one costs
  // little. `not_found` or whatever the resolver says; `timed_out`. From any thread.
  Outcome<std::vector<std::string>> find(const std::string& host, std::chrono::milliseconds limit);

  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

// Families in turn, the order within each kept.
std::vector<std::string> in_turn(const std::vector<std::string>& addresses);

}  // namespace warmdump
