// Lines that go to systemd's journal carry their priority in front, "<4>text" (sd-daemon(3)); others do not.

#pragma once

namespace warmdump {

enum class JournalPriority { error = 3, warning = 4, notice = 5, info = 6 };

// "<6>" when standard error is the stream that $JOURNAL_STREAM names, by device and inode, else "".
const char* journal_prefix(JournalPriority priority);

}  // namespace warmdump
