// What tests of the wire share: short limits, and requests to a port of this machine.

#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "upload/wire/http_transport.h"

namespace warmdump {

inline HttpLimits short_limits() {
  using namespace std::chrono_literals;
  HttpLimits limits;
  limits.lookup = limits.connect = limits.tls = limits.answer = limits.stall_window = 400ms;
  limits.continue_wait = limits.early_answer = 200ms;
  limits.stagger = 50ms;
  return limits;
}

inline HttpRequest request_to(const std::string& address, const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  request.url = std::move(parse_url(address).value());
  return request;
}

inline std::string on_loopback(std::uint16_t port, const std::string& path = "/x") {
  return fmt::format("http://127.0.0.1:{}{}", port, path);
}

// "201", or the failure's message.
inline std::string told(const SendOutcome<HttpAnswer>& outcome) {
  return outcome.has_value() ? std::to_string(outcome->status) : outcome.error().failure.message;
}

}  // namespace warmdump
