// The printk ring as it lay in memory, and what is made of the log.
//
//   input: five pieces: VMCOREINFO, ring, descriptors, infos; the rest is the text

#include "recover/report/crash_trace.h"
#include "recover/report/printk_log.h"
#include "recover/report/signature.h"
#include "tests/fuzz/input_reader.h"
#include "tests/support/printk_ring_builder.h"

namespace warmdump::fuzz {

void fuzz_one(Input input) {
  InputReader reader(input);
  const std::string vmcoreinfo = reader.text();
  const std::string ring = reader.text();
  const std::string descs = reader.text();
  const std::string infos = reader.text();
  const Input rest = reader.rest();
  const std::string text(reinterpret_cast<const char*>(rest.data()), rest.size());
  const auto log = decode_printk_log({ring, descs, infos, text}, Vmcoreinfo(vmcoreinfo));
  if (!log) return;
  ByteCount bytes = 0;
  for (const PrintkRecord& record : log->records) bytes += record.text.size();
  // A damaged descriptor may name a block that another one names too, but no block is larger than the ring.
  expect(bytes <= (log->records.size() + 1) * text.size(), "records are no longer than the ring");
  (void)format_printk_log(*log);
  (void)make_signature(find_crash_trace(*log), find_panic_text(*log));
}

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> inputs;
  for (const std::uint64_t first_id : {std::uint64_t{0}, std::uint64_t{0xffff'ffff'ffff'fff0} >> 2}) {
    test::PrintkRingBuilder builder(4, 9, first_id);
    builder.add("Linux version 6.1.0-99-amd64");
    for (unsigned line = 0; line < 20; ++line)
      builder.add("eth0: link is up\nsecond line", 1'000'000'000ULL * line);
    builder.add_failed();
    builder.add_empty();
    builder.add("BUG: kernel NULL pointer dereference, address: 0000000000000000");
    builder.add("Kernel panic - not syncing: Fatal exception in interrupt");
    builder.add_reserved("unfinished");
    InputWriter writer;
    writer.text(test::PrintkRingBuilder::vmcoreinfo())
        .text(builder.ring)
        .text(builder.descs)
        .text(builder.infos);
    writer.append(std::as_bytes(std::span(builder.text)));
    inputs.push_back(writer.bytes());
  }
  return inputs;
}

}  // namespace warmdump::fuzz
