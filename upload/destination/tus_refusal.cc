#include "upload/destination/tus_refusal.h"

#include <ctime>
#include <optional>

#include "upload/destination/server_words.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

constexpr const char* kGone = "; the upload is gone from the server, it begins again";

struct StatusRow {
  unsigned status;
  std::optional<TusStep> step;  // nothing: at any
  Remedy remedy;
  const char* advice;
};

// Answers whose meaning is not that of meaning_of_status. The first row that fits counts. To add one: a row
// here, and one in the table of tests/upload/tus_destination_test.cc.
constexpr StatusRow kStatusRows[] = {
    {404, TusStep::create, Remedy::change_sink, "; is there a tus server at this path?"},
    {405, TusStep::create, Remedy::change_sink, "; the server does not take tus uploads at this address"},
    {400, TusStep::look, Remedy::begin_again, ""},
    {400, TusStep::send, Remedy::begin_again, ""},
    {403, TusStep::look, Remedy::begin_again, kGone},
    {404, {}, Remedy::begin_again, kGone},
    {410, {}, Remedy::begin_again, kGone},
    {409, {}, Remedy::wait, "; the server has another number of bytes"},
    {423, {}, Remedy::wait, "; the upload is locked by an earlier connection"},
    {460, {}, Remedy::read_again, "; the piece arrived damaged"},
    {401, {}, Remedy::change_sink, "; check --credentials-file"},
    {403, {}, Remedy::change_sink, "; this client may not write there"},
    {407, {}, Remedy::change_sink, "; a proxy is in the way"},
    {412, {}, Remedy::change_sink, "; the server does not speak tus 1.0.0"},
    {413, {}, Remedy::give_dump_up, "; the server's size limit is too small for this file"},
    {507, {}, Remedy::wait, "; the server is out of space"},
};

}  // namespace

SendFailure tus_refusal(const HttpAnswer& answer, TusStep step) {
  for (const auto& row : kStatusRows) {
    if (row.status != answer.status || (row.step && *row.step != step)) continue;
    SendFailure failure = refusal(answer, row.advice);
    failure.remedy = row.remedy;
    if (row.remedy == Remedy::wait && !failure.retry_after) {
      failure.retry_after = parse_retry_after(answer.header("retry-after"), std::time(nullptr));
    }
    return failure;
  }
  return refusal(answer, "");
}

}  // namespace warmdump
