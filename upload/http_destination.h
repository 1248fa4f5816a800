// The destination "http://..." or "https://...": each file is PUT to URL/<dump name>/<file name>.
//
// meta.json goes last: to readers it is the commit marker, a dump without it is not finished. The server must
// create missing collections by itself (nginx: create_full_put_path on). PUT replaces what is there, so
// sending a file again is harmless. Redirects are never followed. Credentials need https.

#pragma once

#include "upload/credentials.h"
#include "upload/destination.h"
#include "upload/http_transport.h"

namespace warmdump {

Outcome<std::unique_ptr<Destination>> make_http_destination(const std::string& address,
                                                            const DestinationOptions& options);

// The same over a given transport; credentials may be null.
std::unique_ptr<Destination> make_http_destination(Url url, std::unique_ptr<HttpTransport> transport,
                                                   std::unique_ptr<Credentials> credentials);

}  // namespace warmdump
