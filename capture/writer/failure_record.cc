#include "capture/writer/failure_record.h"

#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/text.h"

namespace warmdump {

using namespace dump_format;

void put_failure(RegionHeader& header, std::string_view subject, const Error& error) {
  header.state = static_cast<std::uint32_t>(State::partial);
  header.error_code = static_cast<std::uint32_t>(error.code);
  header.system_errno = static_cast<std::uint32_t>(error.system_errno);
  Text<sizeof(header.error_text)> text;
  text << subject << ": " << error.what;
  if (error.where_kind != WhereKind::nowhere) text << where_text(error.where_kind) << Hex{error.where};
  std::memset(header.error_text, 0, sizeof(header.error_text));
  std::memcpy(header.error_text, text.view().data(), text.view().size());
}

Result<void> record_failed_start(Device& region, const RegionHeader& header, const BootSecret& secret,
                                 std::string_view subject, const Error& error) {
  alignas(4096) static std::byte block[kHeaderSize];
  std::memset(block, 0, sizeof(block));
  TRY(region.write_at(kInfoBlockOffset, block));
  TRY(region.persist());
  RegionHeader record = header;
  record.phase = static_cast<std::uint32_t>(Phase::start);
  record.frames_end = kFramesOffset;
  put_failure(record, subject, error);
  return write_header(region, record, block, secret.seal_of(record.dump_id));
}

}  // namespace warmdump
