#include "tests/upload/s3/scripted_store.h"

#include <cstdlib>

namespace warmdump {

std::string ScriptedStore::Request::value_of(const std::string& name) const {
  const std::string start = "\r\n" + name + ": ";
  const auto at = header.find(start);
  if (at == std::string::npos) return "";
  return header.substr(at + start.size(), header.find("\r\n", at + start.size()) - at - start.size());
}

ScriptedStore::ScriptedStore(Answer answer)
    : answer_(std::move(answer)),
      server_([this](FaultServer::Connection& connection, unsigned) { serve(connection); }) {}

void ScriptedStore::serve(FaultServer::Connection& connection) {
  for (;;) {
    Request request;
    request.header = connection.read_header();
    if (request.header.empty()) return;
    const auto first = request.header.find(' ');
    request.method = request.header.substr(0, first);
    request.target = request.header.substr(first + 1, request.header.find(' ', first + 1) - first - 1);
    if (!request.value_of("Expect").empty()) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    request.body =
        connection.read_text(std::strtoull(request.value_of("Content-Length").c_str(), nullptr, 10));
    {
      const std::lock_guard guard(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = answer_(request);
    if (answer.empty() || !connection.send(answer)) return;
    if (answer.find("Connection: close") != std::string::npos) return;
  }
}

std::vector<ScriptedStore::Request> ScriptedStore::requests() const {
  const std::lock_guard guard(mutex_);
  return requests_;
}

std::vector<std::string> ScriptedStore::lines() const {
  std::vector<std::string> lines;
  for (const auto& request : requests()) lines.push_back(request.method + " " + request.target);
  return lines;
}

std::string answer_with(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + body;
}

std::string error_with(const std::string& status, const std::string& code, const std::string& headers) {
  return answer_with(status, "<Error><Code>" + code + "</Code><Message>as scripted</Message></Error>",
                     headers);
}

}  // namespace warmdump
