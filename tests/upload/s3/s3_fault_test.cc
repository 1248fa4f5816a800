// What no real store does when asked: errors with status 200, lost answers, full queues, other regions.

#include <atomic>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/s3/scripted_store.h"
#include "upload/destination/base64.h"
#include "upload/destination/s3/credentials_sources.h"
#include "upload/destination/s3/s3_destination.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kCreated =
    "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>";
constexpr const char* kCompleted =
    "<CompleteMultipartUploadResult><ETag>&quot;whole-3&quot;</ETag></CompleteMultipartUploadResult>";
constexpr const char* kKeys =
    "[default]\naws_access_key_id = ACCESS\naws_secret_access_key = hunter2hunter2\n";

// Bit by bit, by another way than digest_of.
std::string crc32c_of(const std::string& body) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : body) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  crc = ~crc;
  std::string bytes;
  for (const unsigned shift : {24u, 16u, 8u, 0u}) bytes += static_cast<char>(crc >> shift);
  return base64_text(bytes);
}

class S3Fault : public testing::Test {
 protected:
  S3Fault()
      : object{"d/vmcore", &bytes, bytes.text().size(), std::string(64, 'a'), "application/octet-stream"} {
    write_credentials(kKeys);
  }

  void write_credentials(const std::string& text) {
    write_file(credentials_file(), text);
    std::filesystem::permissions(credentials_file(), std::filesystem::perms(0600));
  }
  std::filesystem::path credentials_file() const { return temporary.path() / "credentials"; }

  std::unique_ptr<Destination> destination_at(const ScriptedStore& store, S3Settings settings = {}) {
    settings.part_bytes = 1000;
    auto place = parse_s3_place("s3://dumps/fleet", store.url(), "", "");
    return make_s3_destination(
        std::make_unique<S3Client>(std::move(*place), make_credentials_file_source(credentials_file(), ""),
                                   transport_to(*parse_url(store.url())), clock),
        settings);
  }

  static std::unique_ptr<HttpTransport> transport_to(const Url& url) {
    HttpTransportOptions options;
    options.with_tls = url.is_https;
    return std::move(*make_http_transport(options));
  }

  // Opens and sends what is missing.
  SendOutcome<void> send_all(Destination& destination) {
    const auto standing = TRY(destination.open(object, session));
    for (const Piece& piece : standing.missing) {
      session.sent.push_back(TRY(destination.send(object, session, piece, [](ByteCount) {})));
    }
    session.is_finishing = true;
    return {};
  }

  // A store that takes everything, but for what `special` answers.
  static ScriptedStore::Answer willing(std::function<std::string(const ScriptedStore::Request&)> special) {
    return [special = std::move(special)](const ScriptedStore::Request& request) {
      if (std::string answer = special(request); !answer.empty()) return answer == "lost" ? "" : answer;
      if (request.target.ends_with("?uploads=")) return answer_with("200 OK", kCreated);
      if (request.method == "PUT")
        return answer_with("200 OK", "", "ETag: \"e" + request.value_of("Content-MD5") + "\"\r\n");
      if (request.method == "POST") return answer_with("200 OK", kCompleted, "x-amz-request-id: R7\r\n");
      return error_with("404 Not Found", "NoSuchUpload");
    };
  }
  static bool is_completion(const ScriptedStore::Request& request) {
    return request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
  }
  static bool is_list(const ScriptedStore::Request& request) {
    return request.method == "GET" && request.target.find("uploadId=") != std::string::npos;
  }

  test::TemporaryDirectory temporary;
  VirtualClock clock;
  TextSource bytes{std::string(1000, 'a') + std::string(1000, 'b') + std::string(500, 'c')};
  ObjectToSend object;
  TransferSession session;
};

TEST_F(S3Fault, an_object_goes_in_parts_and_appears_at_the_end) {
  ScriptedStore store(willing([](const auto&) { return ""; }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(send_all(*destination).has_value());
  const auto receipt = destination->finish(object, session);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().failure.message;
  EXPECT_EQ(*receipt, (ObjectReceipt{"d/vmcore", "whole-3", "R7"}));
  EXPECT_THAT(store.lines(), ElementsAre("POST /dumps/fleet/d/vmcore?uploads=",
                                         "PUT /dumps/fleet/d/vmcore?partNumber=1&uploadId=U1",
                                         "PUT /dumps/fleet/d/vmcore?partNumber=2&uploadId=U1",
                                         "PUT /dumps/fleet/d/vmcore?partNumber=3&uploadId=U1",
                                         "POST /dumps/fleet/d/vmcore?uploadId=U1"));
  EXPECT_EQ(store.requests()[0].value_of("x-amz-meta-sha256"), std::string(64, 'a'));
  EXPECT_EQ(store.requests()[0].value_of("x-amz-meta-upload-token"), session.token);
  EXPECT_EQ(store.requests()[3].body, std::string(500, 'c'));
}

TEST_F(S3Fault, an_error_behind_status_200_and_white_space_is_an_error) {
  std::atomic<int> completions = 0;
  ScriptedStore store(willing([&](const auto& request) -> std::string {
    if (!is_completion(request) || completions++ > 0) return "";
    return answer_with("200 OK", std::string(5000, ' ') +
                                     "\r\n<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>");
  }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(send_all(*destination).has_value());
  const auto first = destination->finish(object, session);
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().remedy, Remedy::wait);
  EXPECT_THAT(first.error().failure.message,
              AllOf(StartsWith("cannot complete d/vmcore to s3://dumps/fleet at http://127.0.0.1"),
                    HasSubstr("InternalError")));
  EXPECT_TRUE(destination->finish(object, session).has_value());
}

TEST_F(S3Fault, an_empty_or_odd_completion_is_not_believed) {
  for (const std::string body : {"", "<html>welcome</html>", "<CompleteMultipartUploadResult>"}) {
    ScriptedStore store(willing([&](const auto& request) -> std::string {
      return is_completion(request) ? answer_with("200 OK", body) : "";
    }));
    session = {};
    const auto destination = destination_at(store);
    ASSERT_TRUE(send_all(*destination).has_value());
    const auto receipt = destination->finish(object, session);
    ASSERT_FALSE(receipt.has_value()) << body;
    EXPECT_EQ(receipt.error().remedy, Remedy::wait);
  }
}

// The answer to the first completion is lost; what comes then is scripted.
class S3LostCompletion : public S3Fault {
 protected:
  SendOutcome<Destination::Standing> open_again(const std::string& second_completion,
                                                const std::string& head) {
    std::atomic<int> completions = 0;
    ScriptedStore store(willing([&, this](const auto& request) -> std::string {
      if (is_completion(request)) return completions++ == 0 ? "lost" : second_completion;
      if (request.method == "HEAD") return head.empty() ? head_of(session.token) : head;
      return "";
    }));
    EXPECT_TRUE(send_all(*destination_at(store)).has_value());
    const auto lost = destination_at(store)->finish(object, session);
    EXPECT_TRUE(!lost.has_value() && lost.error().remedy == Remedy::wait);
    return destination_at(store)->open(object, session);
  }
  static std::string head_of(const std::string& token) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2500\r\nETag: "
           "\"whole-3\"\r\nx-amz-meta-upload-token: " +
           token + "\r\n\r\n";
  }
  const std::string gone = error_with("404 Not Found", "NoSuchUpload");
};

TEST_F(S3LostCompletion, completing_again_is_enough_where_stores_allow_it) {
  const auto standing = open_again(answer_with("200 OK", kCompleted), "");
  ASSERT_TRUE(standing.has_value()) << standing.error().failure.message;
  ASSERT_TRUE(standing->complete);
  EXPECT_EQ(standing->complete->tag, "whole-3");
}

TEST_F(S3LostCompletion, our_mark_on_the_object_tells_that_it_arrived) {
  const auto standing = open_again(gone, "");
  ASSERT_TRUE(standing.has_value()) << standing.error().failure.message;
  EXPECT_TRUE(standing->complete);
}

TEST_F(S3LostCompletion, an_object_of_somebody_else_is_not_ours) {
  const auto standing = open_again(gone, head_of("other"));
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::begin_again);
}

TEST_F(S3LostCompletion, without_the_right_to_look_it_begins_again) {
  const auto standing =
      open_again(gone, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::begin_again);
}

TEST_F(S3LostCompletion, a_busy_store_is_asked_later) {
  const auto standing = open_again(
      gone, "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 9\r\n\r\n");
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::wait);
  EXPECT_EQ(standing.error().retry_after, std::chrono::seconds(9));
}

TEST_F(S3Fault, slow_down_is_heard) {
  ScriptedStore store(
      [](const auto&) { return error_with("503 Slow Down", "SlowDown", "Retry-After: 30\r\n"); });
  const auto sent = send_all(*destination_at(store));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::wait);
  EXPECT_EQ(sent.error().retry_after, std::chrono::seconds(30));
  EXPECT_EQ(sent.error().server_code, "SlowDown");
}

TEST_F(S3Fault, the_region_that_the_store_names_is_signed_for_once_and_kept) {
  ScriptedStore store(willing([](const auto& request) -> std::string {
    if (request.value_of("Authorization").find("/eu-west-3/s3/") != std::string::npos) return "";
    return error_with("301 Moved Permanently", "PermanentRedirect",
                      "x-amz-bucket-region: eu-west-3\r\nLocation: http://127.0.0.1:1/\r\n");
  }));
  ASSERT_TRUE(send_all(*destination_at(store)).has_value());
  EXPECT_EQ(store.requests().size(), 5u);  // one answer was a redirect
}

TEST_F(S3Fault, a_store_that_only_redirects_is_no_place_to_go) {
  ScriptedStore store([](const auto&) {
    return error_with("301 Moved Permanently", "PermanentRedirect", "Location: http://127.0.0.1:1/\r\n");
  });
  const auto sent = send_all(*destination_at(store));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::change_sink);
  EXPECT_EQ(store.requests().size(), 1u);
}

TEST_F(S3Fault, a_wrong_clock_is_set_by_the_servers_date_and_stays_so) {
  ScriptedStore store(willing([](const auto& request) -> std::string {
    if (request.value_of("x-amz-date") == "20130524T000000Z") return "";
    return error_with("403 Forbidden", "RequestTimeTooSkewed", "Date: Fri, 24 May 2013 00:00:00 GMT\r\n");
  }));
  ASSERT_TRUE(send_all(*destination_at(store)).has_value());
  EXPECT_EQ(store.requests().size(), 5u);
}

TEST_F(S3Fault, keys_that_were_changed_on_disk_are_taken_at_once) {
  ScriptedStore store(willing([this](const auto& request) -> std::string {
    if (request.value_of("Authorization").find("Credential=NEW/") != std::string::npos) return "";
    write_credentials("[default]\naws_access_key_id=NEW\naws_secret_access_key=x\n");
    return error_with("403 Forbidden", "InvalidAccessKeyId");
  }));
  ASSERT_TRUE(send_all(*destination_at(store)).has_value());
  EXPECT_EQ(store.requests().size(), 5u);
}

TEST_F(S3Fault, wrong_keys_are_tried_once_and_never_shown) {
  ScriptedStore store([](const auto&) {
    return answer_with("403 Forbidden",
                       "<Error><Code>SignatureDoesNotMatch</Code><Message>ACCESS with hunter2hunter2"
                       "</Message></Error>");
  });
  const auto sent = send_all(*destination_at(store));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::change_sink);
  EXPECT_THAT(sent.error().failure.message,
              AllOf(HasSubstr("check the access key"), Not(HasSubstr("hunter2")), Not(HasSubstr("ACCESS"))));
  EXPECT_EQ(store.requests().size(), 1u);
}

TEST_F(S3Fault, checksums_are_declared_sent_and_listed_where_the_store_knows_them) {
  for (const bool is_known : {true, false}) {
    ScriptedStore store(willing([is_known](const auto& request) -> std::string {
      if (request.method != "PUT") return "";
      const std::string checksum = crc32c_of(request.body);
      if (request.value_of("x-amz-checksum-crc32c") != checksum)
        return error_with("400 Bad Request", "BadDigest");
      return answer_with("200 OK", "",
                         "ETag: \"e\"\r\n" + (is_known ? "x-amz-checksum-crc32c: " + checksum + "\r\n" : ""));
    }));
    S3Settings settings;
    settings.checksum = S3Checksum::crc32c;
    session = {};
    const auto destination = destination_at(store, settings);
    const auto sent = send_all(*destination);
    ASSERT_TRUE(sent.has_value()) << sent.error().failure.message;
    ASSERT_TRUE(destination->finish(object, session).has_value());
    const auto requests = store.requests();
    EXPECT_EQ(requests[0].value_of("x-amz-checksum-algorithm"), "CRC32C");
    const std::string listed =
        "<ChecksumCRC32C>" + requests[1].value_of("x-amz-checksum-crc32c") + "</ChecksumCRC32C>";
    EXPECT_EQ(requests[4].body.find(listed) != std::string::npos, is_known) << requests[4].body;
  }
}

TEST_F(S3Fault, damage_on_the_way_is_read_again) {
  ScriptedStore store(willing([](const auto& request) -> std::string {
    return request.method == "PUT" ? error_with("400 Bad Request", "BadDigest") : "";
  }));
  const auto sent = send_all(*destination_at(store));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::read_again);
}

TEST_F(S3Fault, only_parts_that_hold_our_bytes_are_kept) {
  const auto part = [](int number, int size, const std::string& etag) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>&quot;" + etag +
           "&quot;</ETag><Size>" + std::to_string(size) + "</Size></Part>";
  };
  const std::string md5_of_a = "cabe45dcc9ae5b66ba86600cca6b8ba8";  // of 1000 times 'a'
  ScriptedStore store(willing([&](const auto& request) -> std::string {
    if (!is_list(request)) return "";
    const bool is_second = request.target.find("part-number-marker=1") != std::string::npos;
    return answer_with("200 OK",
                       "<ListPartsResult>" +
                           (is_second ? "<IsTruncated>false</IsTruncated>" + part(2, 1000, md5_of_a) +
                                            part(3, 499, md5_of_a) + part(4, 1, md5_of_a)
                                      : "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1"
                                        "</NextPartNumberMarker>" +
                                            part(1, 1000, md5_of_a)) +
                           "</ListPartsResult>");
  }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(destination->open(object, session).has_value());
  const auto standing = destination->open(object, session);
  ASSERT_TRUE(standing.has_value()) << standing.error().failure.message;
  EXPECT_THAT(standing->missing, ElementsAre(Piece{2, 1000, 1000}, Piece{3, 2000, 500}));
  EXPECT_EQ(standing->bytes_there, 1000u);
  EXPECT_THAT(session.sent, ElementsAre(SentPiece{{1, 0, 1000}, md5_of_a}));
}

TEST_F(S3Fault, without_the_right_to_list_our_own_record_has_to_do) {
  ScriptedStore store(willing([](const auto& request) -> std::string {
    return is_list(request) ? error_with("403 Forbidden", "AccessDenied") : "";
  }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(send_all(*destination).has_value());
  session.sent.pop_back();
  const auto standing = destination->open(object, session);
  ASSERT_TRUE(standing.has_value());
  EXPECT_THAT(standing->missing, ElementsAre(Piece{3, 2000, 500}));
}

TEST_F(S3Fault, an_upload_that_the_store_forgot_begins_again) {
  ScriptedStore store(willing([](const auto&) { return ""; }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(send_all(*destination).has_value());
  session.is_finishing = false;
  const auto standing = destination->open(object, session);
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::begin_again);
}

TEST_F(S3Fault, an_upload_is_aborted_until_no_part_is_left) {
  std::atomic<int> aborts = 0;
  ScriptedStore store(willing([&](const auto& request) -> std::string {
    if (request.method == "DELETE") return aborts++, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    if (!is_list(request) || aborts >= 3) return "";
    return answer_with(
        "200 OK", "<ListPartsResult><Part><PartNumber>1</PartNumber><Size>1</Size></Part></ListPartsResult>");
  }));
  const auto destination = destination_at(store);
  ASSERT_TRUE(send_all(*destination).has_value());
  destination->abandon(object, session);
  EXPECT_EQ(aborts, 3);
}

TEST_F(S3Fault, the_stores_wish_is_an_object_beside_the_dump) {
  std::string answer;
  ScriptedStore store([&](const auto&) { return answer; });
  const auto asked = [&](const std::string& next) {
    answer = next;
    return destination_at(store)->asked_for("lab/d-1");
  };
  EXPECT_EQ(*asked(answer_with("200 OK", "dump\n")), Destination::Want::dump);
  EXPECT_EQ(*asked(answer_with("200 OK", "nothing")), Destination::Want::nothing);
  EXPECT_EQ(*asked(answer_with("200 OK", "later")), Destination::Want::later);
  EXPECT_EQ(*asked(answer_with("200 OK", "<html>")), std::nullopt);
  EXPECT_EQ(*asked(error_with("403 Forbidden", "AccessDenied")), std::nullopt);
  EXPECT_EQ(*asked(error_with("404 Not Found", "NoSuchKey")), std::nullopt);
  EXPECT_FALSE(asked(error_with("503 Busy", "SlowDown")).has_value());
  EXPECT_EQ(store.lines()[0], "GET /dumps/fleet/lab/d-1/want");
}

TEST_F(S3Fault, a_small_object_is_one_put_with_its_encryption) {
  ScriptedStore store(willing([](const auto&) { return ""; }));
  S3Settings settings;
  settings.server_side_encryption = "aws:kms";
  settings.kms_key_id = "key-1";
  const TextSource small("{}");
  object = {"d/meta.json", &small, 2, "", "application/json", {{"dump-id", "0123"}}};
  const auto destination = destination_at(store, settings);
  ASSERT_TRUE(send_all(*destination).has_value());
  ASSERT_TRUE(destination->finish(object, session).has_value());
  const auto requests = store.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].value_of("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(requests[0].value_of("x-amz-server-side-encryption-aws-kms-key-id"), "key-1");
  EXPECT_EQ(requests[0].value_of("x-amz-meta-dump-id"), "0123");
  EXPECT_EQ(requests[0].value_of("Content-MD5"), "mZFLkyvTelC5g8XnyQrpOw==");
  const auto standing = destination->open(object, session);
  ASSERT_TRUE(standing.has_value());
  EXPECT_TRUE(standing->complete);
}

}  // namespace
}  // namespace warmdump
