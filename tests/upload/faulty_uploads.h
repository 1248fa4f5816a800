// Uploads to a real server through a FaultRelay, judged by what the server then has: each object
// byte-identical, none missing, none double.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "tests/upload/fault_relay.h"
#include "upload/destination/destination.h"

namespace warmdump {

// A server that a test started, seen around the relay.
class ServerUnderTest {
 public:
  virtual ~ServerUnderTest() = default;
  virtual std::uint16_t port() const = 0;
  // Where uploads go when the server is reached at `port` of 127.0.0.1.
  virtual std::string address(std::uint16_t port) const = 0;
  virtual DestinationOptions options(std::uint16_t port) const = 0;
  // Every object it has: key as the uploader made it, SHA-256 of its bytes, read by other means than the
  // uploader's. A key that it has twice is there twice. Unfinished uploads are no objects.
  virtual std::multimap<std::string, std::string> objects() = 0;
  virtual void remove_all() = 0;
};

struct FaultyUploads {
  unsigned uploads = 6;
  ByteCount vmcore_bytes = 16 * kMiB;
  unsigned faults = 60;  // spread evenly over the uploads
  std::uint64_t seed = 1;
  FaultBounds bounds = {};
};

struct FaultyUploadsReport {
  unsigned uploads = 0;   // that ended well
  unsigned faults = 0;    // that happened
  unsigned runs = 0;      // of the uploader; more than the uploads when some gave up for the time being
  ByteCount payload = 0;  // of the dumps
  ByteCount sent = 0;     // of payload, damaged attempts included
  double seconds = 0;
  std::string account;  // of the faults, by kind
  std::string problem;  // empty: all is as it must be
};

// Sends dump after dump; every dump is other random bytes. Ends at the first problem. `say` gets a line an
// upload.
FaultyUploadsReport send_through_faults(ServerUnderTest& server, const FaultyUploads& wanted,
                                        const std::filesystem::path& directory,
                                        const std::function<void(const std::string&)>& say);

}  // namespace warmdump
