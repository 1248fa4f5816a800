// The state machine of tus against every answer that a server may give.

#include "upload/destination/tus_destination.h"

#include <fmt/format.h>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/scripted_transport.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr ByteCount kPieceBytes = 10;

// A server that keeps one upload, as far as a test does not say otherwise.
class TusDestinationTest : public testing::Test {
 protected:
  TusDestinationTest() {
    destination = make_tus_destination(
        HttpPlace{*parse_url("https://sink/files"),
                  std::make_unique<ScriptedTransport>(
                      asked, [this](const AskedRequest& request) { return answer(request); })},
        kPieceBytes);
  }

  SendOutcome<HttpAnswer> answer(const AskedRequest& asked_now) {
    const std::string& method = asked_now.request.method;
    if (const auto found = instead.find(method); found != instead.end()) return found->second;
    if (method == "OPTIONS") return HttpAnswer{204, "No Content", options};
    if (method == "POST") return HttpAnswer{201, "Created", {{"location", location}}};
    if (method == "DELETE") return HttpAnswer{204, "No Content"};
    if (method == "PATCH") arrived += asked_now.body.substr(0, takes_at_once);
    return HttpAnswer{method == "PATCH" ? 204u : 200u,
                      "OK",
                      {{"upload-offset", std::to_string(arrived.size())},
                       {"upload-length", std::to_string(bytes.text().size())}}};
  }

  SendOutcome<Destination::Standing> open() { return destination->open(object, session); }

  SendOutcome<SentPiece> send(const Piece& piece) {
    return destination->send(object, session, piece, [this](ByteCount done) { told = done; });
  }

  // All that is missing, then the end.
  SendOutcome<ObjectReceipt> send_all() {
    const auto standing = TRY(open());
    if (standing.complete) return *standing.complete;
    for (const auto& piece : standing.missing) session.sent.push_back(TRY(send(piece)));
    return destination->finish(object, session);
  }

  std::vector<std::string> methods() const {
    std::vector<std::string> methods;
    for (const auto& request : asked) methods.push_back(request.request.method);
    return methods;
  }

  const TextSource bytes{"0123456789abcdefghijABC"};
  const ObjectToSend object{"lab/dump-1/vmcore",        &bytes,
                            bytes.text().size(),        "5ha",
                            "application/octet-stream", {{"signature", "panic x"}}};
  std::vector<std::pair<std::string, std::string>> options;
  std::string location = "/files/24e5?v=2";
  std::string arrived;
  std::size_t takes_at_once = 1000;
  std::map<std::string, HttpAnswer> instead;  // by method
  std::vector<AskedRequest> asked;
  std::unique_ptr<Destination> destination;
  TransferSession session;
  ByteCount told = 0;
};

TEST_F(TusDestinationTest, creates_sends_in_order_and_looks_at_the_end) {
  const auto receipt = send_all();
  ASSERT_TRUE(receipt.has_value()) << receipt.error().failure.message;
  EXPECT_EQ(arrived, bytes.text());
  EXPECT_THAT(methods(), ElementsAre("OPTIONS", "POST", "PATCH", "PATCH", "PATCH", "HEAD"));
  EXPECT_EQ(asked[1].header("Upload-Length"), "23");
  EXPECT_EQ(asked[1].header("Upload-Metadata"),
            "key bGFiL2R1bXAtMS92bWNvcmU=,filename dm1jb3Jl,dump bGFiL2R1bXAtMQ==,sha256 NWhh,"
            "filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt,signature cGFuaWMgeA==");
  EXPECT_EQ(asked[2].request.url.text(), "https://sink/files/24e5");
  EXPECT_EQ(asked[2].request.query, "v=2");
  EXPECT_EQ(asked[2].header("Content-Type"), "application/offset+octet-stream");
  EXPECT_EQ(asked[2].header("Tus-Resumable"), "1.0.0");
  EXPECT_EQ(asked[2].header("Upload-Checksum"), "");
  EXPECT_EQ(asked[4].header("Upload-Offset"), "20");
  EXPECT_EQ(receipt->tag, "/files/24e5");
}

TEST_F(TusDestinationTest, goes_on_where_the_server_is_and_not_where_the_record_is) {
  ASSERT_TRUE(open().has_value());
  arrived = "0123456789abc";
  session.sent = {{{1, 0, 10}, ""}};
  const auto standing = open();
  ASSERT_TRUE(standing.has_value());
  EXPECT_EQ(standing->bytes_there, 13u);
  EXPECT_THAT(standing->missing, ElementsAre(Piece{1, 13, 7}, Piece{2, 20, 3}));
  ASSERT_TRUE(send_all().has_value());
  EXPECT_EQ(arrived, bytes.text());
}

TEST_F(TusDestinationTest, a_server_that_takes_less_than_it_is_given_gets_the_rest) {
  takes_at_once = 3;
  ASSERT_TRUE(send_all().has_value());
  EXPECT_EQ(arrived, bytes.text());
  EXPECT_EQ(told, 3u);  // of the last piece
}

TEST_F(TusDestinationTest, what_is_whole_is_not_sent_again) {
  ASSERT_TRUE(open().has_value());
  arrived = bytes.text();
  session.is_finishing = true;
  const auto standing = open();
  ASSERT_TRUE(standing.has_value());
  EXPECT_TRUE(standing->complete.has_value());
}

TEST_F(TusDestinationTest, a_server_that_takes_finished_uploads_away_has_them) {
  instead["HEAD"] = {404, "Not Found"};
  EXPECT_TRUE(send_all().has_value());
  instead["HEAD"] = {403, "Forbidden"};
  arrived.clear();
  session = {};
  EXPECT_FALSE(send_all().has_value());
}

TEST_F(TusDestinationTest, a_piece_carries_the_checksum_that_the_server_offers) {
  options = {{"tus-extension", "creation, checksum"}, {"tus-checksum-algorithm", "md5,sha1,crc32"}};
  ASSERT_TRUE(send_all().has_value());
  // printf 0123456789 | openssl sha1 -binary | base64
  EXPECT_EQ(asked[2].header("Upload-Checksum"), "sha1 h6zsF82dzSCnFsws9nQXtxyKcBY=");
}

TEST_F(TusDestinationTest, sizes_and_versions_are_known_before_anything_is_sent) {
  options = {{"tus-version", "1.0.0,0.2.2"}, {"tus-max-size", "22"}};
  auto standing = open();
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::give_dump_up);
  EXPECT_THAT(standing.error().failure.message, HasSubstr("it has 23 bytes, the server takes at most 22"));
  EXPECT_THAT(methods(), ElementsAre("OPTIONS"));
}

TEST_F(TusDestinationTest, another_version_is_said) {
  options = {{"tus-version", "0.2.2"}};
  EXPECT_THAT(open().error().failure.message, HasSubstr("does not speak tus 1.0.0"));
}

struct Row {
  const char* method;
  unsigned status;
  Remedy remedy;
};

TEST_F(TusDestinationTest, every_refusal_has_its_remedy) {
  const Row rows[] = {
      {"POST", 400, Remedy::change_sink},   {"POST", 401, Remedy::change_sink},
      {"POST", 403, Remedy::change_sink},   {"POST", 404, Remedy::change_sink},
      {"POST", 405, Remedy::change_sink},   {"POST", 412, Remedy::change_sink},
      {"POST", 413, Remedy::give_dump_up},  {"POST", 423, Remedy::wait},
      {"POST", 429, Remedy::wait},          {"POST", 503, Remedy::wait},
      {"POST", 307, Remedy::change_sink},   {"POST", 200, Remedy::change_sink},
      {"HEAD", 403, Remedy::begin_again},   {"HEAD", 404, Remedy::begin_again},
      {"HEAD", 410, Remedy::begin_again},   {"HEAD", 400, Remedy::begin_again},
      {"HEAD", 401, Remedy::change_sink},   {"HEAD", 409, Remedy::wait},
      {"HEAD", 423, Remedy::wait},          {"HEAD", 500, Remedy::wait},
      {"PATCH", 400, Remedy::begin_again},  {"PATCH", 403, Remedy::change_sink},
      {"PATCH", 404, Remedy::begin_again},  {"PATCH", 409, Remedy::wait},
      {"PATCH", 410, Remedy::begin_again},  {"PATCH", 412, Remedy::change_sink},
      {"PATCH", 413, Remedy::give_dump_up}, {"PATCH", 423, Remedy::wait},
      {"PATCH", 460, Remedy::read_again},   {"PATCH", 502, Remedy::wait},
      {"PATCH", 507, Remedy::wait},
  };
  for (const auto& row : rows) {
    instead.clear();
    session = {};
    const bool is_of_an_upload = std::string(row.method) != "POST";
    ASSERT_TRUE(!is_of_an_upload || open().has_value());
    instead[row.method] = {row.status, "Because", {{"retry-after", "7"}}};
    const bool is_patch = std::string(row.method) == "PATCH";
    auto failure = is_patch ? send({1, 0, 10}).error() : open().error();
    EXPECT_EQ(failure.remedy, row.remedy) << row.method << " " << row.status;
    EXPECT_EQ(failure.http_status, row.status == 200 ? 0 : row.status);
    EXPECT_THAT(failure.failure.message, HasSubstr(std::to_string(row.status)));
    if (row.remedy != Remedy::wait) continue;
    EXPECT_EQ(failure.retry_after, std::chrono::seconds(7)) << row.status;
  }
}

TEST_F(TusDestinationTest, a_busy_server_is_asked_for_its_options_again) {
  instead["OPTIONS"] = {503, "Busy", {{"retry-after", "7"}}};
  const auto standing = open();
  ASSERT_FALSE(standing.has_value());
  EXPECT_EQ(standing.error().remedy, Remedy::wait);
  instead.clear();
  options = {{"tus-max-size", "22"}};
  EXPECT_EQ(open().error().remedy, Remedy::give_dump_up);
}

TEST_F(TusDestinationTest, a_server_that_does_not_answer_options_is_used_all_the_same) {
  instead["OPTIONS"] = {405, "Method Not Allowed"};
  EXPECT_TRUE(send_all().has_value());
  destination->abandon(object, session);
  EXPECT_THAT(methods(), Not(testing::Contains("DELETE")));
}

TEST_F(TusDestinationTest, what_cannot_be_true_is_not_believed) {
  ASSERT_TRUE(open().has_value());
  const auto with = [&](const std::string& offset, const std::string& length) {
    instead["HEAD"] = {200, "OK", {{"upload-offset", offset}, {"upload-length", length}}};
    return open();
  };
  EXPECT_EQ(with("24", "23").error().remedy, Remedy::begin_again);
  EXPECT_EQ(with("5", "99").error().remedy, Remedy::begin_again);
  for (const char* offset : {"", "-1", "+1", "1x", " 1", "0x5", "99999999999999999999", "1,2"}) {
    const auto standing = with(offset, "23");
    EXPECT_EQ(standing.error().remedy, Remedy::change_sink) << offset;
    EXPECT_THAT(standing.error().failure.message, HasSubstr("is there a tus server")) << offset;
  }
  instead.clear();
  instead["PATCH"] = {204, "No Content", {{"upload-offset", "11"}}};
  EXPECT_EQ(send({1, 0, 10}).error().remedy, Remedy::begin_again);
  instead["PATCH"] = {204, "No Content", {{"upload-offset", "0"}}};
  EXPECT_EQ(send({1, 0, 10}).error().remedy, Remedy::wait);
}

TEST_F(TusDestinationTest, an_upload_that_has_expired_by_the_clock_of_the_server_begins_again) {
  ASSERT_TRUE(open().has_value());
  instead["HEAD"] = {200,
                     "OK",
                     {{"upload-offset", "5"},
                      {"date", "Sun, 06 Nov 1994 08:49:38 GMT"},
                      {"upload-expires", "Sun, 06 Nov 1994 08:49:37 GMT"}}};
  EXPECT_EQ(open().error().remedy, Remedy::begin_again);
  instead["HEAD"].headers[1].second = "Sun, 06 Nov 1994 08:49:36 GMT";
  EXPECT_TRUE(open().has_value());
  EXPECT_EQ(session.expires, 784111777);
}

TEST_F(TusDestinationTest, what_the_server_wants_is_heard_once_and_of_reports_alone) {
  instead["HEAD"] = {200, "OK", {{"upload-offset", "23"}, {"warmdump-want", " Nothing "}}};
  ASSERT_TRUE(send_all().has_value());
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), std::nullopt);
  ObjectToSend manifest = object;
  manifest.key = "lab/dump-1/manifest-report.json";
  TransferSession other;
  ASSERT_TRUE(destination->open(manifest, other).has_value());
  ASSERT_TRUE(destination->finish(manifest, other).has_value());
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), Destination::Want::nothing);
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), std::nullopt);
}

TEST_F(TusDestinationTest, uploads_are_looked_for_at_the_same_origin_alone) {
  const auto where = [&](const std::string& text) {
    location = text;
    session = {};
    const auto standing = open();
    return standing.has_value() ? session.id : "refused: " + standing.error().failure.message;
  };
  EXPECT_EQ(where("https://sink/files/a"), "/files/a");
  EXPECT_EQ(where("HTTPS://SINK:443/x/a?tusv2=true#part"), "/x/a?tusv2=true");
  EXPECT_EQ(where("//sink/files/a"), "/files/a");
  EXPECT_EQ(where("/up/a"), "/up/a");
  EXPECT_EQ(where("files/a"), "/files/a");
  EXPECT_EQ(where("a"), "/a");
  EXPECT_EQ(where("./x/../a"), "/a");
  EXPECT_EQ(where("../../a"), "/a");
  EXPECT_EQ(where("/files/a/"), "/files/a/");
  EXPECT_EQ(where("?id=a"), "/files?id=a");
  for (const char* elsewhere :
       {"http://sink/files/a", "https://other/files/a", "https://sink:444/a", "//other/a"}) {
    EXPECT_THAT(where(elsewhere), AllOf(HasSubstr("refused"), HasSubstr("another origin"))) << elsewhere;
  }
  for (const char* bad : {"", "#x", "ftp://sink/a", "https://u:hunter2@sink/a", "/a b", "/a\"b", "/%zz",
                          "/%2e%2e/a", "/a?x y", "/a?hunter2\x01"}) {
    EXPECT_THAT(where(bad), AllOf(HasSubstr("refused"), Not(HasSubstr("hunter2")))) << bad;
  }
}

TEST_F(TusDestinationTest, a_record_of_another_protocol_or_with_nonsense_begins_anew) {
  for (const auto& [protocol, id] :
       {std::pair("s3", "/files/a"), {"tus", "files/a"}, {"tus", "/a b"}, {"tus", ""}}) {
    session = {};
    session.protocol = protocol;
    session.id = id;
    session.piece_size = 10;
    asked.clear();
    ASSERT_TRUE(open().has_value());
    EXPECT_EQ(session.id, "/files/24e5?v=2");
    EXPECT_THAT(methods(), testing::Contains("POST"));
  }
}

}  // namespace
}  // namespace warmdump
