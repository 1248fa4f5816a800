#include "upload/destination/s3/s3_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upload/destination/s3/part_plan.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string url_of(const std::string& address, const std::string& endpoint = "",
                   const std::string& region = "", const std::string& addressing = "") {
  const auto place = parse_s3_place(address, endpoint, region, addressing);
  if (!place.has_value()) return place.error().message;
  return place->url(place->full_key("d=1/vmcore"), place->region).text();
}

TEST(S3Place, the_bucket_stands_where_the_service_wants_it) {
  EXPECT_EQ(url_of("s3://dumps"), "https://dumps.s3.us-east-1.amazonaws.com/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://dumps/fleet/a/", "", "eu-west-3"),
            "https://dumps.s3.eu-west-3.amazonaws.com/fleet/a/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://du.mps"), "https://s3.us-east-1.amazonaws.com/du.mps/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://dumps", "", "cn-north-1", "path"),
            "https://s3.cn-north-1.amazonaws.com.cn/dumps/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://dumps", "https://rgw:7443"), "https://rgw:7443/dumps/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://dumps", "https://rgw:7443/s3", "", "virtual"),
            "https://dumps.rgw:7443/s3/d%3D1/vmcore");
  EXPECT_EQ(url_of("s3://Dumps_1", "https://rgw"), "https://rgw/Dumps_1/d%3D1/vmcore");
}

TEST(S3Place, a_region_that_was_learnt_moves_the_host_of_aws_only) {
  EXPECT_EQ(parse_s3_place("s3://dumps", "", "", "")->url("k", "eu-south-2").host,
            "dumps.s3.eu-south-2.amazonaws.com");
  EXPECT_EQ(parse_s3_place("s3://dumps", "https://rgw", "", "")->url("k", "eu-south-2").host, "rgw");
}

TEST(S3Place, refuses_what_cannot_be) {
  EXPECT_THAT(url_of("s3://AKIA:hunter2@dumps"),
              AllOf(HasSubstr("do not belong here"), Not(HasSubstr("hunter2"))));
  for (const std::string address : {"s3://", "s3://ab", "s3://a..b", "s3://a b c", "s3://dumps?x=1"}) {
    EXPECT_THAT(url_of(address), HasSubstr("a bucket's name")) << address;
  }
  for (const std::string address : {"s3://dumps/..", "s3://dumps/a//b", "s3://dumps/a b", "s3://dumps/%41"}) {
    EXPECT_THAT(url_of(address), HasSubstr("a prefix")) << address;
  }
  EXPECT_THAT(url_of("s3://Dumps", "https://rgw", "", "virtual"), HasSubstr("cannot stand in a host name"));
  EXPECT_THAT(url_of("s3://dumps", "https://127.0.0.1", "", "virtual"), HasSubstr("not an IP address"));
  EXPECT_THAT(url_of("s3://dumps", "", "eu/west"), HasSubstr("bad region"));
  EXPECT_THAT(url_of("s3://dumps", "", "", "both"), HasSubstr("auto, path or virtual"));
  EXPECT_THAT(url_of("s3://dumps", "ftp://rgw"), HasSubstr("endpoint"));
}

TEST(S3Place, its_name_is_the_place_and_no_secret) {
  EXPECT_EQ(parse_s3_place("s3://dumps/a/", "", "", "")->name(), "s3://dumps/a");
  EXPECT_EQ(parse_s3_place("s3://dumps", "https://RGW:7443/", "", "")->name(),
            "s3://dumps at https://rgw:7443");
}

TEST(PartPlan, parts_grow_only_when_ten_thousand_are_not_enough) {
  EXPECT_EQ(part_bytes_for(500 * kMiB, 8 * kMiB), 8 * kMiB);
  EXPECT_EQ(part_bytes_for(80'000 * kMiB, 8 * kMiB), 8 * kMiB);
  EXPECT_EQ(part_bytes_for(80'000 * kMiB + 1, 8 * kMiB), 9 * kMiB);
  for (const ByteCount size : {80'000 * kMiB + 1, ByteCount{123'456'789'012'345}, 50'000'000 * kMiB}) {
    EXPECT_LE(pieces_of(size, part_bytes_for(size, 8 * kMiB)).size(), 10'000u);
  }
}

TEST(PartPlan, pieces_cover_the_object_without_gaps) {
  EXPECT_THAT(pieces_of(21, 10), testing::ElementsAre(Piece{1, 0, 10}, Piece{2, 10, 10}, Piece{3, 20, 1}));
  EXPECT_THAT(pieces_of(20, 10), testing::ElementsAre(Piece{1, 0, 10}, Piece{2, 10, 10}));
}

TEST(PartPlan, completion_lists_every_part_in_order_or_is_refused) {
  const auto pieces = pieces_of(20, 10);
  const std::vector<SentPiece> sent = {{pieces[1], part_tag("bb", "")}, {pieces[0], part_tag("a&a", "QUJD")}};
  const auto xml = completion_xml(pieces, sent, S3Checksum::crc32c);
  ASSERT_TRUE(xml);
  EXPECT_THAT(*xml, HasSubstr("<Part><PartNumber>1</PartNumber><ETag>&quot;a&amp;a&quot;</ETag>"
                              "<ChecksumCRC32C>QUJD</ChecksumCRC32C></Part><Part><PartNumber>2</PartNumber>"
                              "<ETag>&quot;bb&quot;</ETag></Part>"));
  EXPECT_FALSE(completion_xml(pieces, {sent[0]}, S3Checksum::none));
}

TEST(PartDigest, all_digests_are_of_the_same_bytes) {
  const TextSource source("xx123456789yy");
  const auto digest = digest_of(source, 2, 9, S3Checksum::crc32c);
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(digest->sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
  EXPECT_EQ(digest->md5, "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(digest->checksum, "4waSgw==");  // e3069283, the check value of CRC-32C
  EXPECT_EQ(content_md5(digest->md5), "JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(digest_of(source, 2, 9, S3Checksum::sha256)->checksum,
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
  EXPECT_FALSE(digest_of(source, 2, 12, S3Checksum::none).has_value());
}

}  // namespace
}  // namespace warmdump
