#include "contracts/bytecode_scan.h"

#include <cstring>

namespace gradmint::contracts {

namespace {

// Opcodes by number, as in lopcodes.h of 5.4. Only what is treated apart has a name.
enum Opcode : std::uint8_t {
  kLoadF = 2,
  kPowK = 26,
  kDivK = 27,
  kPow = 38,
  kDiv = 39,
  kConcat = 53,
  kToBeClosed = 55,
  kEqI = 61,
  kGeI = 65,
  kVararg = 80,
  kLastOpcode = 82,
};

// Constant tags, as in lobject.h of 5.4: type | variant << 4.
enum ConstantTag : std::uint8_t {
  kNil = 0x00,
  kFalse = 0x01,
  kTrue = 0x11,
  kInteger = 0x03,
  kFloat = 0x13,
  kShortString = 0x04,
  kLongString = 0x14,
};

constexpr std::string_view kHeader("\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08", 15);
constexpr int kMaxDepth = 200;  // the compiler's own limit on nested functions

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : left_(bytes) {}

  ScanResult run() {
    if (!left_.starts_with(kHeader)) return abi_mismatch("bytecode of another Lua release");
    left_.remove_prefix(kHeader.size());
    std::int64_t integer = 0;
    double number = 0;
    if (!take(&integer, sizeof integer) || integer != 0x5678) return abi_mismatch("integer format");
    if (!take(&number, sizeof number) || number != 370.5) return abi_mismatch("float format");
    skip(1);  // number of upvalues of the main function
    function(0);
    if (result_.code == RuleCode::ok && !left_.empty()) refuse("bytes after the main function");
    return result_;
  }

 private:
  static ScanResult abi_mismatch(const char* what) { return {RuleCode::abi_mismatch, what, 0}; }

  bool going() const { return result_.code == RuleCode::ok; }
  void refuse(const char* what) {
    if (going()) result_ = {RuleCode::forbidden_bytecode, what, line_};
  }

  bool take(void* to, std::size_t size) {
    if (left_.size() < size) {
      refuse("bytecode that ends early");
      return false;
    }
    std::memcpy(to, left_.data(), size);
    left_.remove_prefix(size);
    return true;
  }
  void skip(std::uint64_t size) {
    if (left_.size() < size) return refuse("bytecode that ends early");
    left_.remove_prefix(size);
  }
  std::uint8_t byte() {
    std::uint8_t value = 0;
    take(&value, 1);
    return value;
  }
  // Seven bits a byte, most significant first; the last byte has its top bit set.
  std::uint64_t size() {
    std::uint64_t value = 0;
    for (int i = 0; i < 9 && going(); ++i) {
      const std::uint8_t next = byte();
      value = value << 7 | (next & 0x7FU);
      if ((next & 0x80U) != 0) return value;
    }
    refuse("a length over its limit");
    return 0;
  }
  std::string_view string() {
    const std::uint64_t length_and_one = size();
    if (length_and_one == 0) return {};
    const std::string_view rest = left_;
    skip(length_and_one - 1);
    return going() ? rest.substr(0, length_and_one - 1) : std::string_view{};
  }

  void function(int depth) {
    if (depth > kMaxDepth) return refuse("functions nested too deeply");
    string();  // source name
    const std::uint32_t own_line = static_cast<std::uint32_t>(size());
    line_ = own_line;
    size();   // last line
    skip(3);  // parameters, vararg flag, stack size
    instructions();
    constants();
    skip_items(size(), 3);  // upvalues
    for (std::uint64_t count = size(); count > 0 && going(); --count) function(depth + 1);
    debug_information();
  }

  void skip_items(std::uint64_t count, std::uint64_t item_size) {
    if (count > left_.size()) return refuse("bytecode that ends early");
    skip(count * item_size);
  }

  void instructions() {
    for (std::uint64_t count = size(); count > 0 && going(); --count) {
      std::uint32_t instruction = 0;
      if (take(&instruction, sizeof instruction)) check(instruction);
    }
  }

  // Layout iABC: opcode in bits 0-6, A 7-14, k 15, B 16-23, C 24-31.
  void check(std::uint32_t instruction) {
    const auto opcode = static_cast<std::uint8_t>(instruction & 0x7FU);
    if (opcode > kLastOpcode) return refuse("an unknown instruction");
    switch (opcode) {
      case kLoadF:
        return refuse("a float number");
      case kDiv:
      case kDivK:
        return refuse("'/', which makes floats: use // or muldiv");
      case kPow:
      case kPowK:
        return refuse("'^', which makes floats");
      // Joined strings could become numerals (a loop's limit would convert them), and grow.
      case kConcat:
        return refuse("'..': rules do not build strings");
      case kToBeClosed:
        return refuse("a <close> variable");
      // One instruction would copy any number of values.
      case kVararg:
        return refuse("'...': rules take named parameters");
      default:
        break;
    }
    // Comparisons with a small constant: C says that it was written as a float.
    if (opcode >= kEqI && opcode <= kGeI && instruction >> 24 != 0) refuse("a float number");
  }

  void constants() {
    for (std::uint64_t count = size(); count > 0 && going(); --count) {
      switch (byte()) {
        case kNil:
        case kFalse:
        case kTrue:
          break;
        case kInteger:
          skip(8);
          break;
        case kFloat:
          return refuse("a float number");
        case kShortString:
        case kLongString:
          check_string(string());
          break;
        default:
          return refuse("an unknown constant");
      }
    }
  }

  void check_string(std::string_view text) {
    // Comparing long strings costs their length for one unit of gas.
    if (text.size() > kMaxRuleStringBytes) return refuse("a string over 64 bytes");
    text = text.substr(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.starts_with('.')) text.remove_prefix(1);
    if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      refuse("a string that reads as a number");
    }
  }

  void debug_information() {
    skip_items(size(), 1);  // line of each instruction
    for (std::uint64_t count = size(); count > 0 && going(); --count) size(), size();
    for (std::uint64_t count = size(); count > 0 && going(); --count) string(), size(), size();
    for (std::uint64_t count = size(); count > 0 && going(); --count) string();
  }

  std::string_view left_;
  ScanResult result_;
  std::uint32_t line_ = 0;
};

}  // namespace

ScanResult scan_bytecode(std::string_view bytecode) { return Scanner(bytecode).run(); }

}  // namespace gradmint::contracts
