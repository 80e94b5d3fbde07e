// A moment for people, in UTC whatever the machine's zone: "2026-03-01 09:30:05 UTC". Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace gradmint {

// `unix_ms`: milliseconds since 1970. Years beyond 9999 are no dates that anybody means: "-".
inline std::string utc_text(std::uint64_t unix_ms) {
  constexpr std::uint64_t kYear10000Ms = 253'402'300'800'000;
  if (unix_ms >= kYear10000Ms) return "-";
  using namespace std::chrono;
  const sys_time<milliseconds> moment{milliseconds(static_cast<std::int64_t>(unix_ms))};
  const auto day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss time(floor<seconds>(moment - day));
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text;
}

}  // namespace gradmint
