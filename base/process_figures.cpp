#include "base/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>

namespace parallax {
namespace {

// The fields of /proc/PID/stat behind the name (proc_pid_stat(5)), which is in parentheses and may hold any
// character. Fields are numbered from 1 there; the first one behind the name is number 3.
struct StatFields {
  double user_ticks = 0;      // 14
  double system_ticks = 0;    // 15
  double start_ticks = 0;     // 22, since boot
  double virtual_bytes = 0;   // 23
  double resident_pages = 0;  // 24
};

bool read_stat(const std::string& path, StatFields& fields) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream rest(line.substr(name_end + 1));
  std::string state;
  rest >> state;
  for (int number = 4; number <= 24; ++number) {
    double field = 0;
    if (!(rest >> field)) return false;
    if (number == 14) fields.user_ticks = field;
    if (number == 15) fields.system_ticks = field;
    if (number == 22) fields.start_ticks = field;
    if (number == 23) fields.virtual_bytes = field;
    if (number == 24) fields.resident_pages = field;
  }
  return true;
}

// Unix time of the boot: the line "btime" of /proc/stat; 0 where there is none.
double boot_time(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return 0;
}

std::uint32_t count_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return 0;
  std::uint32_t entries = 0;
  while (const dirent* entry = readdir(folder.get()))
    if (entry->d_name[0] != '.') ++entries;
  return entries == 0 ? 0 : entries - 1;  // one of them is the folder itself
}

}  // namespace

Result<ProcessFigures> read_process_figures(const std::string& proc) {
  StatFields stat;
  if (!read_stat(proc + "/self/stat", stat))
    return failure(proc + "/self/stat cannot be read; is " + proc + " mounted?");
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  ProcessFigures figures;
  figures.cpu_seconds = (stat.user_ticks + stat.system_ticks) / ticks_per_second;
  figures.resident_bytes = static_cast<std::uint64_t>(stat.resident_pages * page_bytes);
  figures.virtual_bytes = static_cast<std::uint64_t>(stat.virtual_bytes);
  figures.open_fds = count_entries(proc + "/self/fd");
  figures.start_time_seconds = boot_time(proc + "/stat") + stat.start_ticks / ticks_per_second;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_fds = limit.rlim_cur;
  return figures;
}

}  // namespace parallax
