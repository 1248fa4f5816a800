#include "recover/dump/page_walk.h"

#include <algorithm>
#include <optional>

namespace warmdump {
namespace {

using dump_format::PageClass;
using dump_format::RunContent;

// What the class map says of a stretch of pfns.
struct ClassRun {
  Pfn end;                                 // exclusive
  std::optional<std::uint8_t> class_byte;  // empty: no class map has these pfns
};

// Walks forward over the class maps, one decoded frame at a time.
class ClassCursor {
 public:
  explicit ClassCursor(const DumpReader& dump) : dump_(dump), runs_(dump.class_maps().runs()) {}

  // The run that starts at `pfn`; ends at `limit` at the latest. `pfn` must not go backwards.
  Outcome<ClassRun> at(Pfn pfn, Pfn limit) {
    while (next_ < runs_.size() && runs_[next_].pfn_end() <= pfn) ++next_;
    if (next_ == runs_.size() || runs_[next_].first_pfn >= limit) return ClassRun{limit, std::nullopt};
    const IndexedRun& run = runs_[next_];
    if (run.first_pfn > pfn) return ClassRun{run.first_pfn, std::nullopt};
    const auto bytes = TRY(class_bytes(run)).subspan(run.position, run.pfn_count);
    const Pfn end = std::min(run.pfn_end(), limit);
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(pfn - run.first_pfn);
    const auto last = bytes.begin() + static_cast<std::ptrdiff_t>(end - run.first_pfn);
    const auto change = std::find_if(first, last, [&](std::byte value) { return value != *first; });
    return ClassRun{pfn + static_cast<PageCount>(change - first), std::to_integer<std::uint8_t>(*first)};
  }

 private:
  Outcome<std::span<const std::byte>> class_bytes(const IndexedRun& run) {
    if (frame_ != run.frame) {
      frame_.reset();
      const auto payload = TRY(dump_.read_frame(run.frame, buffers_));
      bytes_ = TRY(parse_class_map(payload)).class_bytes;
      frame_ = run.frame;
    }
    return bytes_;
  }

  const DumpReader& dump_;
  std::span<const IndexedRun> runs_;
  std::size_t next_ = 0;
  DumpReader::FrameBuffers buffers_;
  std::optional<std::uint32_t> frame_;
  std::span<const std::byte> bytes_;
};

PageClass page_class_of(std::uint8_t class_byte) {
  const auto value = static_cast<std::uint8_t>(class_byte & dump_format::kClassMask);
  return value < dump_format::kPageClassCount ? static_cast<PageClass>(value) : PageClass::unknown;
}

class StateWalk {
 public:
  StateWalk(const DumpReader& dump, const std::function<Outcome<void>(const StateRun&)>& visit)
      : dump_(dump), visit_(visit), classes_(dump), pages_(dump.pages().runs()) {}

  Outcome<void> run() {
    for (const PfnRange& range : dump_.memory()) {
      for (Pfn pfn = range.first; pfn < range.end;) {
        const ClassRun class_run = TRY(classes_.at(pfn, range.end));
        const Stored stored = stored_at(pfn, class_run.end);
        TRY(emit(state_run(pfn, stored, class_run.class_byte)));
        pfn = stored.end;
      }
    }
    return pending_ ? visit_(*pending_) : Outcome<void>();
  }

 private:
  struct Stored {
    Pfn end;
    std::optional<RunContent> content;
  };

  Stored stored_at(Pfn pfn, Pfn limit) {
    while (next_page_ < pages_.size() && pages_[next_page_].pfn_end() <= pfn) ++next_page_;
    if (next_page_ == pages_.size() || pages_[next_page_].first_pfn >= limit) return {limit, std::nullopt};
    const IndexedRun& run = pages_[next_page_];
    if (run.first_pfn > pfn) return {run.first_pfn, std::nullopt};
    return {std::min(run.pfn_end(), limit), run.content};
  }

  StateRun state_run(Pfn pfn, const Stored& stored, std::optional<std::uint8_t> class_byte) const {
    StateRun run{pfn, stored.end - pfn, PageState::lost, LostReason::none, PageClass::unknown, true};
    if (class_byte) {
      run.page_class = page_class_of(*class_byte);
      run.kept = (*class_byte & dump_format::kClassKept) != 0;
    }
    if (stored.content) {
      run.kept = true;
      switch (*stored.content) {
        case RunContent::data:
          run.state = PageState::data;
          break;
        case RunContent::zero:
          run.state = PageState::zero;
          break;
        case RunContent::unreadable:
          run.lost_reason = LostReason::unreadable;
          break;
      }
    } else if (!class_byte) {
      run.lost_reason = LostReason::unclassified;
    } else if (run.page_class == PageClass::absent && !run.kept) {
      run.state = PageState::absent;
    } else if (!run.kept) {
      run.state = PageState::excluded;
    } else {
      run.lost_reason = frames_were_lost() ? LostReason::damaged : LostReason::not_stored;
    }
    return run;
  }

  bool frames_were_lost() const {
    const DamageReport& damage = dump_.damage();
    // Where the end frame is there and no number is missing, damaged frames were stored once more elsewhere.
    const bool all_came = damage.scan.end_frame_found && damage.scan.missing_frames == 0;
    return (damage.scan.damage_found() && !all_came) || damage.invalid_frames > 0 ||
           damage.unknown_frames > 0;
  }

  Outcome<void> emit(const StateRun& run) {
    if (pending_ && pending_->first_pfn + pending_->count == run.first_pfn && pending_->state == run.state &&
        pending_->lost_reason == run.lost_reason && pending_->page_class == run.page_class &&
        pending_->kept == run.kept) {
      pending_->count += run.count;
      return {};
    }
    if (pending_) TRY(visit_(*pending_));
    pending_ = run;
    return {};
  }

  const DumpReader& dump_;
  const std::function<Outcome<void>(const StateRun&)>& visit_;
  ClassCursor classes_;
  std::span<const IndexedRun> pages_;
  std::size_t next_page_ = 0;
  std::optional<StateRun> pending_;
};

void add(ClassCounts& counts, const StateRun& run) {
  counts.pages += run.count;
  if (run.kept) counts.kept += run.count;
  switch (run.state) {
    case PageState::absent:
      break;
    case PageState::data:
      counts.data += run.count;
      break;
    case PageState::zero:
      counts.zero += run.count;
      break;
    case PageState::excluded:
      counts.excluded += run.count;
      break;
    case PageState::lost:
      counts.lost += run.count;
      break;
  }
}

}  // namespace

const char* lost_reason_name(LostReason reason) {
  switch (reason) {
    case LostReason::none:
      return "none";
    case LostReason::unreadable:
      return "unreadable";
    case LostReason::not_stored:
      return "not stored";
    case LostReason::damaged:
      return "damaged";
    case LostReason::unclassified:
      return "unclassified";
  }
  return "invalid";
}

Outcome<void> for_each_state_run(const DumpReader& dump,
                                 const std::function<Outcome<void>(const StateRun&)>& visit) {
  return StateWalk(dump, visit).run();
}

Outcome<PageCounts> count_pages(const DumpReader& dump) {
  PageCounts counts;
  TRY(for_each_state_run(dump, [&counts](const StateRun& run) -> Outcome<void> {
    add(counts.classes[static_cast<std::size_t>(run.page_class)], run);
    if (run.state != PageState::absent) add(counts.total, run);
    counts.lost_by_reason[static_cast<std::size_t>(run.lost_reason)] +=
        run.state == PageState::lost ? run.count : 0;
    return {};
  }));
  return counts;
}

}  // namespace warmdump
