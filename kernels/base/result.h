// Result<T>: a value, or an Error that disk, network, configuration or a user's input can cause.
// The message is one line for a person: what failed, where, and what to do about it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "kernels/base/check.h"

namespace gradmint {

enum class ErrorCode {
  bad_input,    // what the user gave cannot be used
  not_found,    // a file, key or record that was named does not exist
  io,           // the disk or the network refused (full, unreadable, unreachable)
  corrupt,      // bytes on disk are not what was written
  busy,         // another process holds it (a lock, a port)
  refused,      // a peer or a rule said no, and said why
  unsupported,  // known by name, not available in this build or version
  not_finite,   // what was given can be used, and what comes out of it overflows
};

struct Error {
  ErrorCode code = ErrorCode::io;
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    GRADMINT_CHECK(ok());
    return std::get<0>(held_);
  }
  const T& value() const& {
    GRADMINT_CHECK(ok());
    return std::get<0>(held_);
  }
  T&& value() && {
    GRADMINT_CHECK(ok());
    return std::get<0>(std::move(held_));
  }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    GRADMINT_CHECK(!ok());
    return std::get<1>(held_);
  }

 private:
  std::variant<T, Error> held_;
};

// Success without a value, or an Error. `return Status{};` is success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    GRADMINT_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace gradmint
