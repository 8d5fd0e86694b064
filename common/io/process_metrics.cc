#include "common/io/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace chain429 {
namespace {

// The fields of /proc/self/stat behind the program's name, which may hold anything: [0] is the third of proc(5).
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t end = line.rfind(')');
  std::vector<std::string> fields;
  if (end == std::string::npos) return fields;
  std::istringstream rest(line.substr(end + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

std::optional<double> BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

std::optional<uint64_t> OpenFiles() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(folder);
  return count - 1;  // the one that looks
}

}  // namespace

void AppendProcessMetrics(PrometheusText& out) {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    out.Single("process_cpu_seconds_total", "counter", "Processor time of this process, user and system.",
               seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  const std::vector<std::string> stat = StatFields();
  constexpr size_t kStart = 19;
  constexpr size_t kVirtual = 20;
  constexpr size_t kResident = 21;
  if (stat.size() > kResident) {
    const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    out.Single("process_resident_memory_bytes", "gauge", "Memory of this process that is in use.",
               uint64_t{std::stoull(stat[kResident])} * page);
    out.Single("process_virtual_memory_bytes", "gauge", "Address space of this process.",
               uint64_t{std::stoull(stat[kVirtual])});
    if (const std::optional<double> boot = BootTime())
      out.Single("process_start_time_seconds", "gauge", "When this process started, since 1970.",
                 *boot + std::stod(stat[kStart]) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  }
  if (const std::optional<uint64_t> open = OpenFiles())
    out.Single("process_open_fds", "gauge", "Open file descriptors.", *open);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    out.Single("process_max_fds", "gauge", "Most open file descriptors.", static_cast<uint64_t>(limit.rlim_cur));
}

}  // namespace chain429
