// The destination "broker:[NAME]": each object is PUT, whole, in one request, to an address that a broker
// gives for it (put_ticket.h), such as a presigned URL of S3. The machine then has no secret of the store.
//
// --broker-command or --broker-url says who is asked. NAME is what messages and receipts call the place;
// without it the broker's own name is taken. Credentials go to the broker alone. A ticket is asked for right
// before it is used; one that has expired, or that the store refuses (400, 401, 403), is asked for once more.
//
// asked_for: "want" of the ticket for the manifest of the report.

#pragma once

#include "upload/destination/destination.h"
#include "upload/destination/put_ticket.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

Outcome<std::unique_ptr<Destination>> make_broker_destination(const std::string& address,
                                                              const DestinationOptions& options);

// `store` is the way to where the tickets are for.
std::unique_ptr<Destination> make_broker_destination(const std::string& name,
                                                     std::unique_ptr<TicketSource> broker,
                                                     std::unique_ptr<HttpTransport> store);

}  // namespace warmdump
