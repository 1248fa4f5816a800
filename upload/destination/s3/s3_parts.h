// The parts that a store has of a multipart upload: what an upload that goes on believes, rather than its own
// record.

#pragma once

#include <string>
#include <vector>

#include "upload/destination/destination.h"
#include "upload/destination/s3/s3_answers.h"
#include "upload/destination/s3/s3_client.h"

namespace warmdump {

// One page of ListParts, of the parts with numbers above `marker`.
SendOutcome<PartList> list_parts(S3Client& client, const std::string& key, const std::string& upload_id,
                                 unsigned marker);

// All parts of session.id that hold what they should, by number: those with the tag that our record has, and
// those whose MD5 is that of our bytes, which are read for it. Where listing is not allowed or not known it
// is what our record says; completion checks each of its tags.
SendOutcome<std::vector<SentPiece>> parts_on_store(S3Client& client, const std::string& key,
                                                   const ObjectToSend& object,
                                                   const TransferSession& session);

}  // namespace warmdump
