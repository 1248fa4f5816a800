// Destination: where objects can be sent. One small state machine for all of them:
//
//   open -> send, once for each missing piece -> finish        (abandon at any point)
//
// A reader at the destination sees an object whole or not at all. A destination neither retries nor waits nor
// stores anything: a failure says what helps (transfer/send_failure.h), transfer/transfer.h decides. What is
// done before may be done again: open after any failure, send of a piece that has arrived, finish of what is
// finished.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upload/source/dump_directory.h"
#include "upload/transfer/object_to_send.h"
#include "upload/transfer/send_failure.h"

namespace warmdump {

class Destination {
 public:
  virtual ~Destination() = default;

  // Identifies the place in messages, records and receipts, such as "https://sink.example/dumps": the same
  // name is the same place, also with other credentials. Never a secret.
  virtual std::string name() const = 0;

  // Can whoever sees the traffic read the dump? Callers warn then.
  virtual bool is_sent_in_the_clear() const { return false; }

  // How many pieces of one object may be sent at once, each by a thread of its own; 1 when they go in order.
  virtual unsigned pieces_at_once() const { return 1; }

  struct Standing {
    std::optional<ObjectReceipt> complete = {};  // the object is there as a whole, nothing is left to do
    std::vector<Piece> missing = {};             // in order; may be empty before finish
    ByteCount bytes_there = 0;                   // for the progress
  };
  // Brings `session` in line with what the server has, or begins one when it is empty or was begun by another
  // protocol. The caller stores it before it sends anything. begin_again: the server does not know it any
  // more.
  virtual SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) = 0;

  // Sends one piece. `done` gets the bytes of this piece so far, from the calling thread.
  virtual SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession& session,
                                      const Piece& piece, const BytesDone& done) = 0;

  // Makes the object visible and durable, as far as the destination can promise it. session.is_finishing was
  // stored before; session.sent has every piece.
  virtual SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) = 0;

  // Removes what an unfinished transfer left on the server, where that is possible.
  virtual void abandon(const ObjectToSend& object, const TransferSession& session) = 0;

  // What the server wants of a dump of which it has the report, when it says so: an answer header
  // "Warmdump-Want: dump | nothing | later" to the manifest of the report, or an object beside it. Empty: it
  // says nothing, the sender's own policy decides. Errors are as for send.
  enum class Want { dump, nothing, later };
  virtual SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) {
    (void)dump_key;
    return std::optional<Want>();
  }
};

// How a destination is reached; empty and 0 stand for the default. Which ones a scheme can use says its row
// in destination.cc. Secrets are never in here, only the files that have them (wire/secret_file.h). To
// add one: a member; a row in kOptions of destination.cc; its word in the rows of the schemes that use it;
// docs/UPLOAD.md.
struct DestinationOptions {
  std::string ca_file = {};                  // PEM roots that replace the system's
  std::string client_certificate_file = {};  // PEM chain that proves who we are, with ...
  std::string client_key_file = {};          // ... its key
  std::string credentials_file = {};         // who we are: see destination/credentials.h
  std::string proxy = {};                    // "http://host:port"
  std::string proxy_credentials_file = {};   // one line "user:password"
  std::string no_proxy = {};                 // hosts that are reached without it, by commas
  ByteCount bandwidth_bytes_per_second = 0;  // of all connections together
  ByteCount part_bytes = 0;                  // bytes of a piece of a large object
  std::string broker_command = {};           // program and arguments, at blanks: destination/broker_sources.h
  std::string broker_url = {};               // the same asked at an address

  // Of s3:// alone.
  std::string endpoint = {};                 // "https://host[:port]" of the service; AWS by default
  std::string region = {};                   // "us-east-1" by default
  std::string addressing = {};               // auto, path or virtual: where the bucket's name stands
  std::string checksum = {};                 // none, crc32c or sha256: beside MD5 and the signed SHA-256
  unsigned parallel_pieces = 0;              // parts of an object that are sent at once; 2 by default
  std::string profile = {};                  // section of credentials_file; "default" by default
  std::string credentials_from = {};         // see destination/s3/credentials_sources.h
  std::string role_arn = {};                 // a role that is taken on with ...
  std::string web_identity_token_file = {};  // ... this token
  std::string sts_endpoint = {};             // where; "https://sts.REGION.amazonaws.com" by default
  std::string server_side_encryption = {};   // AES256, aws:kms or aws:kms:dsse
  std::string kms_key_id = {};               // with aws:kms
};

// The destination at `address`; the schemes are in destination.cc. Options that the scheme cannot use are
// `invalid`, so that nobody believes in a protection that is not there.
Outcome<std::unique_ptr<Destination>> make_destination(const std::string& address,
                                                       const DestinationOptions& options);

}  // namespace warmdump
