#pragma once

#include <optional>
#include <string>
#include <utility>

namespace helix {

/// What kind of trouble; the server maps these one to one onto gRPC's codes.
enum class Code {
  ok,
  invalid_argument,    ///< the caller's input
  not_found,           ///< a pipeline, file or geometry of that name does not exist
  resource_exhausted,  ///< over a budget; trying again later, or with less, may work
  deadline_exceeded,
  cancelled,
  unavailable,  ///< go elsewhere: draining, device lost, no server
  internal,     ///< our bug
};

/// Expected trouble as a value: a code and a sentence that names field, index, value and limit.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

inline Status invalid_argument(std::string message) { return {Code::invalid_argument, std::move(message)}; }
inline Status not_found(std::string message) { return {Code::not_found, std::move(message)}; }
inline Status resource_exhausted(std::string message) { return {Code::resource_exhausted, std::move(message)}; }
inline Status unavailable(std::string message) { return {Code::unavailable, std::move(message)}; }
inline Status internal_error(std::string message) { return {Code::internal, std::move(message)}; }

/// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace helix
