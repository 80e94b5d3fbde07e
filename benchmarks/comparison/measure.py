"""Measures ours and theirs on the same arrays, with one number of threads. Run by benchmarks/compare.

The contenders of a case run in turn, round after round, so that a busy machine slows all of them;
medians over rounds, and the ratio is the median of each round's ratio. One thread is timed by the
process's processor time, several by the wall clock.

usage: measure.py LIBRARY OUT.json --threads T --size D --updates N --rounds R [--only TEXT]
Exit status: 0, or 1 where an output differs or a call of ours fails.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np

import cases
import library

BUDGET_SECONDS = 12  # for a case; at least three rounds all the same


def make_updates(count, size):
    """Spread about a common direction, each update a bit further out, and three that lie."""
    random = np.random.default_rng(3)
    base = random.standard_normal(size, dtype=np.float32)
    updates = np.empty((count, size), dtype=np.float32)
    order = random.permutation(count)
    for place, row in zip(order, updates):
        random.standard_normal(size, dtype=np.float32, out=row)
        row *= np.float32(0.3 + 0.02 * place)
        row += base
        if place >= count - 3:
            row += np.float32(2.0)
    return updates


def as_array(value):
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def difference(got, expected):
    """The largest absolute difference, relative to the largest expected magnitude."""
    largest = float(np.max(np.abs(expected)))
    return float(np.max(np.abs(as_array(got).ravel() - expected))) / (largest if largest > 0 else 1.0)


def one_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def warm_up(case, ours):
    """Runs everyone once: (our row, [(contender, row)]) with the outputs compared."""
    call_ours = case.ours or (lambda kernels: kernels.run(case.rule))
    own = {"case": case.name, "who": "gradmint", "rule": case.rule}
    try:
        expected = np.array(call_ours(ours))
    except RuntimeError as error:
        own["error"] = one_line(error)
        return own, [], call_ours
    others = []
    for each in case.contenders:
        row = {"case": case.name, "who": each.name, "note": each.note}
        try:
            got = each.call(each.prepare())
        except Exception as error:  # whatever the other library raises is its row's text
            row["error"] = one_line(error)
        else:
            row["difference"] = difference(got, expected) if each.same else None
            row["agrees"] = not each.same or row["difference"] <= case.tolerance
        others.append((each, row))
    return own, others, call_ours


def measure(case, ours, threads, rounds):
    clock = time.process_time if threads == 1 else time.perf_counter
    own, others, call_ours = warm_up(case, ours)
    if "error" in own:
        return [own]
    running = [(each, row) for each, row in others if "error" not in row]
    times, begun = {own["who"]: []}, time.perf_counter()
    for done in range(rounds):
        if done >= 3 and time.perf_counter() - begun > BUDGET_SECONDS:
            break
        begin = clock()
        call_ours(ours)
        times[own["who"]].append(clock() - begin)
        for each, row in running:
            prepared = each.prepare()
            begin = clock()
            each.call(prepared)
            times.setdefault(row["who"], []).append(clock() - begin)
    own["ms"] = 1e3 * statistics.median(times[own["who"]])
    for _, row in running:
        taken = times[row["who"]]
        row["ms"] = 1e3 * statistics.median(taken)
        row["ratio"] = statistics.median(b / a for a, b in zip(times[own["who"]], taken))
    return [own] + [row for _, row in others]


def run(options):
    rows = []
    torch = cases.module("torch")
    if torch:
        torch.set_num_threads(options.threads)
        torch.set_grad_enabled(False)
    native = library.load(options.library)
    backend = ""
    weights = [100 + 7 * i for i in range(options.updates)]
    for group, share in cases.GROUPS:
        updates = make_updates(options.updates, max(1000, int(options.size * share)))
        weighted = library.Ours(native, updates, weights, options.threads)
        plain = library.Ours(native, updates, [1] * options.updates, options.threads)
        backend = plain.backend
        for case in group(cases.Peers(updates, weights)):
            if options.only and options.only.lower() not in case.name.lower():
                continue
            measured = measure(case, weighted if case.weighted else plain, options.threads, options.rounds)
            for row in measured:
                row.update(n=options.updates, size=updates.shape[1], threads=options.threads)
                rows.append(row)
                print(f"  {row['case']}, {row['who']}: " +
                      (row.get("error") or f"{row['ms']:.1f} ms"), file=sys.stderr, flush=True)
        weighted.close()
        plain.close()
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump({"backend": backend, "threads": options.threads, "rows": rows}, file, indent=1)
    ours_failed = [row for row in rows if row["who"] == "gradmint" and "error" in row]
    differ = [row for row in rows if row.get("agrees") is False]
    for row in ours_failed:
        print(f"compare: {row['case']}: gradmint: {row['error']}", file=sys.stderr)
    for row in differ:
        print(f"compare: {row['case']}: {row['who']} differs by {row['difference']:.2e}", file=sys.stderr)
    return 1 if ours_failed or differ else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=10_000_000)
    parser.add_argument("--updates", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="")
    sys.exit(run(parser.parse_args()))


if __name__ == "__main__":
    main()
