// The bytes of statements about members.
#include "ledger/records.h"

namespace gradmint {

std::string_view suspend_reason_name(SuspendReason reason) {
  switch (reason) {
    case SuspendReason::absent:
      return "absent";
    case SuspendReason::operator_decision:
      return "operator";
  }
  return "";
}

void SuspendMember::write(Writer& w) const {
  w.hash(account);
  w.u8(static_cast<std::uint8_t>(reason));
  w.text(text);
}
void SuspendMember::read(Reader& r) {
  account = r.hash();
  reason = static_cast<SuspendReason>(r.u8());
  text = r.text(kMaxMemoBytes);
  if (suspend_reason_name(reason).empty()) r.fail();
  if (text.empty() != (reason == SuspendReason::absent)) r.fail();
}

void ReadmitMember::write(Writer& w) const { w.hash(account); }
void ReadmitMember::read(Reader& r) { account = r.hash(); }

void RotateKey::write(Writer& w) const {
  w.hash(account);
  w.hash(public_key);
  w.hash(curve_key);
}
void RotateKey::read(Reader& r) {
  account = r.hash();
  public_key = r.hash();
  curve_key = r.hash();
}

}  // namespace gradmint
