#include "recover/report/redaction.h"

#include <gtest/gtest.h>

#include <string>

namespace warmdump {
namespace {

struct Case {
  const char* text;
  const char* redacted;
};

// Of each rule what it is for.
TEST(Redaction, takes_out_personal_data) {
  const Case cases[] = {
      {"e1000 eth0: (PCI:33MHz:32-bit) 52:54:00:12:34:56", "e1000 eth0: (PCI:33MHz:32-bit) <mac-1>"},
      {"authenticate with 52-54-00-12-34-56.", "authenticate with <mac-1>."},
      {"IP-Config: addr=192.168.1.17 ok", "IP-Config: addr=<ipv4-1> ok"},
      {"nfs: server 10.0.0.1, ", "nfs: server <ipv4-1>, "},
      {"from fe80::5054:ff:fe12:3456: dropped", "from <ipv6-1>: dropped"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "<ipv6-1>"},
      {"mail to jane.doe+x@mail.example.org.", "mail to <email-1>."},
      {"usb 1-1: SerialNumber: 4C530001230", "usb 1-1: SerialNumber: <serial-1>"},
      {"root=UUID=0b4b2e1c-8e6d-4d3a-9f5a-0123456789ab ro", "root=UUID=<uuid-1> ro"},
      {"luks-0b4b2e1c-8e6d-4d3a-9f5a-0123456789AB:", "luks-<uuid-1>:"},
      {"EFI UUID=12AB-34CD /boot", "EFI UUID=<uuid-1> /boot"},
      {"comm: /home/jane/bin/x", "comm: /home/<user-1>/bin/x"},
      {"SSID='Jane at home' freq", "SSID='<name-1>' freq"},
      {"systemd[1]: Hostname set to <jane-laptop>.", "systemd[1]: Hostname set to <<name-1>>."},
  };
  for (const Case& test : cases) EXPECT_EQ(Redaction().redact(test.text), test.redacted);
}

// Of each rule what it must not take.
TEST(Redaction, leaves_what_a_developer_needs) {
  const char* const texts[] = {
      "RIP: 0010:crash_now+0x69/0xfee [crashmod]",
      "RSP: 0018:ffffce43c03fbc88 EFLAGS: 00000282",
      "pci 0000:00:1f.2: [8086:2922] type 00",
      "[   12:34:56] 00:11:22:33:44:55:66 00:11:22:33:44 7:8:9",
      "Code: 48 89 df e8 37 28 4a c5 85 c0 75 02 0f 0b",
      "Linux version 6.1.0-56-amd64 (gcc-12 12.2.0-14)",
      "driver version 1.2.3.4, firmware version: 10.20.30.40",
      "5.10.0.1-2 v1.2.3.4 1.2.3.4.5 1.2.3.456 127.0.0.1 255.255.255.0",
      "usb 1-1: New USB device strings: Mfr=3, Product=2, SerialNumber=1",
      "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled",
      "build id 5a1f0e2d3c4b5a69788796a5b4c3d2e1f0010203",
      "std::vector a::b :: ::1 core::fmt",
      "root@buildhost gcc@6.1 @example.org",
      "mount /home type ext4, /homework/x, /home/",
      "BSSID=none ssids 3",
      "Call Trace:\n <TASK>\n ? do_syscall_64+0x5d/0xb0",
      "[    5.472860] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
  };
  for (const char* text : texts) EXPECT_EQ(Redaction().redact(text), text);
}

TEST(Redaction, gives_the_same_value_the_same_name_over_texts) {
  Redaction redaction;
  EXPECT_EQ(redaction.redact("10.0.0.1 10.0.0.2 10.0.0.1"), "<ipv4-1> <ipv4-2> <ipv4-1>");
  EXPECT_EQ(redaction.redact("AA:bb:cc:dd:ee:ff 10.0.0.2"), "<mac-1> <ipv4-2>");
  EXPECT_EQ(redaction.redact("aa:BB:cc:dd:ee:ff"), "<mac-1>");
}

TEST(Redaction, knows_the_host_it_was_told_as_a_whole_word) {
  Redaction redaction;
  redaction.add_known("host", "web3");
  redaction.add_known("host", "(none)");
  redaction.add_known("host", "ab");
  EXPECT_EQ(redaction.redact("web3: on web3.example, not web33 or my-web3; (none) ab"),
            "<host-1>: on <host-1>.example, not web33 or my-web3; (none) ab");
}

TEST(Redaction, of_redacted_text_changes_nothing) {
  const std::string once = Redaction().redact("192.168.1.17 52:54:00:12:34:56 /home/jane SSID='x'");
  EXPECT_EQ(Redaction().redact(once), once);
}

// A rule that looked at a whole word from each of its characters would take hours for this.
TEST(Redaction, of_megabytes_without_a_space_ends) {
  for (const char* piece : {"a", "a@", "::", "1.", "/home/", "SSID='", "aa:", "0a1b2c3d-"}) {
    std::string text;
    while (text.size() < 1 << 20) text += piece;
    EXPECT_FALSE(Redaction().redact(text).empty());
  }
}

}  // namespace
}  // namespace warmdump
