// Bodies as AWS, Ceph and Swift send them, and as nobody should.

#include "upload/destination/s3/s3_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upload/destination/s3/s3_error.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string list_of(const std::string& inner) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListPartsResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         inner + "</ListPartsResult>";
}

std::string part(const std::string& number, const std::string& size) {
  return "<Part><PartNumber>" + number +
         "</PartNumber><LastModified>x</LastModified><ETag>&quot;0af1&quot;</ETag><Size>" + size +
         "</Size></Part>";
}

TEST(S3Answers, parts_are_read_with_their_page) {
  const auto list = parse_part_list(
      list_of("<IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>" +
              part("1", "5242880") + part("2", "7")),
      0);
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->parts.size(), 2u);
  EXPECT_EQ(list->parts[1].number, 2u);
  EXPECT_EQ(list->parts[0].size, 5242880u);
  EXPECT_EQ(list->parts[1].etag, "0af1");
  EXPECT_EQ(list->next_marker, 2u);
}

TEST(S3Answers, a_last_page_may_name_a_marker) {
  const auto list = parse_part_list(
      list_of("<NextPartNumberMarker>0</NextPartNumberMarker><IsTruncated>false</IsTruncated>"), 0);
  ASSERT_TRUE(list.has_value());
  EXPECT_FALSE(list->next_marker);
}

TEST(S3Answers, numbers_out_of_range_and_endless_pages_are_refused) {
  for (const std::string& inner :
       {part("0", "1"), part("10001", "1"), part("-1", "1"), part("1x", "1"), part("1", "-5"), part("", "1"),
        part("1", "99999999999999999999"), part("1", "0x10"), std::string("<Part><Size>1</Size></Part>"),
        std::string("<IsTruncated>true</IsTruncated>"),
        std::string("<IsTruncated>true</IsTruncated><NextPartNumberMarker>5</NextPartNumberMarker>")}) {
    EXPECT_FALSE(parse_part_list(list_of(inner), 5).has_value()) << inner;
  }
  EXPECT_FALSE(parse_part_list("<Other/>", 0).has_value());
}

TEST(S3Answers, an_upload_id_is_one_word) {
  const auto id = [](const std::string& text) {
    const auto parsed = parse_upload_id("<InitiateMultipartUploadResult><UploadId>" + text +
                                        "</UploadId></InitiateMultipartUploadResult>");
    return parsed.has_value() ? *parsed : "refused";
  };
  EXPECT_EQ(id("2~abc.DEF_-/="), "2~abc.DEF_-/=");
  EXPECT_EQ(id(""), "refused");
  EXPECT_EQ(id("a b"), "refused");
  EXPECT_EQ(id("a&#10;b"), "refused");
  EXPECT_EQ(id(std::string(1025, 'x')), "refused");
}

TEST(S3Answers, an_error_is_found_behind_white_space) {
  const auto error = parse_s3_error(
      "\n   \n<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>\x1b[2J oops"
      "</Message></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "InternalError");
  EXPECT_THAT(error->message, Not(HasSubstr("\x1b")));
  EXPECT_FALSE(parse_s3_error("<CompleteMultipartUploadResult/>"));
  EXPECT_FALSE(parse_s3_error("<Error><Code>x"));
}

TEST(S3Answers, an_error_of_sts_is_wrapped) {
  const auto error = parse_s3_error(
      "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
      "<Message>m</Message></Error></ErrorResponse>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "ExpiredTokenException");
}

TEST(S3Answers, a_completion_has_an_etag_or_none) {
  EXPECT_EQ(*parse_completed(
                "<CompleteMultipartUploadResult><ETag>\"ab-2\"</ETag></CompleteMultipartUploadResult>"),
            "ab-2");
  EXPECT_EQ(*parse_completed("<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"), "");
  EXPECT_FALSE(parse_completed("").has_value());
  EXPECT_FALSE(parse_completed("<html/>").has_value());
}

TEST(S3Answers, times_are_strict) {
  EXPECT_EQ(parse_iso_time("2013-05-24T00:00:00Z"), 1369353600);
  EXPECT_EQ(parse_iso_time("2013-05-24T00:00:00.123456Z"), 1369353600);
  for (const std::string_view bad :
       {"", "2013-05-24", "2013-05-24T00:00:00", "2013-13-24T00:00:00Z", "2013-05-24T00:00:00+01:00",
        "2013-05-24T00:00:00,1Z", "20130524T000000Z"}) {
    EXPECT_FALSE(parse_iso_time(bad)) << bad;
  }
}

struct ErrorCase {
  unsigned status;
  std::string_view code;
  Remedy remedy;
};

TEST(S3Error, each_has_its_remedy) {
  for (const ErrorCase& one : {
           ErrorCase{503, "SlowDown", Remedy::wait},
           ErrorCase{200, "InternalError", Remedy::wait},
           ErrorCase{400, "RequestTimeout", Remedy::wait},
           ErrorCase{500, "", Remedy::wait},
           ErrorCase{502, "", Remedy::wait},
           ErrorCase{429, "", Remedy::wait},
           ErrorCase{503, "NeverHeardOf", Remedy::wait},
           ErrorCase{400, "BadDigest", Remedy::read_again},
           ErrorCase{400, "XAmzContentSHA256Mismatch", Remedy::read_again},
           ErrorCase{404, "NoSuchUpload", Remedy::begin_again},
           ErrorCase{404, "NoSuchKey", Remedy::begin_again},
           ErrorCase{400, "InvalidPart", Remedy::begin_again},
           ErrorCase{400, "EntityTooSmall", Remedy::begin_again},
           ErrorCase{403, "RequestTimeTooSkewed", Remedy::set_time},
           ErrorCase{403, "SignatureDoesNotMatch", Remedy::change_sink},
           ErrorCase{403, "InvalidAccessKeyId", Remedy::change_sink},
           ErrorCase{403, "AccessDenied", Remedy::change_sink},
           ErrorCase{400, "ExpiredToken", Remedy::change_sink},
           ErrorCase{404, "NoSuchBucket", Remedy::change_sink},
           ErrorCase{301, "PermanentRedirect", Remedy::change_sink},
           ErrorCase{301, "", Remedy::change_sink},
           ErrorCase{400, "NeverHeardOf", Remedy::change_sink},
           ErrorCase{404, "", Remedy::change_sink},
           ErrorCase{400, "EntityTooLarge", Remedy::give_dump_up},
           ErrorCase{413, "", Remedy::give_dump_up},
       }) {
    EXPECT_EQ(meaning_of_s3_error(one.status, one.code).remedy, one.remedy) << one.status << " " << one.code;
  }
}

TEST(S3Error, says_what_the_server_said_and_when_to_come_back) {
  const HttpAnswer answer{503,
                          "",
                          {{"retry-after", "17"}},
                          "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"};
  const auto failure = s3_failure(answer, 0);
  EXPECT_EQ(failure.failure.message, "the server answered 503 SlowDown: Reduce your rate.");
  EXPECT_EQ(failure.retry_after, std::chrono::seconds(17));
  EXPECT_EQ(failure.server_code, "SlowDown");
}

TEST(S3Error, takes_the_servers_time_from_its_answer) {
  const HttpAnswer answer{403,
                          "",
                          {{"date", "Fri, 24 May 2013 00:00:00 GMT"}},
                          "<Error><Code>RequestTimeTooSkewed</Code></Error>"};
  EXPECT_EQ(s3_failure(answer, 1369353600 - 7200).clock_offset, std::chrono::seconds(7200));
  EXPECT_FALSE(s3_failure({403, "", {{"date", "soon"}}, answer.body}, 0).clock_offset);
}

}  // namespace
}  // namespace warmdump
