#include "arm/load/arming.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <sstream>

#include "arm/load/crash_kernel.h"
#include "capture/capture_options.h"
#include "common/hosted/fleet_key.h"
#include "common/hosted/whole_file.h"
#include "tests/arm/armed_machine.h"
#include "tests/arm/fake_loader.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

class Arming : public testing::Test {
 protected:
  Arming() {
    request_.capture_path = machine_.path("/capture");
    request_.cache_directory = state_.file("cache");
    places_.records = state_.file("lib/arm");
    places_.run = state_.file("run");
    places_.measured = state_.file("measured.json");
  }
  Outcome<ArmResult> arm() {
    return arm_machine(request_, {"--dump-level=16"}, machine_.files(), loader_, places_);
  }
  Outcome<ArmResult> reload() {
    const auto record = armed_record(machine_.files(), places_);
    if (!record.has_value()) return record.error();
    if (!*record) return Failure(ErrorCode::not_found, "not armed");
    return reload_machine(request_, **record, machine_.files(), loader_, places_);
  }
  std::optional<ArmRecord> record() const { return *ArmRecords(places_.records).find("11-22"); }

  const ArmedMachine machine_;
  const test::TemporaryDirectory state_{test::TemporaryDirectory::Place::memory};
  ArmRequest request_;
  ArmPlaces places_;
  FakeLoader loader_;
};

TEST_F(Arming, what_is_loaded_is_recorded_with_the_secret_that_is_in_it) {
  const auto result = arm();
  ASSERT_TRUE(result.has_value()) << result.error().message;
  const auto stored = record();
  ASSERT_TRUE(stored.has_value());
  EXPECT_THAT(loader_.initramfs, HasSubstr("secret=" + stored->secret.hexadecimal() + "\n"));
  EXPECT_TRUE(stored->secret.is_set());
  EXPECT_THAT(loader_.command_line, Not(HasSubstr(stored->secret.hexadecimal())));
  EXPECT_EQ(stored->region_start, ArmedMachine::kRegionStart);
  EXPECT_EQ(stored->region_size, ArmedMachine::kRegionSize);
  EXPECT_EQ(stored->kernel_version, "6.1.0-test");
  EXPECT_EQ(stored->command_line, loader_.command_line);
  EXPECT_EQ(stored->image_size, loader_.initramfs.size());
  EXPECT_EQ(stored->crash_memory, loader_.reserved);
  EXPECT_THAT(stored->arguments, testing::ElementsAre("--dump-level=16"));
  EXPECT_THAT(loader_.initramfs, HasSubstr("info.armed_at=" + stored->armed_at));
}

TEST_F(Arming, a_boot_keeps_its_secret_and_the_next_gets_another) {
  ASSERT_TRUE(arm().has_value());
  const Secret first = record()->secret;
  request_.dump_level = 16;
  ASSERT_TRUE(arm().has_value());
  EXPECT_EQ(record()->secret, first);
  EXPECT_EQ(loader_.loads, 2);
  machine_.write("/proc/sys/kernel/random/boot_id", "33-44\n");
  ASSERT_TRUE(arm().has_value());
  EXPECT_FALSE((*ArmRecords(places_.records).find("33-44"))->secret == first);
}

class EncryptedArming : public Arming {
 protected:
  EncryptedArming() {
    machine_.write("/fleet.public", private_.public_key().text());
    request_.fleet_public_key = machine_.path("/fleet.public");
  }
  // What the image says behind "encryption=": id, key, wrapped key.
  std::vector<std::string> encryption() const {
    const std::string& image = loader_.initramfs;
    const std::size_t at = image.find("\nencryption=") + 12;
    std::istringstream line(image.substr(at, image.find('\n', at) - at));
    std::vector<std::string> parts;
    for (std::string part; std::getline(line, part, ':');) parts.push_back(part);
    return parts;
  }

  const FleetPrivateKey private_ = *FleetPrivateKey::fresh();
};

TEST_F(EncryptedArming, the_key_is_in_the_image_alone_and_opens_with_the_private_key) {
  ASSERT_TRUE(arm().has_value());
  const auto parts = encryption();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0], key_id_text(private_.public_key().id()));
  EXPECT_EQ(record()->fleet_key_id, parts[0]);
  const auto text = read_whole_file(places_.records + "/11-22.json", 1 * kMiB);
  EXPECT_THAT(*text, Not(HasSubstr(parts[1])));
  EXPECT_THAT(*text, Not(HasSubstr(parts[2])));
  EXPECT_THAT(loader_.command_line, Not(HasSubstr(parts[1])));
  CaptureOptions options;
  ASSERT_TRUE(set_encryption(parts[0] + ":" + parts[1] + ":" + parts[2], options).has_value());
  WrappedKey wrapped;
  std::copy(std::begin(options.encryption.wrapped_key), std::end(options.encryption.wrapped_key),
            wrapped.begin());
  const auto keys = private_.unwrap(wrapped);
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  EXPECT_EQ(keys->encryption_key.hexadecimal(), parts[1]);
  EXPECT_EQ(keys->boot_secret, record()->secret);
}

TEST_F(EncryptedArming, each_image_has_a_key_of_its_own_and_a_reload_without_need_loads_nothing) {
  ASSERT_TRUE(arm().has_value());
  const auto first = encryption();
  const auto reloaded = reload();
  ASSERT_TRUE(reloaded.has_value()) << reloaded.error().message;
  EXPECT_TRUE(reloaded->was_current);
  ASSERT_TRUE(arm().has_value());
  EXPECT_NE(encryption()[1], first[1]);
  machine_.write("/fleet.public", FleetPrivateKey::fresh()->public_key().text());
  EXPECT_FALSE(reload()->was_current);
}

TEST_F(EncryptedArming, nothing_is_loaded_with_a_broken_key) {
  for (const std::string& text : {std::string("no key"), private_.text(), std::string()}) {
    machine_.write("/fleet.public", text);
    const auto result = arm();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
    EXPECT_THAT(result.error().message, HasSubstr("fleet.public"));
  }
  machine_.remove("/fleet.public");
  EXPECT_FALSE(arm().has_value());
  EXPECT_EQ(loader_.loads, 0);
}

TEST_F(Arming, a_damaged_record_is_told_and_replaced) {
  ASSERT_TRUE(arm().has_value());
  ASSERT_TRUE(write_whole_file(places_.records + "/11-22.json", "{}").has_value());
  const auto result = arm();
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_THAT(result->setup.warnings, testing::Contains(HasSubstr("new secret")));
  EXPECT_THAT(loader_.initramfs, HasSubstr("secret=" + record()->secret.hexadecimal()));
}

// A kernel that shrinks its reservation has a file for it; that of this machine is a plain one.
class TrimmedArming : public Arming {
 protected:
  void SetUp() override {
    machine_.write("/sys/kernel/kexec_crash_size", std::to_string(128 * kMiB) + "\n");
    loader_.is_loaded = true;
    request_.trim = ArmRequest::Trim::required;
  }
  void measure(const std::string& crash_kernel) {
    ASSERT_TRUE(store_measured_memory({.crash_kernel = crash_kernel,
                                       .given = 128 * kMiB,
                                       .free_min = 60 * kMiB,
                                       .boot_id = "0",
                                       .crash_time_s = 1},
                                      places_.measured)
                    .has_value());
  }
  std::string crash_size() { return machine_.files().line_or_empty("/sys/kernel/kexec_crash_size"); }
};

TEST_F(TrimmedArming, the_image_tells_what_the_crash_kernel_is_given) {
  measure("6.1.0-test");
  const auto result = arm();
  ASSERT_TRUE(result.has_value()) << result.error().message;
  ASSERT_TRUE(result->trim.has_value());
  EXPECT_LT(result->trim->target, 128 * kMiB);
  EXPECT_THAT(crash_size(), testing::StartsWith(std::to_string(result->trim->target)));
  EXPECT_THAT(loader_.initramfs,
              HasSubstr("info.crash_memory=" + std::to_string(result->trim->target) + "\n"));
  EXPECT_THAT(loader_.initramfs, HasSubstr("info.crash_kernel=6.1.0-test\n"));
  EXPECT_TRUE(loader_.is_loaded);
}

TEST_F(TrimmedArming, without_a_measurement_it_is_refused_and_the_loaded_one_stays) {
  measure("5.10.0-other");
  EXPECT_EQ(arm().error().code, ErrorCode::refused);
  EXPECT_TRUE(loader_.is_loaded);
  EXPECT_EQ(loader_.loads, 0);
  request_.trim = ArmRequest::Trim::if_measured;
  const auto result = arm();
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_FALSE(result->trim.has_value());
  EXPECT_THAT(result->setup.warnings, testing::Contains(HasSubstr("not trimmed")));
  EXPECT_THAT(loader_.initramfs, HasSubstr("info.crash_memory=" + std::to_string(128 * kMiB)));
  EXPECT_EQ(crash_size(), std::to_string(128 * kMiB));
}

TEST_F(Arming, nothing_is_loaded_when_it_is_not_safe) {
  machine_.write("/sys/devices/system/memory/memory36/valid_zones", "Normal\n");
  const auto result = arm();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::refused);
  EXPECT_THAT(result.error().message, HasSubstr("memory36 is online and in zone Normal"));
  EXPECT_EQ(loader_.loads, 0);
  EXPECT_FALSE(record().has_value());
}

TEST_F(Arming, nothing_is_loaded_without_a_record) {
  machine_.write("/proc/sys/kernel/random/boot_id", "../x\n");
  EXPECT_FALSE(arm().has_value());
  EXPECT_EQ(loader_.loads, 0);
}

TEST_F(Arming, a_failed_load_leaves_the_record_of_what_is_loaded) {
  ASSERT_TRUE(arm().has_value());
  const std::string loaded = record()->image_sha256;
  request_.dump_level = 0;
  loader_.load_errno = EPERM;
  const auto result = arm();
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("still in place"));
  EXPECT_EQ(record()->image_sha256, loaded);
}

TEST_F(Arming, a_load_that_costs_the_old_one_says_so) {
  ASSERT_TRUE(arm().has_value());
  loader_.load_errno = ENOMEM;
  loader_.frees_on_failure = true;
  EXPECT_THAT(arm().error().message, HasSubstr("is gone, so a crash would now not be captured"));
}

TEST_F(Arming, a_kernel_that_is_not_trusted_does_not_cost_the_loaded_one) {
  loader_.rehearsal_errno = EPERM;
  ASSERT_TRUE(arm().has_value());  // there is nothing to lose
  loader_.frees_on_failure = true;
  const auto result = arm();
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message,
              HasSubstr("locked down; the crash kernel loaded before is still in place"));
  EXPECT_EQ(loader_.loads, 1);
  EXPECT_TRUE(loader_.is_loaded);
  loader_.rehearsal_errno = ENOMEM;  // says nothing of the crash kernel's own memory
  EXPECT_TRUE(arm().has_value());
}

TEST_F(Arming, a_reload_changes_nothing_when_nothing_changed) {
  EXPECT_EQ(reload().error().code, ErrorCode::not_found);
  ASSERT_TRUE(arm().has_value());
  const auto result = reload();
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->was_current);
  EXPECT_TRUE(result->setup.image.base_was_cached);
  EXPECT_EQ(loader_.loads, 1);
}

TEST_F(Arming, a_reload_takes_in_memory_that_was_added) {
  ASSERT_TRUE(arm().has_value());
  const std::string image = loader_.initramfs;
  machine_.write("/proc/iomem",
                 std::string(machines::kVirtual4GibArmed) + "140000000-147ffffff : System RAM\n");
  EXPECT_FALSE(reload()->was_current);
  EXPECT_EQ(loader_.loads, 2);
  EXPECT_EQ(loader_.initramfs, image);
  EXPECT_TRUE(reload()->was_current);
  EXPECT_EQ(loader_.loads, 2);
}

TEST_F(Arming, a_reload_leaves_to_the_kernel_what_it_does_by_itself) {
  ASSERT_TRUE(arm().has_value());
  for (const char* kind : {"memory", "cpu"}) {
    machine_.write(std::string("/sys/devices/system/") + kind + "/crash_hotplug", "1\n");
  }
  machine_.write("/sys/devices/system/cpu/present", "0-7\n");
  EXPECT_TRUE(reload()->was_current);
  request_.dump_level = 16;
  EXPECT_FALSE(reload()->was_current);
  EXPECT_EQ(loader_.loads, 2);
}

TEST_F(Arming, a_reload_loads_again_what_somebody_unloaded) {
  ASSERT_TRUE(arm().has_value());
  loader_.is_loaded = false;
  EXPECT_FALSE(reload()->was_current);
  EXPECT_TRUE(loader_.is_loaded);
}

TEST_F(Arming, disarming_unloads_and_keeps_the_record) {
  ASSERT_TRUE(arm().has_value());
  EXPECT_TRUE(armed_record(machine_.files(), places_)->has_value());
  ASSERT_TRUE(disarm_machine(loader_, places_).has_value());
  EXPECT_FALSE(loader_.is_loaded);
  EXPECT_FALSE(armed_record(machine_.files(), places_)->has_value());
  EXPECT_TRUE(record().has_value());
  EXPECT_TRUE(disarm_machine(loader_, places_).has_value());
}

}  // namespace
}  // namespace warmdump
