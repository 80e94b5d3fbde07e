// What a worker shows a person: plain lines, and on a terminal a bar below them. One thread.
#pragma once

#include <string>

#include "worker/session/events.h"

namespace gradmint::session {

class Console {
 public:
  explicit Console(bool terminal) : terminal_(terminal) {}
  static bool stdout_is_terminal();

  void say(const Say& line);
  void fail(const std::string& text);  // why the program ends
  void show(const Show& state);
  void clear_bar();

 private:
  bool terminal_;
  bool bar_shown_ = false;
};

}  // namespace gradmint::session
