#include "upload/destination/tus_destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "upload/destination/piece_digest.h"
#include "upload/destination/server_words.h"
#include "upload/destination/tus_protocol.h"
#include "upload/destination/tus_refusal.h"
#include "upload/destination/wanted.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

constexpr std::string_view kScheme = "tus+";
constexpr std::string_view kProtocol = "tus";

bool is_success(const HttpAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

ByteCount end_of(const Piece& piece) {
  return piece.offset + piece.size;
}

SendFailure not_tus(const HttpAnswer& answer, const std::string& lacks) {
  return {Failure(ErrorCode::unsupported,
                  status_text(answer) + " without " + lacks + "; is there a tus server at this address?"),
          Remedy::change_sink};
}

class TusDestination final : public Destination {
 public:
  TusDestination(HttpPlace place, ByteCount piece_bytes)
      : place_(std::move(place)), piece_bytes_(piece_bytes) {}

  std::string name() const override { return std::string(kScheme) + place_.url.text(); }
  bool is_sent_in_the_clear() const override { return !place_.url.is_https; }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    TRY(learn_abilities(object));
    if (session.protocol == kProtocol && session.piece_size > 0 &&
        tus::upload_address(place_.url, session.id).has_value()) {
      return look(object, session);
    }
    return create(object, session);
  }

  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession& session, const Piece& piece,
                              const BytesDone& done) override {
    const ByteCount end = end_of(piece);
    for (ByteCount offset = piece.offset; offset < end;) {
      offset = TRY(send_rest(object, session, offset, end,
                             [&](ByteCount bytes) { done(offset - piece.offset + bytes); }));
    }
    return SentPiece{piece, ""};
  }

  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    const HttpAnswer answer = TRY(ask("HEAD", object, session));
    // A server that takes finished uploads away has nothing to show any more, but has confirmed the last
    // byte.
    const bool is_taken_away = (answer.status == 404 || answer.status == 410) && !session.sent.empty() &&
                               end_of(session.sent.back().piece) == object.size;
    if (!is_success(answer) && !is_taken_away) {
      return tus_refusal(answer, TusStep::look).in(step_text("finish", object));
    }
    if (is_success(answer)) {
      const ByteCount offset = TRY(offset_of(answer, object));
      if (offset < object.size) {
        return SendFailure(
            Failure(ErrorCode::io, fmt::format("{}: the server has {} of {} bytes",
                                               step_text("finish", object), offset, object.size)),
            Remedy::wait);
      }
    }
    return receipt(object, session, answer);
  }

  void abandon(const ObjectToSend& object, const TransferSession& session) override {
    if (session.protocol != kProtocol || (abilities_ && !abilities_->can_terminate)) return;
    [[maybe_unused]] const auto ignored = ask("DELETE", object, session);
  }

  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override {
    if (const auto heard = wants_.take(dump_key)) return heard;
    return ask_beside_manifest(place_, dump_key);
  }

 private:
  std::string step_text(const char* doing, const ObjectToSend& object) const {
    return fmt::format("cannot {} {} at {}", doing, object.key, name());
  }

  HttpRequest request_for(const char* method) const {
    HttpRequest request;
    request.method = method;
    request.url = place_.url;
    request.headers = place_.headers();
    request.headers.emplace_back("Tus-Resumable", tus::kVersion);
    return request;
  }

  // A request without a body about an upload that is there.
  SendOutcome<HttpAnswer> ask(const char* method, const ObjectToSend& object,
                              const TransferSession& session) {
    HttpRequest request = request_for(method);
    auto address = TRY(tus::upload_address(place_.url, session.id));
    request.url = std::move(address.url);
    request.query = std::move(address.query);
    auto answer = place_.transport->exchange(request);
    if (!answer.has_value()) return std::move(answer.error()).in(step_text("look at", object));
    wants_.hear(object.key, *answer);
    return std::move(*answer);
  }

  // Once for this destination; a server that does not answer OPTIONS is taken as one that can create alone.
  SendOutcome<void> learn_abilities(const ObjectToSend& object) {
    const std::lock_guard lock(mutex_);
    if (!abilities_) {
      const auto answer = place_.transport->exchange(request_for("OPTIONS"));
      if (!answer.has_value()) return SendFailure(answer.error()).in(step_text("send", object));
      if (meaning_of_status(answer->status) == StatusMeaning::temporary && answer->status != 501) {
        return tus_refusal(*answer, TusStep::create).in(step_text("send", object));
      }
      abilities_ = is_success(*answer) ? tus::read_abilities(*answer) : tus::Abilities();
    }
    if (!abilities_->speaks_our_version) {
      return SendFailure(Failure(ErrorCode::unsupported, name() + " does not speak tus 1.0.0"),
                         Remedy::change_sink);
    }
    if (abilities_->size_max && object.size > *abilities_->size_max) {
      return SendFailure(Failure(ErrorCode::no_space,
                                 fmt::format("{}: it has {} bytes, the server takes at most {}",
                                             step_text("send", object), object.size, *abilities_->size_max)),
                         Remedy::give_dump_up);
    }
    return {};
  }

  SendOutcome<Standing> create(const ObjectToSend& object, TransferSession& session) {
    HttpRequest request = request_for("POST");
    request.headers.emplace_back("Upload-Length", std::to_string(object.size));
    request.headers.emplace_back("Upload-Metadata", tus::metadata_text(object));
    auto answer = place_.transport->exchange(request);
    const std::string step = step_text("begin", object);
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    if (!is_success(*answer)) return tus_refusal(*answer, TusStep::create).in(step);
    if (answer->status != 201) return not_tus(*answer, "\"201 Created\"").in(step);
    auto id = tus::resolve_location(place_.url, answer->header("location"));
    if (!id.has_value()) return SendFailure(std::move(id.error()), Remedy::change_sink).in(step);
    wants_.hear(object.key, *answer);
    session = {};
    session.protocol = kProtocol;
    session.id = std::move(*id);
    session.piece_size = piece_bytes_;
    session.expires = tus::parse_date(answer->header("upload-expires"));
    return standing_at(0, object, session);
  }

  SendOutcome<Standing> look(const ObjectToSend& object, TransferSession& session) {
    const HttpAnswer answer = TRY(ask("HEAD", object, session));
    const std::string step = step_text("go on with", object);
    if (!is_success(answer)) return tus_refusal(answer, TusStep::look).in(step);
    auto offset = offset_of(answer, object);
    if (!offset.has_value()) return std::move(offset.error()).in(step);
    if (const auto expires = tus::parse_date(answer.header("upload-expires")); expires != 0) {
      session.expires = expires;
    }
    if (is_expired(session, answer) && *offset < object.size) {
      return SendFailure(Failure(ErrorCode::not_found, step + ": the upload has expired on the server"),
                         Remedy::begin_again);
    }
    if (*offset < object.size) return standing_at(*offset, object, session);
    Standing standing;
    standing.complete = receipt(object, session, answer);
    standing.bytes_there = object.size;
    return standing;
  }

  // By the server's own clock: ours may be wrong. Without one the server's answers decide.
  static bool is_expired(const TransferSession& session, const HttpAnswer& answer) {
    const std::time_t now = tus::parse_date(answer.header("date"));
    return session.expires != 0 && now != 0 && answer.header("upload-expires") != "" &&
           now >= session.expires;
  }

  Standing standing_at(ByteCount offset, const ObjectToSend& object, TransferSession& session) const {
    session.sent.clear();
    Standing standing;
    standing.missing = tus::pieces_from(offset, object.size, session.piece_size);
    standing.bytes_there = offset;
    return standing;
  }

  // Of an answer that says what the server has.
  SendOutcome<ByteCount> offset_of(const HttpAnswer& answer, const ObjectToSend& object) const {
    const auto offset = tus::parse_offset(answer.header("upload-offset"));
    if (!offset) return not_tus(answer, "a proper Upload-Offset");
    const auto length = tus::parse_offset(answer.header("upload-length"));
    if (*offset > object.size || (length && *length != object.size)) {
      return SendFailure(
          Failure(ErrorCode::corrupt, fmt::format("the server has {} of {} bytes, the file has {}; it is not "
                                                  "this upload, it begins again",
                                                  *offset, length.value_or(object.size), object.size)),
          Remedy::begin_again);
    }
    return *offset;
  }

  // Sends from `offset` on; how far the server then is, which is at least one byte further.
  SendOutcome<ByteCount> send_rest(const ObjectToSend& object, const TransferSession& session,
                                   ByteCount offset, ByteCount end, const BytesDone& done) {
    HttpRequest request = request_for("PATCH");
    auto address = TRY(tus::upload_address(place_.url, session.id));
    request.url = std::move(address.url);
    request.query = std::move(address.query);
    request.headers.emplace_back("Content-Type", "application/offset+octet-stream");
    request.headers.emplace_back("Upload-Offset", std::to_string(offset));
    if (abilities_ && !abilities_->checksum_algorithm.empty()) {
      const auto digest =
          TRY(piece_digest_base64(*object.bytes, offset, end - offset, abilities_->checksum_algorithm));
      request.headers.emplace_back("Upload-Checksum", abilities_->checksum_algorithm + " " + digest);
    }
    request.body = object.bytes;
    request.body_offset = offset;
    request.body_bytes = end - offset;
    request.done = done;
    auto answer = place_.transport->exchange(request);
    const std::string step = step_text("send", object);
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    if (!is_success(*answer)) return tus_refusal(*answer, TusStep::send).in(step);
    wants_.hear(object.key, *answer);
    const auto now_there = tus::parse_offset(answer->header("upload-offset"));
    if (!now_there) return not_tus(*answer, "a proper Upload-Offset").in(step);
    if (*now_there > end) {
      return SendFailure(
          Failure(ErrorCode::corrupt,
                  fmt::format("{}: the server says it has {} bytes, of which {} were sent; the "
                              "upload begins again",
                              step, *now_there, end)),
          Remedy::begin_again);
    }
    if (*now_there <= offset) {
      return SendFailure(
          Failure(ErrorCode::io, fmt::format("{}: the server took nothing behind byte {}", step, offset)),
          Remedy::wait);
    }
    return *now_there;
  }

  static ObjectReceipt receipt(const ObjectToSend& object, const TransferSession& session,
                               const HttpAnswer& answer) {
    return {object.key, session.id.substr(0, session.id.find('?')), request_id(answer)};
  }

  HttpPlace place_;
  const ByteCount piece_bytes_;
  std::mutex mutex_;  // while abilities_ is being learned; it does not change afterwards
  std::optional<tus::Abilities> abilities_;
  HeardWants wants_;
};

}  // namespace

std::unique_ptr<Destination> make_tus_destination(HttpPlace place, ByteCount piece_bytes) {
  return std::make_unique<TusDestination>(std::move(place), piece_bytes);
}

Outcome<std::unique_ptr<Destination>> make_tus_destination(const std::string& address,
                                                           const DestinationOptions& options) {
  Url url = TRY(parse_url(std::string_view(address).substr(kScheme.size())));
  // A server may know its endpoint with the slash alone.
  if (address.ends_with('/')) url.path += '/';
  return make_tus_destination(TRY(open_http_place(url, options)),
                              options.part_bytes != 0 ? options.part_bytes : kTusPieceBytes);
}

}  // namespace warmdump
