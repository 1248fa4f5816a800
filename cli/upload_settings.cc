#include "cli/upload_settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "upload/queue/state_files.h"

namespace warmdump {
namespace {

constexpr const char* kSpool = "/var/crash";

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

const std::string& first_set(const std::string& option, const std::string& setting) {
  return option.empty() ? setting : option;
}

MeteredUse metered_use(const std::string& word) {
  if (word == "never") return MeteredUse::never;
  return word == "always" ? MeteredUse::always : MeteredUse::report;
}

PagesPolicy pages_policy(const std::string& word) {
  if (word == "never") return PagesPolicy::never;
  return word == "asked" ? PagesPolicy::asked : PagesPolicy::always;
}

unsigned bounded(std::uint64_t number) {
  return static_cast<unsigned>(std::min<std::uint64_t>(number, 1'000'000));
}

QueueOptions queue_options(const Settings::Upload& upload) {
  QueueOptions queue;
  queue.pages = pages_policy(upload.vmcore.value_or(""));
  queue.limits.bytes = upload.daily_bytes.value_or(0);
  queue.limits.dumps = bounded(upload.daily_dumps.value_or(0));
  queue.limits.pages_per_signature =
      bounded(upload.vmcores_per_signature_per_day.value_or(queue.limits.pages_per_signature));
  queue.permission.metered = metered_use(upload.metered.value_or(""));
  queue.permission.sends_on_battery = upload.on_battery.value_or(true);
  if (upload.spread_s) queue.spread = std::chrono::seconds(*upload.spread_s);
  if (upload.give_up_days) queue.give_up_age = kDay * static_cast<std::int64_t>(*upload.give_up_days);
  return queue;
}

Outcome<void> check_together(const UploadArguments& arguments) {
  const auto wrong = [](const char* text) { return Failure(ErrorCode::invalid, text); };
  if (arguments.dump.empty() && !arguments.to.empty()) {
    return wrong("--to needs a DUMPDIR; without one, dumps go to where [upload] of the settings says");
  }
  if (arguments.dump.empty() && arguments.again) return wrong("--again needs a DUMPDIR");
  if (!arguments.dump.empty() && (arguments.now || arguments.dry_run || arguments.tidy)) {
    return wrong("--now, --dry-run and --tidy are for the queue, and go without a DUMPDIR");
  }
  if (arguments.tidy && (arguments.now || arguments.dry_run)) {
    return wrong("--tidy goes without --now and --dry-run");
  }
  const bool says_how = !arguments.ca_file.empty() || !arguments.credentials_file.empty() ||
                        !arguments.endpoint.empty() || !arguments.region.empty();
  if (says_how && arguments.to.empty()) {
    return wrong(
        "--ca-file, --credentials-file, --endpoint and --region are about --to; the destination of the "
        "settings has its own");
  }
  return {};
}

}  // namespace

DestinationOptions destination_options(const Settings::Upload& upload) {
  DestinationOptions options;
  options.ca_file = upload.ca_file.value_or("");
  options.client_certificate_file = upload.client_certificate_file.value_or("");
  options.client_key_file = upload.client_key_file.value_or("");
  options.credentials_file = upload.credentials_file.value_or("");
  options.profile = upload.profile.value_or("");
  options.credentials_from = upload.credentials_from.value_or("");
  options.role_arn = upload.role_arn.value_or("");
  options.web_identity_token_file = upload.web_identity_token_file.value_or("");
  options.sts_endpoint = upload.sts_endpoint.value_or("");
  options.server_side_encryption = upload.server_side_encryption.value_or("");
  options.kms_key_id = upload.kms_key_id.value_or("");
  options.proxy = upload.proxy.value_or("");
  options.proxy_credentials_file = upload.proxy_credentials_file.value_or("");
  options.no_proxy = upload.no_proxy.value_or("");
  options.endpoint = upload.endpoint.value_or("");
  options.region = upload.region.value_or("");
  options.addressing = upload.addressing.value_or("");
  options.checksum = upload.checksum.value_or("");
  options.part_bytes = upload.part_size.value_or(0);
  options.parallel_pieces = bounded(upload.parallel.value_or(0));
  options.bandwidth_bytes_per_second = upload.bandwidth.value_or(0);
  options.broker_command = upload.broker_command.value_or("");
  options.broker_url = upload.broker_url.value_or("");
  return options;
}

Outcome<UploadSettings> upload_settings(const UploadArguments& arguments, const Settings& settings,
                                        const std::string& host) {
  TRY(check_together(arguments));
  const Settings::Upload& upload = settings.upload;
  if (upload.wrong) return *upload.wrong;
  UploadSettings wanted;
  wanted.queue = queue_options(upload);
  if (arguments.to.empty()) {
    wanted.address = upload.to.value_or("");
    wanted.destination = destination_options(upload);
  } else {
    wanted.address = arguments.to;
    wanted.destination.ca_file = arguments.ca_file;
    wanted.destination.credentials_file = arguments.credentials_file;
    wanted.destination.endpoint = arguments.endpoint;
    wanted.destination.region = arguments.region;
  }
  if (!arguments.dump.empty() && wanted.address.empty()) {
    return Failure(
        ErrorCode::invalid,
        "nothing says where to send it: give --to, or set \"to\" in [upload] of " + arguments.settings);
  }
  wanted.queue.device = first_set(arguments.device, upload.device.value_or(host));
  wanted.queue.spool = first_set(arguments.spool, settings.recover.spool.value_or(kSpool));
  wanted.queue.now = arguments.now;
  if (arguments.attempts > 0) wanted.queue.retry.attempts_max = arguments.attempts;
  wanted.state = first_set(arguments.state, kUploadStateDirectory);
  wanted.consent_file = settings.consent.file.value_or("");
  wanted.metered_command = upload.metered_command.value_or("");
  wanted.delete_sent = upload.delete_sent.value_or(false);
  return wanted;
}

Outcome<UploadSettings> upload_settings(const UploadArguments& arguments) {
  const bool is_named = arguments.settings != kSettingsPath;
  struct stat status {};
  if (is_named && ::stat(arguments.settings.c_str(), &status) != 0) {
    return Failure(ErrorCode::invalid, "there is no settings file " + arguments.settings);
  }
  auto settings = read_settings(arguments.settings);
  if (!settings) return Failure(ErrorCode::invalid, settings.error().message);
  return upload_settings(arguments, *settings, host_name());
}

}  // namespace warmdump
