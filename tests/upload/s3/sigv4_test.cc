// The signatures that AWS publishes: of the Signature Version 4 test suite, and of the examples in "Signature
// Calculations for the Authorization Header" of the S3 reference.

#include "upload/destination/s3/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace warmdump {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::string_view kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Vector {
  std::string name;
  RequestToSign request;
  std::string signature;
};

std::string name_of(const testing::TestParamInfo<Vector>& info) {
  return info.param.name;
}

// 2015-08-30T12:36:00Z, us-east-1, "service".
class SuiteVector : public testing::TestWithParam<Vector> {};

RequestToSign of_suite(std::string_view method, std::string_view path, NamesAndValues query = {},
                       NamesAndValues more_headers = {}) {
  NamesAndValues headers = {{"Host", "example.amazonaws.com"}};
  headers.insert(headers.end(), more_headers.begin(), more_headers.end());
  headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  return {method, path, std::move(query), std::move(headers), kEmpty};
}

TEST_P(SuiteVector, is_signed_as_published) {
  const auto signature = sign(GetParam().request, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
                              {"us-east-1", "service", 1440938160});
  ASSERT_TRUE(signature.has_value());
  EXPECT_THAT(signature->authorization, EndsWith("Signature=" + GetParam().signature))
      << signature->canonical_request;
}

INSTANTIATE_TEST_SUITE_P(
    Published, SuiteVector,
    testing::Values(
        Vector{"get_vanilla", of_suite("GET", "/"),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"get_vanilla_with_an_empty_path", of_suite("GET", ""),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"get_vanilla_query_order_key_case",
               of_suite("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
               "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Vector{"get_header_value_trim",
               of_suite("GET", "/", {}, {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
               "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Vector{"get_header_key_duplicate",
               of_suite("GET", "/", {},
                        {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
               "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Vector{"post_vanilla", of_suite("POST", "/"),
               "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Vector{"post_header_key_sort", of_suite("POST", "/", {}, {{"My-Header1", "value1"}}),
               "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"}),
    name_of);

// 2013-05-24T00:00:00Z, us-east-1, s3.
class S3Example : public testing::TestWithParam<Vector> {};

RequestToSign of_s3(std::string_view method, std::string_view path, NamesAndValues query,
                    NamesAndValues more_headers, std::string_view payload) {
  NamesAndValues headers = {{"Host", "examplebucket.s3.amazonaws.com"},
                            {"x-amz-date", "20130524T000000Z"},
                            {"x-amz-content-sha256", std::string(payload)}};
  headers.insert(headers.end(), more_headers.begin(), more_headers.end());
  return {method, path, std::move(query), std::move(headers), payload};
}

TEST_P(S3Example, is_signed_as_published) {
  const auto signature =
      sign(GetParam().request, {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
           {"us-east-1", "s3", 1369353600});
  ASSERT_TRUE(signature.has_value());
  EXPECT_THAT(signature->authorization,
              HasSubstr("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"));
  EXPECT_THAT(signature->authorization, EndsWith("Signature=" + GetParam().signature))
      << signature->canonical_request;
}

constexpr std::string_view kPutPayload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

INSTANTIATE_TEST_SUITE_P(
    Published, S3Example,
    testing::Values(Vector{"get_object", of_s3("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, kEmpty),
                           "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                    Vector{"put_object",
                           of_s3("PUT", "/test%24file.text", {},
                                 {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                 kPutPayload),
                           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                    Vector{"get_bucket_lifecycle", of_s3("GET", "/", {{"lifecycle", ""}}, {}, kEmpty),
                           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                    Vector{"list_objects",
                           of_s3("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}, {}, kEmpty),
                           "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
    name_of);

TEST(SigV4, encodes_once_and_keeps_only_the_unreserved) {
  EXPECT_EQ(encoded_path("/a b+c/=:~_-.%/é"), "/a%20b%2Bc/%3D%3A~_-.%25/%C3%A9");
  EXPECT_EQ(uri_encoded("a/b"), "a%2Fb");
}

TEST(SigV4, orders_the_query_by_encoded_name_then_value) {
  EXPECT_EQ(
      encoded_query({{"uploadId", "a/b="}, {"partNumber", "2"}, {"uploads", ""}, {"A", "2"}, {"A", "1"}}),
      "A=1&A=2&partNumber=2&uploadId=a%2Fb%3D&uploads=");
}

TEST(SigV4, signs_port_and_session_token_as_they_are_sent) {
  const auto signature =
      sign({"GET", "/", {}, {{"host", "sink:7480"}, {"x-amz-security-token", "T"}}, kEmpty}, {"A", "S"},
           {"eu-1", "s3", 0});
  ASSERT_TRUE(signature.has_value());
  EXPECT_THAT(signature->canonical_request,
              HasSubstr("\nhost:sink:7480\nx-amz-security-token:T\n\nhost;x-amz-security-token\n"));
  EXPECT_THAT(signature->string_to_sign, HasSubstr("\n19700101T000000Z\n19700101/eu-1/s3/aws4_request\n"));
}

TEST(SigV4, nothing_that_it_shows_holds_the_secret) {
  const auto signature =
      sign({"GET", "/", {}, {{"host", "h"}}, kEmpty}, {"ACCESS", "hunter2hunter2"}, {"r", "s3", 0});
  EXPECT_THAT(signature->canonical_request + signature->string_to_sign + signature->authorization,
              testing::Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace warmdump
