#include "upload/queue/state_json.h"

namespace warmdump::state_json {
namespace {

// Stored names. To add one: a row here, the enumerator in transfer/send_failure.h.
constexpr Named<Remedy> kRemedies[] = {
    {Remedy::wait, "wait"},
    {Remedy::read_again, "read_again"},
    {Remedy::begin_again, "begin_again"},
    {Remedy::set_time, "set_time"},
    {Remedy::change_sink, "change_sink"},
    {Remedy::give_dump_up, "give_dump_up"},
    {Remedy::change_source, "change_source"},
};

// A span of time no wait or uptime exceeds: sums of them stay far from what the type holds.
constexpr std::int64_t kSecondsMax = std::int64_t{1} << 40;

std::chrono::seconds take_seconds(const json& stored, const char* key) {
  std::int64_t seconds = 0;
  take(stored, key, seconds);
  if (seconds < 0 || seconds > kSecondsMax) throw Misfit();
  return std::chrono::seconds(seconds);
}

}  // namespace

ordered_json from_moment(const Moment& moment) {
  return {{"wall", moment.wall},
          {"boot_id", moment.boot_id},
          {"since_boot_s", moment.since_boot.count()},
          {"lived_s", moment.lived.count()}};
}

Moment to_moment(const json& stored) {
  Moment moment;
  take(stored, "wall", moment.wall);
  if (moment.wall < 0 || moment.wall > kSecondsMax) throw Misfit();
  take(stored, "boot_id", moment.boot_id);
  moment.since_boot = take_seconds(stored, "since_boot_s");
  moment.lived = take_seconds(stored, "lived_s");
  return moment;
}

ordered_json from_due(const Due& due) {
  return {{"from", from_moment(due.from)}, {"wait_s", due.wait.count()}};
}

Due to_due(const json& stored) {
  return {to_moment(stored.at("from")), take_seconds(stored, "wait_s")};
}

ordered_json from_error(const RecordedError& error) {
  return {{"remedy", name_in(kRemedies, error.remedy)},
          {"code", static_cast<std::uint16_t>(error.code)},
          {"http_status", error.http_status},
          {"server_code", error.server_code},
          {"text", error.text}};
}

RecordedError to_error(const json& stored) {
  RecordedError error;
  error.remedy = value_in(kRemedies, stored.at("remedy"));
  std::uint16_t code = 0;
  take(stored, "code", code);
  error.code = static_cast<ErrorCode>(code);
  take(stored, "http_status", error.http_status);
  take(stored, "server_code", error.server_code);
  take(stored, "text", error.text);
  return error;
}

std::string text_of(const ordered_json& object) {
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace warmdump::state_json
