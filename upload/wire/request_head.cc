#include "upload/wire/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

// What the transport sets itself, or what would change how the message is framed.
constexpr std::string_view kNotTheCallers[] = {
    "host",       "connection",          "content-length",   "expect",
    "keep-alive", "proxy-authorization", "proxy-connection", "te",
    "trailer",    "transfer-encoding",   "upgrade",
};

SendFailure invalid(std::string message) {
  return Failure(ErrorCode::invalid, std::move(message));
}

}  // namespace

bool is_http_token(std::string_view text) {
  return !text.empty() && has_only_alphanumerics_and("!#$%&'*+-.^_`|~", text);
}

bool is_field_of_transport(std::string_view name) {
  return std::find(std::begin(kNotTheCallers), std::end(kNotTheCallers), lower_case(name)) !=
         std::end(kNotTheCallers);
}

SendOutcome<std::string> request_head(const HttpRequest& request, const RequestHeadOptions& options) {
  if (!is_http_token(request.method)) return invalid("not a method of HTTP");
  // Anything above a blank but '#', which would end it.
  if (!is_visible(request.query) || request.query.find('#') != std::string::npos) {
    return invalid("the query has a character that must be percent-encoded");
  }
  std::string head = request.method + " ";
  if (options.absolute_form) head += "http://" + request.url.authority();
  head += request.url.path.empty() ? "/" : request.url.path;
  if (!request.query.empty()) head += "?" + request.query;
  head += " HTTP/1.1\r\nHost: " + request.url.authority() + "\r\n";

  for (const auto& [name, value] : request.headers) {
    if (!is_http_token(name)) return invalid("a header field has a name that is none");
    if (!is_printable(value)) {
      return invalid(fmt::format("the header field {} has characters that are not printable ASCII", name));
    }
    if (lower_case(name) == "host" && value == request.url.authority()) continue;
    if (is_field_of_transport(name)) {
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
