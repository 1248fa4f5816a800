// A ticket: where one object may be PUT, with the right to do so in the address itself, such as a presigned
// URL of S3. Whoever has it can use it: it is never stored, and never shown with its query.
//
// A broker is asked with the JSON
//   {"schema": 1, "key": "lab/host-.../vmcore", "size": 123, "sha256": "...", "content_type": "..."}
// and answers with
//   {"url": "https://...?...", "headers": {"x-amz-acl": "private"}, "expires_in": 900, "want": "dump"}
// or, for what has arrived there before, with {"already_there": true}. "headers", "expires_in" (seconds; the
// clock of a machine that has just booted may be wrong, so it is no time of day) and "want" may be absent.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "upload/destination/destination.h"
#include "upload/wire/url.h"

namespace warmdump {

struct PutTicket {
  bool already_there = false;  // nothing is to be sent; the rest is empty
  Url url;
  std::string query = {};  // without '?', encoded, a secret
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<std::chrono::seconds> expires_in = {};
  std::optional<Destination::Want> want = {};
};

std::string ticket_request(const ObjectToSend& object);

// Failures are `invalid` and say what is wrong with the answer, without repeating a URL. Refused are
// addresses that are neither https nor on this machine, and headers that are the transport's own or could be
// two.
Outcome<PutTicket> parse_ticket(std::string_view json);

// Where tickets come from.
class TicketSource {
 public:
  virtual ~TicketSource() = default;
  // For messages and receipts, such as "https://broker.example/tickets"; never a secret.
  virtual std::string name() const = 0;
  // May be called by several threads at once.
  virtual SendOutcome<PutTicket> ticket_for(const ObjectToSend& object) = 0;
};

}  // namespace warmdump
