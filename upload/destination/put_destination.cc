#include "upload/destination/put_destination.h"

#include <algorithm>

#include "upload/destination/server_words.h"
#include "upload/destination/wanted.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

const char* advice(unsigned status) {
  switch (status) {
    case 202:
      return "; that does not promise that the file is stored";
    case 207:
      return "; that is no answer to PUT";
    case 401:
      return "; check --credentials-file";
    case 403:
      return "; this client may not write there";
    case 404:
    case 409:
      return "; does the path exist on the server, and does it create missing directories?";
    case 405:
    case 501:
      return "; the server does not take PUT at this address";
    case 407:
      return "; a proxy is in the way";
    case 413:
      return "; the server's size limit is too small for this file";
    case 507:
      return "; the server is out of space";
    default:
      return "";
  }
}

class PutDestination final : public Destination {
 public:
  explicit PutDestination(HttpPlace place) : place_(std::move(place)) {}

  std::string name() const override { return place_.url.text(); }
  bool is_sent_in_the_clear() const override { return !place_.url.is_https; }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    session = {};
    session.protocol = "put";
    session.piece_size = object.size;
    Standing standing;
    standing.missing = {{1, 0, object.size}};
    return standing;
  }

  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession&, const Piece& piece,
                              const BytesDone& done) override {
    HttpRequest request = put_request(object, piece, done);
    request.url = place_.url.below(object.key);
    for (auto& header : place_.headers()) request.headers.push_back(std::move(header));

    auto answer = place_.transport->exchange(request);
    const std::string step = "cannot send " + request.url.text();
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    if (meaning_of_status(answer->status) != StatusMeaning::stored) return put_refusal(*answer).in(step);
    wants_.hear(object.key, *answer);
    return SentPiece{piece, quotable(answer->header("etag"))};
  }

  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    return ObjectReceipt{object.key, session.sent.empty() ? "" : session.sent.front().tag, ""};
  }

  void abandon(const ObjectToSend&, const TransferSession&) override {}

  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override {
    if (const auto heard = wants_.take(dump_key)) return heard;
    return ask_beside_manifest(place_, dump_key);
  }

 private:
  HttpPlace place_;
  HeardWants wants_;
};

}  // namespace

HttpRequest put_request(const ObjectToSend& object, const Piece& piece, const BytesDone& done) {
  HttpRequest request;
  request.headers = {{"Content-Type", object.content_type}};
  request.body = object.bytes;
  request.body_offset = piece.offset;
  request.body_bytes = piece.size;
  request.done = done;
  return request;
}

SendFailure put_refusal(const HttpAnswer& answer) {
  return refusal(answer, advice(answer.status));
}

std::unique_ptr<Destination> make_put_destination(HttpPlace place) {
  return std::make_unique<PutDestination>(std::move(place));
}

Outcome<std::unique_ptr<Destination>> make_put_destination(const std::string& address,
                                                           const DestinationOptions& options) {
  const Url url = TRY(parse_url(address));
  return make_put_destination(TRY(open_http_place(url, options)));
}

}  // namespace warmdump
