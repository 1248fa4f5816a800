// Brokers that give tickets (put_ticket.h): a command of this machine, or a server.

#pragma once

#include <memory>
#include <string>

#include "upload/destination/destination.h"
#include "upload/destination/helper_program.h"
#include "upload/destination/http_place.h"
#include "upload/destination/put_ticket.h"

namespace warmdump {

// `command`: absolute path and arguments, parted by blanks; no shell reads it. It gets the request on
// standard input and writes the ticket to standard output. Exit code 0: that is the ticket; 75, a timeout and
// an end by a signal: again later; any other: nothing goes there until somebody changes something. The end of
// what it wrote to standard error is in the message.
Outcome<std::unique_ptr<TicketSource>> make_broker_command(const std::string& command,
                                                           const HelperLimits& limits = {});

// The request is POSTed to the place, as who we are there; the ticket is the body of a 200 or 201.
std::unique_ptr<TicketSource> make_broker_url(HttpPlace place);

}  // namespace warmdump
