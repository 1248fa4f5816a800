#include "upload/destination/s3/s3_parts.h"

#include <optional>

#include "upload/destination/s3/part_digest.h"
#include "upload/destination/s3/part_plan.h"

namespace warmdump {
namespace {

bool is_md5(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool cannot_list(const SendFailure& failure) {
  const unsigned status = failure.http_status;
  return failure.remedy == Remedy::change_sink && (status == 403 || status == 405 || status == 501);
}

// None: the part is not what it should be.
SendOutcome<std::optional<std::string>> tag_of_good(const ObjectToSend& object,
                                                    const TransferSession& session, const Piece& piece,
                                                    const ListedPart& part) {
  for (const SentPiece& sent : session.sent) {
    if (sent.piece == piece && etag_of(sent.tag) == part.etag) return std::optional(sent.tag);
  }
  if (!is_md5(part.etag)) return std::optional<std::string>();
  const auto digest = TRY(in_context("cannot read " + object.key,
                                     digest_of(*object.bytes, piece.offset, piece.size, S3Checksum::none)));
  if (digest.md5 != part.etag) return std::optional<std::string>();
  return std::optional(part_tag(part.etag, part.checksum));
}

}  // namespace

SendOutcome<PartList> list_parts(S3Client& client, const std::string& key, const std::string& upload_id,
                                 unsigned marker) {
  S3Request request{.method = "GET", .key = key};
  request.query = {{"uploadId", upload_id}, {"max-parts", "1000"}};
  if (marker > 0) request.query.emplace_back("part-number-marker", std::to_string(marker));
  const auto answer = TRY(client.call(request));
  auto list = parse_part_list(answer.body, marker);
  if (!list.has_value()) return SendFailure(std::move(list.error()), Remedy::wait);
  return std::move(*list);
}

SendOutcome<std::vector<SentPiece>> parts_on_store(S3Client& client, const std::string& key,
                                                   const ObjectToSend& object,
                                                   const TransferSession& session) {
  const auto pieces = pieces_of(object.size, session.piece_size);
  std::vector<SentPiece> there;
  std::optional<unsigned> marker = 0;
  while (marker) {
    auto page = list_parts(client, key, session.id, *marker);
    if (!page.has_value()) {
      if (cannot_list(page.error())) return session.sent;
      return std::move(page.error());
    }
    for (const ListedPart& part : page->parts) {
      if (part.number > pieces.size() || part.size != pieces[part.number - 1].size) continue;
      if (!there.empty() && there.back().piece.number >= part.number) continue;
      auto tag = TRY(tag_of_good(object, session, pieces[part.number - 1], part));
      if (tag) there.push_back({pieces[part.number - 1], std::move(*tag)});
    }
    marker = page->next_marker;
  }
  return there;
}

}  // namespace warmdump
