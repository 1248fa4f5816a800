// "s3://BUCKET[/PREFIX]": an S3-compatible object store. Objects of one part go in one PUT, larger ones as a
// multipart upload that another process can go on with.
//
//   open     CreateMultipartUpload, or ListParts of the one begun: which parts the store has is the store's
//   word send     UploadPart, with signed SHA-256, Content-MD5 and a checksum if asked for finish
//   CompleteMultipartUpload: the object appears, whole
//
// Rights that are enough: s3:PutObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts. Nothing needs
// to be read; with s3:GetObject the answer to a lost completion is certain, and without it costs sending the
// object again at worst. A bucket rule that aborts old multipart uploads (AbortIncompleteMultipartUpload)
// clears away what died between its creation and the record of it.

#pragma once

#include <memory>
#include <string>

#include "upload/destination/destination.h"
#include "upload/destination/s3/part_digest.h"
#include "upload/destination/s3/s3_client.h"

namespace warmdump {

struct S3Settings {
  ByteCount part_bytes = 8 * kMiB;
  unsigned parallel_pieces = 2;
  S3Checksum checksum = S3Checksum::none;
  std::string server_side_encryption =
      {};  // "AES256", "aws:kms" or "aws:kms:dsse"; empty: as the bucket says
  std::string kms_key_id = {};
};

std::unique_ptr<Destination> make_s3_destination(std::unique_ptr<S3Client> client,
                                                 const S3Settings& settings);

Outcome<std::unique_ptr<Destination>> make_s3_destination(const std::string& address,
                                                          const DestinationOptions& options);

}  // namespace warmdump
