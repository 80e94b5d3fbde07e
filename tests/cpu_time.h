// How much work something is, for tests that hold it to be linear: the calling thread's processor
// time, which other processes do not lengthen.
#pragma once

#include <time.h>

#include <algorithm>

namespace gradmint::test {

inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The least of three, so that what the machine did meanwhile does not count.
template <class Work>
double seconds_of(Work work) {
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double begin = thread_seconds();
    work();
    least = std::min(least, thread_seconds() - begin);
  }
  return least;
}

// Of eight times as much: 8 when linear, 64 when quadratic, and what caches cost in between. What
// takes no time to speak of is not compared.
inline bool is_about_linear(double seconds, double seconds_of_eight_times) {
  return seconds_of_eight_times < 0.02 || seconds_of_eight_times < 28 * seconds;
}

}  // namespace gradmint::test
