// What a worker shows a person: plain lines, and on a terminal a bar below them. Whoever stops
// reading does not stop the worker. One thread.
#pragma once

#include <string>

#include "ledger/output/output_queue.h"
#include "worker/session/events.h"

namespace gradmint::session {

// The bar, in at most so many columns: "round 3 [####....] 40 % training".
std::string bar_text(const Show& state, std::size_t columns);

class Console {
 public:
  virtual ~Console() = default;
  virtual void say(const Say& line) = 0;
  virtual void fail(const std::string& text) = 0;  // why the program ends: its last words
  virtual void show(const Show& state) = 0;
  virtual void clear_bar() = 0;
};

class TerminalConsole final : public Console {
 public:
  explicit TerminalConsole(bool terminal);
  ~TerminalConsole() override;  // waits for the reader, a second at most
  static bool stdout_is_terminal();

  void say(const Say& line) override;
  void fail(const std::string& text) override;
  void show(const Show& state) override;
  void clear_bar() override;

 private:
  bool terminal_;
  bool bar_shown_ = false;
  OutputQueue out_, errors_;
};

}  // namespace gradmint::session
