#include "upload/destination/s3/s3_destination.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>

#include "common/hosted/sha256.h"
#include "upload/destination/s3/part_plan.h"
#include "upload/destination/s3/s3_answers.h"
#include "upload/destination/s3/s3_parts.h"
#include "upload/destination/wanted.h"

namespace warmdump {
namespace {

constexpr std::string_view kProtocol = "s3";
constexpr std::string_view kTokenHeader = "x-amz-meta-upload-token";
constexpr std::chrono::minutes kCompleteLimit{10};  // a store may take that long, and sends blanks meanwhile
constexpr unsigned kAbortsMax = 5;

Outcome<std::string> random_token() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    return Failure(ErrorCode::io, "no random bytes from OpenSSL");
  return hexadecimal_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_gone(const SendFailure& failure) {
  return failure.http_status == 404 && failure.remedy == Remedy::begin_again;
}

std::string request_id_of(const HttpAnswer& answer) {
  std::string id;
  for (const char c : answer.header("x-amz-request-id").substr(0, 64)) id += c > ' ' && c < 0x7f ? c : '?';
  return id;
}

class S3Destination final : public Destination {
 public:
  S3Destination(std::unique_ptr<S3Client> client, const S3Settings& settings)
      : client_(std::move(client)), settings_(settings) {}

  std::string name() const override { return client_->place().name(); }
  unsigned pieces_at_once() const override { return settings_.parallel_pieces; }
  bool is_sent_in_the_clear() const override {
    return !client_->place().is_aws && !client_->place().endpoint.is_https;
  }

  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override {
    if (!can_go_on(object, session)) return begin(object, session);
    if (session.id.empty()) return open_single(object, session);
    auto there = parts_on_store(*client_, key_of(object), object, session);
    if (!there.has_value()) {
      const std::string step = "cannot go on with " + place_of(object);
      if (!is_gone(there.error()) || !session.is_finishing) return std::move(there.error()).in(step);
      Standing standing;
      standing.complete = TRY(finish(object, session));
      standing.bytes_there = object.size;
      return standing;
    }
    session.sent = std::move(*there);
    return standing_of(object, session);
  }

  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession& session, const Piece& piece,
                              const BytesDone& done) override {
    const auto digest = TRY(in_context(
        "cannot read " + object.key, digest_of(*object.bytes, piece.offset, piece.size, settings_.checksum)));
    S3Request request{.method = "PUT", .key = key_of(object)};
    request.body = object.bytes;
    request.body_offset = piece.offset;
    request.body_bytes = piece.size;
    request.body_sha256 = digest.sha256;
    request.done = done;
    if (session.id.empty()) {
      request.headers = object_headers(object, session);
    } else {
      request.query = {{"partNumber", std::to_string(piece.number)}, {"uploadId", session.id}};
    }
    if (!digest.md5.empty()) request.headers.emplace_back("Content-MD5", content_md5(digest.md5));
    if (!digest.checksum.empty()) {
      request.headers.emplace_back("x-amz-checksum-" + header_name(settings_.checksum), digest.checksum);
    }
    auto answer = client_->call(request);
    const std::string step = session.id.empty()
                                 ? "cannot send " + place_of(object)
                                 : fmt::format("cannot send part {} of {}", piece.number, place_of(object));
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    const std::string etag = plain_etag(answer->header("etag"));
    if (etag.empty() && !session.id.empty()) {
      return SendFailure(Failure(ErrorCode::refused, "the answer has no ETag; is this an S3 service?"),
                         Remedy::change_sink)
          .in(step);
    }
    // A store that knows the checksum repeats it, and wants it in the list of parts. Swift refuses a list
    // that has one.
    const bool is_known =
        !digest.checksum.empty() &&
        answer->header("x-amz-checksum-" + header_name(settings_.checksum)) == digest.checksum;
    return SentPiece{piece, part_tag(etag, is_known ? digest.checksum : "")};
  }

  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override {
    if (session.id.empty()) return single_receipt(object, session);
    auto completed = complete(object, session);
    if (completed.has_value()) return completed;
    const std::string step = "cannot complete " + place_of(object);
    if (is_gone(completed.error())) {
      auto receipt = look_for_completed(object, session);
      if (!receipt.has_value()) return std::move(receipt.error()).in(step);
      if (*receipt) return std::move(**receipt);
    } else if (completed.error().remedy == Remedy::begin_again) {
      abandon(object, session);
    }
    return std::move(completed.error()).in(step);
  }

  void abandon(const ObjectToSend& object, const TransferSession& session) override {
    if (session.id.empty()) return;
    // A part that was on its way may arrive after the upload was aborted, and stay.
    for (unsigned i = 0; i < kAbortsMax; ++i) {
      S3Request request{.method = "DELETE", .key = key_of(object)};
      request.query = {{"uploadId", session.id}};
      if (!client_->call(request).has_value()) return;
      const auto listed = list_parts(*client_, key_of(object), session.id, 0);
      if (!listed.has_value() || listed->parts.empty()) return;
    }
  }

  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override {
    S3Request request{.method = "GET",
                      .key = client_->place().full_key(fmt::format("{}/{}", dump_key, kWantName))};
    auto answer = client_->call(request);
    if (!answer.has_value()) {
      const unsigned status = answer.error().http_status;
      if (status == 403 || status == 404) return std::optional<Want>();
      return std::move(answer.error()).in("cannot ask what is wanted of " + std::string(dump_key));
    }
    return parse_want(answer->body);
  }

 private:
  std::string key_of(const ObjectToSend& object) const { return client_->place().full_key(object.key); }
  std::string place_of(const ObjectToSend& object) const { return object.key + " to " + name(); }

  static bool can_go_on(const ObjectToSend& object, const TransferSession& session) {
    if (session.protocol != kProtocol || session.token.empty()) return false;
    if (session.id.empty()) return session.piece_size == object.size;
    return session.piece_size > 0 && object.size > 0 &&
           (object.size - 1) / session.piece_size < kPartNumberMax;
  }

  SendOutcome<Standing> begin(const ObjectToSend& object, TransferSession& session) {
    TransferSession fresh;
    fresh.protocol = kProtocol;
    fresh.token = TRY(random_token());
    fresh.piece_size = object.size;
    if (object.size > settings_.part_bytes) {
      fresh.piece_size = part_bytes_for(object.size, settings_.part_bytes);
      fresh.id = TRY(create(object, fresh));
    }
    session = std::move(fresh);
    return standing_of(object, session);
  }

  SendOutcome<Standing> open_single(const ObjectToSend& object, const TransferSession& session) {
    if (session.sent.empty()) return standing_of(object, session);
    Standing standing;  // the store's answer to the PUT was that it has all of it
    standing.complete = TRY(single_receipt(object, session));
    standing.bytes_there = object.size;
    return standing;
  }

  static SendOutcome<ObjectReceipt> single_receipt(const ObjectToSend& object,
                                                   const TransferSession& session) {
    return ObjectReceipt{object.key,
                         session.sent.empty() ? "" : std::string(etag_of(session.sent.front().tag)), ""};
  }

  static Standing standing_of(const ObjectToSend& object, const TransferSession& session) {
    Standing standing;
    const auto pieces = session.id.empty() ? std::vector<Piece>{{1, 0, object.size}}
                                           : pieces_of(object.size, session.piece_size);
    standing.missing = missing_pieces(pieces, session.sent);
    for (const SentPiece& sent : session.sent) standing.bytes_there += sent.piece.size;
    return standing;
  }

  NamesAndValues object_headers(const ObjectToSend& object, const TransferSession& session) const {
    NamesAndValues headers = {{"Content-Type", object.content_type},
                              {std::string(kTokenHeader), session.token}};
    bool has_sha256 = object.sha256.empty();
    for (const auto& [name, value] : object.metadata) {
      headers.emplace_back("x-amz-meta-" + name, value);
      has_sha256 |= name == "sha256";
    }
    if (!has_sha256) headers.emplace_back("x-amz-meta-sha256", object.sha256);
    if (!settings_.server_side_encryption.empty()) {
      headers.emplace_back("x-amz-server-side-encryption", settings_.server_side_encryption);
    }
    if (!settings_.kms_key_id.empty()) {
      headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", settings_.kms_key_id);
    }
    return headers;
  }

  SendOutcome<std::string> create(const ObjectToSend& object, const TransferSession& session) {
    S3Request request{.method = "POST", .key = key_of(object), .query = {{"uploads", ""}}};
    request.headers = object_headers(object, session);
    if (settings_.checksum != S3Checksum::none) {
      request.headers.emplace_back("x-amz-checksum-algorithm", xml_name(settings_.checksum));
    }
    auto answer = client_->call(request);
    const std::string step = "cannot begin " + place_of(object);
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    auto id = parse_upload_id(answer->body);
    if (!id.has_value()) return SendFailure(std::move(id.error()), Remedy::wait).in(step);
    return std::move(*id);
  }

  SendOutcome<ObjectReceipt> complete(const ObjectToSend& object, const TransferSession& session) {
    const auto pieces = pieces_of(object.size, session.piece_size);
    auto body = completion_xml(pieces, session.sent, settings_.checksum);
    if (!body)
      return SendFailure(Failure(ErrorCode::corrupt, "parts are missing in the record"), Remedy::begin_again);
    const TextSource source(std::move(*body));
    S3Request request{.method = "POST", .key = key_of(object)};
    request.query = {{"uploadId", session.id}};
    request.headers = {{"Content-Type", "application/xml"}};
    request.body = &source;
    request.body_bytes = source.text().size();
    request.body_sha256 = TRY(sha256_text(source.text()));
    request.answer_limit = kCompleteLimit;
    const auto answer = TRY(client_->call(request));
    const auto now = std::chrono::system_clock::to_time_t(client_->clock().now());
    if (parse_s3_error(answer.body)) return s3_failure(answer, now);
    auto etag = parse_completed(answer.body);
    if (!etag.has_value()) return SendFailure(std::move(etag.error()), Remedy::wait);
    return ObjectReceipt{object.key, std::move(*etag), request_id_of(answer)};
  }

  // After "no such upload": was it completed by a request whose answer was lost? Our own mark on the object
  // tells. Without the right to look it counts as not completed.
  SendOutcome<std::optional<ObjectReceipt>> look_for_completed(const ObjectToSend& object,
                                                               const TransferSession& session) {
    auto answer = client_->call({.method = "HEAD", .key = key_of(object)});
    if (!answer.has_value() && is_temporary(answer.error())) return std::move(answer.error());
    if (!answer.has_value() || answer->header(kTokenHeader) != session.token ||
        answer->header("content-length") != std::to_string(object.size)) {
      return std::optional<ObjectReceipt>();
    }
    return std::optional(
        ObjectReceipt{object.key, plain_etag(answer->header("etag")), request_id_of(*answer)});
  }

  std::unique_ptr<S3Client> client_;
  const S3Settings settings_;
};

}  // namespace

std::unique_ptr<Destination> make_s3_destination(std::unique_ptr<S3Client> client,
                                                 const S3Settings& settings) {
  return std::make_unique<S3Destination>(std::move(client), settings);
}

}  // namespace warmdump
