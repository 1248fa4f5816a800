#include "upload/destination/put_ticket.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "common/hosted/ascii.h"
#include "upload/destination/http_place.h"
#include "upload/destination/wanted.h"
#include "upload/wire/request_head.h"

namespace warmdump {
namespace {

using nlohmann::json;

constexpr std::size_t kQueryMax = 16 * 1024;
constexpr std::size_t kHeadersMax = 32;
constexpr std::size_t kHeaderBytesMax = 8 * 1024;
constexpr std::int64_t kExpiresMax = 30 * 24 * 60 * 60;

Failure bad(const std::string& why) {
  return Failure(ErrorCode::invalid, "the broker's answer " + why);
}

Outcome<void> take_url(const json& answer, PutTicket& ticket) {
  const auto found = answer.find("url");
  if (found == answer.end() || !found->is_string()) return bad("has no \"url\"");
  const auto text = found->get<std::string>();
  const auto question = std::min(text.find('?'), text.size());
  ticket.query = text.substr(std::min(question + 1, text.size()));
  if (ticket.query.size() > kQueryMax || !is_visible(ticket.query) ||
      ticket.query.find('#') != std::string::npos) {
    return bad("has a \"url\" whose query is too long or has odd characters");
  }
  const auto url = parse_url(text.substr(0, question));
  if (!url.has_value()) return bad("has a \"url\" that is no address: " + url.error().message);
  ticket.url = *url;
  if (!url->is_https && !is_loopback(*url)) {
    return bad("has a \"url\" without https at " + url->authority() + ": whoever sees it could use it");
  }
  return {};
}

Outcome<void> take_headers(const json& answer, PutTicket& ticket) {
  const auto found = answer.find("headers");
  if (found == answer.end() || found->is_null()) return {};
  if (!found->is_object()) return bad("has \"headers\" that are no object");
  std::size_t bytes = 0;
  for (const auto& [name, value] : found->items()) {
    if (!is_http_token(name) || !value.is_string()) return bad("has a header that cannot be one");
    const auto text = value.get<std::string>();
    bytes += name.size() + text.size();
    if (!is_printable(text)) return bad("has control characters in a header");
    if (is_field_of_transport(name)) {
      return bad("has the header " + name + ", which is not its to set");
    }
    ticket.headers.emplace_back(name, text);
  }
  if (ticket.headers.size() > kHeadersMax || bytes > kHeaderBytesMax) return bad("has too many headers");
  return {};
}

}  // namespace

std::string ticket_request(const ObjectToSend& object) {
  const nlohmann::ordered_json request = {{"schema", 1},
                                          {"key", object.key},
                                          {"size", object.size},
                                          {"sha256", object.sha256},
                                          {"content_type", object.content_type}};
  return request.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

Outcome<PutTicket> parse_ticket(std::string_view text) {
  // Deep nesting would be answered by deep recursion when the value is destroyed.
  if (std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{') > 64) {
    return bad("has too many levels");
  }
  const json answer = json::parse(text, nullptr, false);
  if (!answer.is_object()) return bad("is no JSON object");
  PutTicket ticket;
  if (const auto found = answer.find("want"); found != answer.end() && found->is_string()) {
    ticket.want = parse_want(found->get<std::string>());
  }
  if (const auto found = answer.find("already_there"); found != answer.end()) {
    if (!found->is_boolean()) return bad("has \"already_there\" that is neither true nor false");
    ticket.already_there = found->get<bool>();
    if (ticket.already_there) return ticket;
  }
  TRY(take_url(answer, ticket));
  TRY(take_headers(answer, ticket));
  if (const auto found = answer.find("expires_in"); found != answer.end() && !found->is_null()) {
    if (!found->is_number_integer() || *found < 1 || *found > kExpiresMax) {
      return bad("has \"expires_in\" that is no number of seconds");
    }
    ticket.expires_in = std::chrono::seconds(found->get<std::int64_t>());
  }
  return ticket;
}

}  // namespace warmdump
