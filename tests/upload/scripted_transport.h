// A transport that asks a function for the answer, and keeps what was asked.

#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "upload/wire/http_transport.h"

namespace warmdump {

struct AskedRequest {
  HttpRequest request;
  std::string body;  // as it was read

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : request.headers) {
      if (key == name) return value;
    }
    return "";
  }
};

using AnswerScript = std::function<SendOutcome<HttpAnswer>(const AskedRequest& asked)>;

class ScriptedTransport final : public HttpTransport {
 public:
  ScriptedTransport(std::vector<AskedRequest>& asked, AnswerScript script)
      : asked_(asked), script_(std::move(script)) {}

  SendOutcome<HttpAnswer> exchange(const HttpRequest& request) override {
    AskedRequest asked{request, std::string(request.body_bytes, '\0')};
    for (std::size_t done = 0; done < asked.body.size();) {
      const auto part = std::as_writable_bytes(std::span(asked.body)).subspan(done);
      const std::size_t got = TRY(request.body->read(request.body_offset + done, part));
      if (got == 0) return SendFailure(Failure(ErrorCode::corrupt, "ends early"));
      done += got;
      if (request.done) request.done(done);
    }
    asked_.push_back(asked);
    return script_(asked);
  }

 private:
  std::vector<AskedRequest>& asked_;
  AnswerScript script_;
};

}  // namespace warmdump
