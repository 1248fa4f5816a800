#include "recover/output/page_list_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "common/dump_format/dump_state.h"
#include "recover/dump/page_walk.h"
#include "recover/report/kernel_identity.h"

namespace warmdump {
namespace {

constexpr std::size_t kBufferSize = 64 * kKiB;

// As the keys of meta.json have it.
std::string one_word(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

class PageListWriter {
 public:
  PageListWriter(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                 const ProgressFunction& progress)
      : dump_(dump), target_(target), options_(options), progress_(progress) {
    for (const PfnRange& range : dump.memory()) pages_total_ += range.count();
  }

  Outcome<OutputReport> write() {
    TRY(add_line({{"format", "warmdump-pages"},
                  {"version", 1},
                  {"page_size", kPageSize},
                  {"incomplete", options_.incomplete},
                  {"release", TRY(read_kernel_identity(dump_)).release},
                  {"pfn_end", dump_.pfn_end()}}));
    TRY(for_each_state_run(dump_, [this](const StateRun& run) { return add_run(run); }));
    TRY(add_line({{"end", true}, {"runs", runs_}, {"pages", pages_present_}}));
    TRY(flush());
    return OutputReport{pages_present_, position_};
  }

 private:
  static const char* state_name(PageState state) {
    switch (state) {
      case PageState::absent:
        return "absent";
      case PageState::data:
        return "present";
      case PageState::zero:
        return "zero";
      case PageState::excluded:
        return "excluded";
      case PageState::lost:
        return "lost";
    }
    return "invalid";
  }

  Outcome<void> add_run(const StateRun& run) {
    nlohmann::ordered_json line = {{"first_pfn", run.first_pfn},
                                   {"count", run.count},
                                   {"state", state_name(run.state)},
                                   {"class", one_word(dump_format::page_class_name(run.page_class))},
                                   {"kept", run.kept}};
    if (run.lost_reason != LostReason::none) line["reason"] = one_word(lost_reason_name(run.lost_reason));
    TRY(add_line(line));
    ++runs_;
    if (run.state == PageState::data || run.state == PageState::zero) pages_present_ += run.count;
    pages_done_ += run.count;
    if (progress_) progress_(pages_done_, pages_total_);
    return {};
  }

  // Names of a kernel may be any bytes.
  Outcome<void> add_line(const nlohmann::ordered_json& line) {
    buffer_ += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    buffer_ += '\n';
    return buffer_.size() < kBufferSize ? Outcome<void>() : flush();
  }

  Outcome<void> flush() {
    TRY(target_.write_at(position_, std::as_bytes(std::span(buffer_))));
    position_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  const DumpReader& dump_;
  OutputTarget& target_;
  const OutputOptions& options_;
  const ProgressFunction& progress_;
  std::string buffer_;
  ByteCount position_ = 0;
  std::uint64_t runs_ = 0;
  PageCount pages_present_ = 0;
  PageCount pages_done_ = 0;
  PageCount pages_total_ = 0;
};

}  // namespace

Outcome<OutputReport> write_page_list(const DumpReader& dump, OutputTarget& target,
                                      const OutputOptions& options, const ProgressFunction& progress) {
  return PageListWriter(dump, target, options, progress).write();
}

}  // namespace warmdump
