// What a long-running program writes to standard output or standard error. A reader that stands
// still (a stopped pager, a terminal after ^S) must not stop the program: texts wait in a bounded
// queue, a thread of its own writes them, and what finds no room is left out, counted and told once
// the reader goes on. The descriptor's own flags stay as they are: others share them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gradmint {

class OutputQueue {
 public:
  // What stands in the output where `lines` lines are missing, with its line end.
  using DroppedText = std::function<std::string(std::uint64_t lines)>;
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{1} << 20;

  OutputQueue(int descriptor, DroppedText dropped_text,
              std::size_t max_waiting_bytes = kMaxWaitingBytes);
  ~OutputQueue();  // close(0)
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  // Never waits for the reader. A text is written whole or left out whole. Any thread; after
  // close() nothing is written.
  void write(std::string text);
  // Waits until everything is written, at most patience_ms, then gives the rest up. False if
  // something was given up. Of several calls the first counts.
  bool close(int patience_ms);
  std::uint64_t dropped_lines() const;  // in all, told or not

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gradmint
