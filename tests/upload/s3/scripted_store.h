// ScriptedStore: an S3 service that answers as a test says. Only for what real ones never do when asked.

#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tests/upload/fault_server.h"

namespace warmdump {

class ScriptedStore {
 public:
  struct Request {
    std::string method;
    std::string target;  // with its query
    std::string header;  // as it came
    std::string body;
    // The value of a header, by its name as it was sent; empty when absent.
    std::string value_of(const std::string& name) const;
  };
  // The whole answer; empty to close the connection without one. Called for one request after the other.
  using Answer = std::function<std::string(const Request&)>;

  explicit ScriptedStore(Answer answer);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  // All so far, in order.
  std::vector<Request> requests() const;
  // "METHOD target" of each.
  std::vector<std::string> lines() const;

 private:
  void serve(FaultServer::Connection& connection);

  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  FaultServer server_;
};

// An answer with this status line and header lines ("a: b\r\n" each).
std::string answer_with(const std::string& status, const std::string& body = "",
                        const std::string& headers = "");
// One with an <Error> of this code.
std::string error_with(const std::string& status, const std::string& code, const std::string& headers = "");

}  // namespace warmdump
