// Lets any thread end another thread's poll early. Thread safe; wake() may be called from a signal
// handler. Wakes that arrive before the poll are merged into one.
#pragma once

namespace gradmint {

class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void wake() const;
  bool drain() const;  // for the polling side: true when there was a wake
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace gradmint
