#include "coordinator/server/backup.h"

#include <algorithm>

#include "ledger/durable_file.h"
#include "ledger/store_copy.h"

namespace gradmint {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUnfinished = ".partial-";

// Whether nothing of this name is there, not even a link that leads nowhere.
bool is_free(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() == fs::file_type::not_found;
}

Status copy_one(const fs::path& from, const fs::path& to, BackupReport& report) {
  const auto bytes = copy_durably(from, to);
  if (!bytes) return bytes.error();
  report.bytes += *bytes;
  return {};
}

// So that keys stay their owner's, and an auditor who reads the ledger still does.
Status copy_mode(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  const fs::perms mode = fs::status(from, failed).permissions();
  if (!failed) fs::permissions(to, mode, failed);
  if (failed) return file_error("set the permissions of", to, failed.value());
  return {};
}

// Every regular file below; those that are not finished yet are left out, and those that the
// running coordinator removes meanwhile: older checkpoints.
Status copy_folder(const fs::path& from, const fs::path& to, BackupReport& report,
                   std::uint64_t& files) {
  std::error_code failed;
  if (!fs::exists(from, failed)) return {};
  if (Status made = create_directory_synced(to); !made) return made;
  for (fs::directory_iterator at(from, failed), end; !failed && at != end; at.increment(failed)) {
    const fs::path name = at->path().filename();
    std::error_code gone;
    if (at->is_directory(gone)) {
      if (Status s = copy_folder(at->path(), to / name, report, files); !s) return s;
    } else if (at->is_regular_file(gone) && name.string().find(kUnfinished) == std::string::npos) {
      if (Status s = copy_one(at->path(), to / name, report); s.ok()) {
        ++files;
      } else if (!is_free(at->path())) {
        return s;
      }
    }
  }
  if (failed) return file_error("read", from, failed.value());
  if (Status same = copy_mode(from, to); !same) return same;
  return sync_directory(to);
}

bool lies_in(const fs::path& inner, const fs::path& outer) {
  const auto [end, rest] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

Status copy_home(const Home& home, const Home& copy, BackupReport& report) {
  std::uint64_t files = 0;
  if (Status s = create_directory_synced(copy.root); !s) return s;
  if (Status s = keep_to_owner(copy.root); !s) return s;
  // What the key has signed comes before the ledger: so the ledger is the newer of the two.
  if (Status s = copy_folder(home.keys(), copy.keys(), report, files); !s) return s;
  if (Status s = copy_one(home.config(), copy.config(), report); !s) return s;
  const auto tip = copy_ledger(home.ledger(), copy.ledger());
  if (!tip) return tip.error();
  report.height = tip->height;
  // Every blob that a block names was there before the block.
  if (Status s = copy_folder(home.blobs(), copy.blobs(), report, report.blobs); !s) return s;
  if (Status s = copy_folder(home.invitations(), copy.invitations(), report, files); !s) return s;
  if (Status s = copy_folder(home.checkpoints(), copy.checkpoints(), report, files); !s) return s;
  if (Status s = copy_mode(home.ledger(), copy.ledger()); !s) return s;
  return copy_mode(home.root, copy.root);
}

}  // namespace

Result<BackupReport> back_up(const Home& home, const fs::path& to) {
  std::error_code failed;
  if (to.empty()) return Error{ErrorCode::bad_input, "name the directory of the backup"};
  fs::path target = fs::weakly_canonical(to, failed);
  if (!target.has_filename()) target = target.parent_path();  // it was written with a / at its end
  const fs::path root = fs::weakly_canonical(home.root, failed);
  if (!fs::exists(home.validator_key(), failed)) {
    return Error{ErrorCode::not_found, home.root.string() + " is no coordinator's home"};
  }
  if (!is_free(target)) {
    return Error{ErrorCode::bad_input,
                 target.string() + " is there already: each backup needs a new directory"};
  }
  if (lies_in(target, root)) {
    return Error{ErrorCode::bad_input,
                 target.string() + " lies in the home: choose a directory on another disk"};
  }
  const fs::path unfinished = target.string() + ".unfinished";
  if (!is_free(unfinished)) {
    return Error{ErrorCode::bad_input, unfinished.string() +
                                           " is there, of a backup that was cut short or of your "
                                           "own: remove it, or choose another name"};
  }
  BackupReport report;
  if (Status copied = copy_home(home, Home{unfinished}, report); !copied) {
    fs::remove_all(unfinished, failed);
    return copied.error();
  }
  fs::rename(unfinished, target, failed);
  if (failed) {
    const Error unnamed = file_error("name", target, failed.value());
    fs::remove_all(unfinished, failed);
    return unnamed;
  }
  if (Status s = sync_directory(target.parent_path()); !s) return s.error();
  return report;
}

}  // namespace gradmint
