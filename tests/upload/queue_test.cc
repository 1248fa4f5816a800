// One run of the queue after the other: order, stages, failures, what is remembered.

#include "tests/upload/queue_fixture.h"
#include "upload/policy/retry_budget.h"

namespace warmdump {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

SendFailure failure_of(Remedy remedy, const char* text = "broken") {
  return {Failure(ErrorCode::io, text), remedy};
}

TEST_F(QueueTest, sends_all_reports_before_any_pages_and_the_first_of_each_crash_before_more_of_it) {
  add_dump("a", "w1-x", 2500);
  add_dump("b", "w1-x", 10);
  add_dump("c", "w1-y", 10);
  const auto report = run();
  EXPECT_EQ(report.end, QueueEnd::finished);
  EXPECT_EQ(report.next, seconds(0));
  const std::vector<std::string> files{"vmcore-dmesg.txt", "meta.json", "manifest-report.json"};
  std::vector<std::string> expected;
  for (const char* name : {"a/", "c/", "b/"}) {
    for (const auto& file : files) expected.push_back(name + file);
  }
  for (const char* name : {"a/", "c/", "b/"}) {
    expected.push_back(std::string(name) + "vmcore");
    expected.push_back(std::string(name) + "manifest.json");
  }
  EXPECT_EQ(finished(), expected);
  for (const auto& record : records()) {
    EXPECT_EQ(record.state, DumpState::done) << record.name;
    EXPECT_TRUE(record.whole_was_sent);
    EXPECT_EQ(record.deaths, 0u);
  }
}

TEST_F(QueueTest, nothing_is_sent_twice) {
  add_dump("a", "w1-x", 100);
  run();
  const auto requests = server.requests;
  for (int i = 0; i < 3; ++i) run();
  EXPECT_EQ(server.requests, requests);
}

TEST_F(QueueTest, a_dump_that_was_removed_and_put_back_elsewhere_is_not_sent_twice) {
  const auto path = add_dump("a", "w1-x", 100);
  run();
  const auto log = server.log("send");
  std::filesystem::copy(path, spool / "z", std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(path);
  run();
  EXPECT_EQ(server.log("send"), log);
  EXPECT_EQ(record_of("z").state, DumpState::done);
  EXPECT_THAT(records(), SizeIs(2));
}

TEST_F(QueueTest, the_receipt_of_an_older_version_is_honoured) {
  const auto path = add_dump("a", "w1-x", 100);
  run();
  std::string files;
  for (const auto& file : record_of("a").files) {
    files += (files.empty() ? "" : ",") + std::string(R"({"name": ")") + file.name + R"(", "size": )" +
             std::to_string(file.size) + R"(, "sha256": ")" + file.sha256 + R"("})";
  }
  write_file(
      path / "upload-receipt.json",
      R"({"schema": 1, "uploads": [{"destination": "folder:", "time": "x", "files": [)" + files + "]}]}");
  state = MemoryStateFiles();
  const auto log = server.log("send");
  EXPECT_EQ(run().dumps.at(0).told, "was sent before");
  EXPECT_EQ(server.log("send"), log);
}

TEST_F(QueueTest, one_bad_dump_does_not_hold_up_the_others) {
  add_dump("a", "w1-x", 100);
  add_dump("b", "w1-y", 100);
  add_dump("c", "w1-z", 100);
  std::filesystem::remove(spool / "c/vmcore");
  server.fault = [](auto request, const std::string& key) -> std::optional<SendFailure> {
    const bool is_bad = request == FolderServer::Request::send && key.find("/a-") != key.npos;
    return is_bad ? std::optional(failure_of(Remedy::give_dump_up, "too large")) : std::nullopt;
  };
  const auto report = run();
  EXPECT_TRUE(report.has_failed);
  EXPECT_THAT(report.untold, ElementsAre(HasSubstr("c has no vmcore")));
  EXPECT_EQ(record_of("a").state, DumpState::dead);
  EXPECT_THAT(record_of("a").reason, HasSubstr("too large"));
  EXPECT_EQ(record_of("b").state, DumpState::done);
  EXPECT_EQ(server.sessions(), 0u);
}

TEST_F(QueueTest, a_sink_that_refuses_is_left_alone_for_about_an_hour) {
  add_dump("a", "w1-x", 100);
  add_dump("b", "w1-y", 100);
  bool is_mended = false;
  server.fault = [&](auto, const std::string&) {
    return is_mended ? std::nullopt : std::optional(failure_of(Remedy::change_sink, "access denied"));
  };
  auto report = run();
  EXPECT_EQ(report.end, QueueEnd::sink_parked);
  EXPECT_THAT(report.why, HasSubstr("access denied"));
  EXPECT_EQ(server.requests, 1u);
  EXPECT_EQ(report.next, hours(1));
  clock.time += minutes(50);
  EXPECT_EQ(run().end, QueueEnd::sink_parked);
  EXPECT_EQ(server.requests, 1u);
  clock.time += minutes(20);
  is_mended = true;
  EXPECT_EQ(run().end, QueueEnd::finished);
  EXPECT_EQ(record_of("a").state, DumpState::done);
  EXPECT_EQ(record_of("b").state, DumpState::done);
}

TEST_F(QueueTest, a_sink_that_rests_is_tried_at_once_when_somebody_asks_or_the_sink_is_another) {
  add_dump("a", "w1-x", 100);
  server.fault = [&](auto, const std::string&) { return std::optional(failure_of(Remedy::change_sink)); };
  run();
  options.now = true;
  EXPECT_EQ(run().end, QueueEnd::sink_parked);
  EXPECT_EQ(server.requests, 2u);
  options.now = false;
  server.fault = nullptr;
  server = FolderServer(temporary / "other", kPiece, "other:");
  EXPECT_EQ(run().end, QueueEnd::finished);
}

TEST_F(QueueTest, a_dead_link_costs_a_few_attempts_however_many_dumps_wait) {
  for (int i = 0; i < 50; ++i) add_dump("d" + std::to_string(i), "w1-" + std::to_string(i), 100);
  server.fault = [&](auto, const std::string&) { return std::optional(failure_of(Remedy::wait)); };
  const auto report = run();
  EXPECT_EQ(report.end, QueueEnd::sink_rests);
  EXPECT_LE(server.requests, RetryBudget::kFull / RetryBudget::kPerRetry + 6);
  server.fault = nullptr;
  clock.time += hours(7);
  EXPECT_EQ(run().end, QueueEnd::finished);
  EXPECT_THAT(server.objects(), SizeIs(50 * 5));
}

TEST_F(QueueTest, a_retry_after_beyond_patience_rests_the_sink_for_at_least_that_long) {
  add_dump("a", "w1-x", 100);
  server.fault = [&](auto, const std::string&) {
    auto failure = failure_of(Remedy::wait, "slow down");
    failure.retry_after = hours(2);
    return std::optional(std::move(failure));
  };
  EXPECT_EQ(run().end, QueueEnd::sink_rests);
  EXPECT_EQ(server.requests, 1u);
  clock.time += minutes(119);
  run();
  EXPECT_EQ(server.requests, 1u);
}

TEST_F(QueueTest, a_cut_resends_nothing_that_had_arrived) {
  add_dump("a", "w1-x", 10'000);
  int sends = 0;
  server.fault = [&](auto request, const std::string& key) -> std::optional<SendFailure> {
    if (request != FolderServer::Request::send || !key.ends_with("/vmcore") || ++sends % 3 != 0) return {};
    return failure_of(Remedy::wait);
  };
  run();
  EXPECT_EQ(record_of("a").state, DumpState::done);
  unsigned pieces = 0;
  for (const auto& line : server.log("send")) pieces += line.find("/vmcore ") != line.npos ? 1U : 0U;
  EXPECT_EQ(pieces, 10u);
}

TEST_F(QueueTest, pause_holds_everything_and_between_pieces_too) {
  add_dump("a", "w1-x", 10'000);
  int sends = 0;
  server.fault = [&](auto request, const std::string& key) -> std::optional<SendFailure> {
    if (request == FolderServer::Request::send && key.ends_with("/vmcore") && ++sends == 4) {
      EXPECT_TRUE(pause_uploads(state));
    }
    return {};
  };
  EXPECT_EQ(run().end, QueueEnd::not_now);
  EXPECT_EQ(sends, 4);
  const auto requests = server.requests;
  EXPECT_EQ(run().end, QueueEnd::not_now);
  EXPECT_EQ(server.requests, requests);
  ASSERT_TRUE(resume_uploads(state));
  EXPECT_EQ(run().end, QueueEnd::finished);
  EXPECT_EQ(sends, 10);
}

TEST_F(QueueTest, revoked_consent_empties_the_queue_and_the_server) {
  add_dump("a", "w1-x", 10'000);
  add_dump("b", "w1-y", 100);
  int sends = 0;
  server.fault = [&](auto request, const std::string& key) -> std::optional<SendFailure> {
    if (request == FolderServer::Request::send && key.ends_with("/vmcore") && ++sends == 4) {
      surroundings.has_consent = false;
    }
    return {};
  };
  EXPECT_EQ(run().end, QueueEnd::not_now);
  EXPECT_EQ(server.sessions(), 0u);
  for (const auto& record : records()) EXPECT_EQ(record.state, DumpState::done) << "its report had arrived";
  add_dump("c", "w1-z", 100);
  run();
  EXPECT_EQ(record_of("c").state, DumpState::dropped);
  surroundings.has_consent = true;
  const auto requests = server.requests;
  run();
  EXPECT_EQ(server.requests, requests) << "what was dropped stays so";
}

TEST_F(QueueTest, a_metered_link_carries_the_report_alone) {
  add_dump("a", "w1-x", 100);
  surroundings.is_metered = true;
  EXPECT_EQ(run().end, QueueEnd::not_now);
  EXPECT_EQ(record_of("a").state, DumpState::report_sent);
  surroundings.is_metered = false;
  run();
  EXPECT_EQ(record_of("a").state, DumpState::done);
}

TEST_F(QueueTest, pages_follow_when_the_server_asks_for_them) {
  add_dump("a", "w1-x", 100);
  options.pages = PagesPolicy::asked;
  run();
  EXPECT_EQ(record_of("a").state, DumpState::report_sent);
  server.want = Destination::Want::later;
  clock.time += hours(2);
  run();
  EXPECT_EQ(record_of("a").state, DumpState::report_sent);
  server.want = Destination::Want::dump;
  clock.time += hours(2);
  run();
  EXPECT_EQ(record_of("a").state, DumpState::done);
  EXPECT_TRUE(record_of("a").whole_was_sent);
  add_dump("b", "w1-x", 100);
  server.want = Destination::Want::nothing;
  run();
  EXPECT_EQ(record_of("b").state, DumpState::done);
  EXPECT_FALSE(record_of("b").whole_was_sent);
}

TEST_F(QueueTest, of_each_crash_the_first_three_of_a_day_send_their_pages) {
  options.limits.pages_per_signature = 3;
  for (int i = 0; i < 5; ++i) add_dump("d" + std::to_string(i), "w1-x", 100);
  add_dump("other", "w1-y", 100);
  run();
  std::vector<std::string> whole;
  for (const auto& record : records()) {
    EXPECT_EQ(record.state, DumpState::done);
    if (record.whole_was_sent) whole.push_back(record.name);
  }
  EXPECT_THAT(whole, testing::UnorderedElementsAre("d0", "d1", "d2", "other"));
}

TEST_F(QueueTest, what_does_not_fit_into_a_day_goes_on_the_next) {
  add_dump("a", "w1-x", 10'000);
  options.limits.bytes = 6'000;
  const auto first = run();
  EXPECT_EQ(record_of("a").state, DumpState::sending);
  EXPECT_LE(server.bytes_received, 6'000u);
  EXPECT_GT(server.bytes_received, 4'000u);
  clock.time += first.next + seconds(1);
  run();
  EXPECT_EQ(record_of("a").state, DumpState::done);
  unsigned pieces = 0;
  for (const auto& line : server.log("send")) pieces += line.find("/vmcore ") != line.npos ? 1U : 0U;
  EXPECT_EQ(pieces, 10u);
}

TEST_F(QueueTest, a_piece_that_fits_into_no_day_is_parked_and_said) {
  server = FolderServer(temporary / "server", 1'000'000);
  add_dump("a", "w1-x", 10'000);
  options.limits.bytes = 6'000;
  EXPECT_TRUE(run().has_failed);
  EXPECT_EQ(record_of("a").state, DumpState::parked);
  EXPECT_THAT(record_of("a").reason, HasSubstr("larger than what may be sent in a day"));
}

TEST_F(QueueTest, a_dump_on_which_three_processes_died_is_parked_until_somebody_asks) {
  add_dump("a", "w1-x", 100);
  run();
  auto record = record_of("a");
  state = MemoryStateFiles();
  record.state = DumpState::queued;
  record.objects.clear();
  record.deaths = 3;
  ASSERT_TRUE(RecordStore(state).store(record));
  EXPECT_TRUE(run().has_failed);
  EXPECT_EQ(record_of("a").state, DumpState::parked);
  options.now = true;
  run();
  EXPECT_EQ(record_of("a").state, DumpState::done);
}

TEST_F(QueueTest, a_dump_that_is_too_old_or_gone_is_dropped) {
  add_dump("a", "w1-x", 10'000);
  const auto gone = add_dump("b", "w1-y", 10'000);
  server.fault = [](auto request, const std::string&) -> std::optional<SendFailure> {
    if (request != FolderServer::Request::finish) return {};
    return failure_of(Remedy::wait);
  };
  run();
  EXPECT_EQ(server.sessions(), 2u);
  std::filesystem::remove_all(gone);
  clock.time += hours(1);
  run();
  EXPECT_EQ(record_of("b").state, DumpState::dropped);
  EXPECT_EQ(server.sessions(), 1u);
  clock.time += hours(24 * 31);
  run();
  EXPECT_EQ(record_of("a").state, DumpState::dropped);
  EXPECT_EQ(server.sessions(), 0u);
}

TEST_F(QueueTest, a_dump_that_somebody_else_holds_is_neither_sent_nor_gone) {
  const auto path = add_dump("a", "w1-x", 100);
  surroundings.is_metered = true;
  run();
  const auto held = open_dump_directory(path);
  ASSERT_TRUE(held);
  const auto report = run();
  EXPECT_THAT(report.untold, SizeIs(1));
  EXPECT_EQ(record_of("a").state, DumpState::report_sent);
}

TEST_F(QueueTest, damaged_records_are_set_aside_and_newer_ones_left_alone) {
  add_dump("a", "w1-x", 100);
  add_dump("b", "w1-y", 100);
  run();
  const auto a = "dump-" + record_of("a").id + ".json";
  const auto b = "dump-" + record_of("b").id + ".json";
  state.put(a, state.text_of(a).substr(0, 300));
  state.put(b, R"({"schema": 2})");
  state.put("queue.json", "{");
  const auto requests = server.log("send").size();
  const auto report = run();
  EXPECT_THAT(report.untold, testing::Contains(HasSubstr("newer warmdump")));
  EXPECT_EQ(server.log("send").size(), requests) << "the server has every object already";
  EXPECT_EQ(record_of("a").state, DumpState::done);
  EXPECT_EQ(state.text_of(b), R"({"schema": 2})");
  EXPECT_EQ(state.text_of(a + ".bad").size(), 300u);
}

TEST_F(QueueTest, a_machine_begins_a_while_after_its_boot_but_once) {
  add_dump("a", "w1-x", 100);
  options.spread = hours(10);
  clock.uptime = seconds(5);
  run();
  ASSERT_THAT(clock.waits, SizeIs(1));
  const auto wait = clock.waits[0];
  EXPECT_LT(wait, hours(10));
  run();
  EXPECT_THAT(clock.waits, SizeIs(1));
}

TEST_F(QueueTest, a_stop_leaves_what_the_next_run_goes_on_from) {
  add_dump("a", "w1-x", 10'000);
  auto request = StopRequest::make();
  ASSERT_TRUE(request);
  stop = &*request;
  int sends = 0;
  server.fault = [&](auto kind, const std::string& key) -> std::optional<SendFailure> {
    if (kind == FolderServer::Request::send && key.ends_with("/vmcore") && ++sends == 4) request->request();
    return {};
  };
  EXPECT_EQ(run().end, QueueEnd::stopped);
  EXPECT_EQ(record_of("a").deaths, 0u);
  stop = nullptr;
  EXPECT_EQ(run().end, QueueEnd::finished);
  EXPECT_EQ(sends, 10);
}

TEST_F(QueueTest, another_run_at_work_and_a_state_that_cannot_be_stored_are_errors) {
  add_dump("a", "w1-x", 100);
  state.is_locked = true;
  EXPECT_EQ(run_or_fail().error().code, ErrorCode::busy);
  state.is_locked = false;
  state.before_step = [] { return Outcome<void>(Failure(ErrorCode::no_space, "full")); };
  EXPECT_EQ(run_or_fail().error().code, ErrorCode::no_space);
  EXPECT_THAT(server.objects(), IsEmpty());
}

TEST_F(QueueTest, a_dry_run_tells_and_changes_nothing) {
  add_dump("a", "w1-x", 100);
  QueueSeams seams{server, state, clock, progress, boot_id, {}};
  const auto plan = plan_queue(options, seams);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->dumps.at(0).told, "its report would be sent");
  EXPECT_EQ(server.requests, 0u);
  EXPECT_THAT(*state.names(), IsEmpty());
}

}  // namespace
}  // namespace warmdump
