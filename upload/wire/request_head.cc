#include "upload/wire/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace warmdump {
namespace {

// What the transport sets itself, or what would change how the message is framed.
constexpr std::string_view kNotTheCallers[] = {
    "connection",          "content-length",   "expect", "keep-alive",
    "proxy-authorization", "proxy-connection", "te",     "trailer",
    "transfer-encoding",   "upgrade",
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lower;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_printable(std::string_view text, char least) {
  return std::all_of(text.begin(), text.end(), [least](char c) { return c >= least && c < 0x7f; });
}

SendFailure invalid(std::string message) {
  return Failure(ErrorCode::invalid, std::move(message));
}

}  // namespace

SendOutcome<std::string> request_head(const HttpRequest& request, const RequestHeadOptions& options) {
  if (!is_token(request.method)) return invalid("not a method of HTTP");
  // Anything above a blank but '#', which would end it.
  if (!is_printable(request.query, '!') || request.query.find('#') != std::string::npos) {
    return invalid("the query has a character that must be percent-encoded");
  }
  std::string head = request.method + " ";
  if (options.absolute_form) head += "http://" + request.url.authority();
  head += request.url.path.empty() ? "/" : request.url.path;
  if (!request.query.empty()) head += "?" + request.query;
  head += " HTTP/1.1\r\nHost: " + request.url.authority() + "\r\n";

  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return invalid("a header field has a name that is none");
    if (!is_printable(value, ' ')) {
      return invalid(fmt::format("the header field {} has characters that are not printable ASCII", name));
    }
    const std::string key = lower_case(name);
    if (key == "host" && value == request.url.authority()) continue;
    if (key == "host" ||
        std::find(std::begin(kNotTheCallers), std::end(kNotTheCallers), key) != std::end(kNotTheCallers)) {
      return invalid(fmt::format("the header field {} belongs to the connection", name));
    }
    head += fmt::format("{}: {}\r\n", name, value);
  }
  const bool has_body = request.body != nullptr || request.method == "PUT" || request.method == "POST" ||
                        request.method == "PATCH";
  if (has_body) head += fmt::format("Content-Length: {}\r\n", request.body_bytes);
  if (options.ask_first) head += "Expect: 100-continue\r\n";
  if (!options.proxy_authorization.empty())
    head += "Proxy-Authorization: " + options.proxy_authorization + "\r\n";
  return head + "\r\n";
}

std::string connect_head(const Url& target, const std::string& authorization) {
  const bool is_v6 = target.host.find(':') != std::string::npos;
  const std::string place = fmt::format("{}:{}", is_v6 ? "[" + target.host + "]" : target.host, target.port);
  std::string head = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", place);
  if (!authorization.empty()) head += "Proxy-Authorization: " + authorization + "\r\n";
  return head + "\r\n";
}

bool is_idempotent(const HttpRequest& request) {
  return request.method != "POST" && request.method != "PATCH";
}

}  // namespace warmdump
