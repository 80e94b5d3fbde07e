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
  explicit Console(bool terminal);
  ~Console();  // waits for the reader, a second at most
  static bool stdout_is_terminal();

  void say(const Say& line);
  void fail(const std::string& text);  // why the program ends: nothing is said after it
  void show(const Show& state);
  void clear_bar();

 private:
  bool terminal_;
  bool bar_shown_ = false;
  OutputQueue out_, errors_;
};

}  // namespace gradmint::session
