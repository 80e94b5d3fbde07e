"""Puts kernels_benchmark's and compare's JSON into one report, with the project's targets.

usage: report.py REPORT.json REPORT.md KERNELS.json [COMPARE.json]
Needs nothing but Python.
"""

import json
import sys

import table

COUNTERS = ("ms", "GB/s", "memcpy_GB/s", "of_memcpy", "Gcoord/s", "GMAC/s")
LEVELS = ("scalar", "avx2", "avx512")

# (what, case, counter, at least): one thread, at the fastest level.
KERNEL_TARGETS = [
    ("weighted mean, share of memcpy", "pass/mean", "of_memcpy", 0.55),
    ("median, share of memcpy", "pass/median", "of_memcpy", 0.85),
    ("trimmed mean, share of memcpy", "pass/trimmed_mean", "of_memcpy", 0.72),
    ("int8 decode + mean, Gcoord/s", "encoding/mean/int8", "Gcoord/s", 7.0),
]
# (what, case of compare, who, at least): one thread, their time over ours.
PEER_TARGETS = [
    ("Flower's aggregate", "weighted mean", "Flower aggregate", 3.5),
    ("Flower's fastest path", "weighted mean", "numpy, aggregate_arrayrecords' arithmetic alone", 2.2),
    ("numpy's median", "median", "numpy median", 60),
    ("numpy's sort and trim", "trimmed mean, f=3", "numpy sort and trim", 14),
    ("ByzFL's geometric median, numpy", "geometric median, 8 steps", "ByzFL GeometricMedian, numpy", 10),
    ("ByzFL's geometric median, torch", "geometric median, 8 steps", "ByzFL GeometricMedian, torch", 10),
    ("ByzFL's Multi-Krum, numpy", "Multi-Krum, ByzFL's", "ByzFL MultiKrum, numpy", 10),
    ("ByzFL's Multi-Krum, torch", "Multi-Krum, ByzFL's", "ByzFL MultiKrum, torch", 10),
    ("ByzFL's NNM + mean, torch", "NNM, then mean", "ByzFL NNM, Average, torch", 10),
]


def kernel_rows(path):
    """[{case, level, threads, ms, ...}] and the run's context."""
    with open(path, encoding="utf-8") as file:
        measured = json.load(file)
    rows = []
    for each in measured["benchmarks"]:
        if each.get("run_type") == "aggregate":
            continue
        parts = each["name"].split("/")
        threads = next(int(part.split(":")[1]) for part in parts if part.startswith("threads:"))
        names = parts[:next(i for i, part in enumerate(parts) if part.startswith("threads:"))]
        level = names.pop() if names[-1] in LEVELS else ""
        row = {"case": "/".join(names), "level": level, "threads": threads}
        row.update({name: each[name] for name in COUNTERS if name in each})
        if each.get("error_occurred"):
            row["error"] = each.get("error_message", "failed")
        rows.append(row)
    return rows, measured["context"]


def fastest(rows, case, threads):
    found = [row for row in rows if row["case"] == case and row["threads"] == threads and "ms" in row]
    return max(found, key=lambda row: LEVELS.index(row["level"]) if row["level"] else 0, default=None)


def speedup(rows, row):
    """How much faster two threads are than one."""
    two = [other for other in rows if other["threads"] == 2 and "ms" in other
           and (other["case"], other["level"]) == (row["case"], row["level"])]
    return row["ms"] / two[0]["ms"] if two and "ms" in row else None


def kernel_table(rows, context):
    lines = [f"N = {context.get('updates', '?')}, D = {float(context.get('size', 0)):.0e}.", "",
             "| case | level | ms | GB/s | of memcpy | | two threads, ms | gain |",
             "|---|---|---|---|---|---|---|---|"]
    for row in (row for row in rows if row["threads"] == 1):
        if "error" in row:
            lines.append(f"| {row['case']} | {row['level']} | failed: {row['error']} | | | | | |")
            continue
        extra = next((f"{row[name]:.1f} {name}" for name in ("Gcoord/s", "GMAC/s") if name in row), "")
        gain = speedup(rows, row)
        two = f"{row['ms'] / gain:.1f} | {gain:.2f} ×" if gain else "– | –"
        share = "–" if row["case"].startswith("hash/") else f"{100 * row['of_memcpy']:.0f} %"
        lines.append(f"| {row['case']} | {row['level']} | {row['ms']:.1f} | {row['GB/s']:.1f} | {share} | "
                     f"{extra} | {two} |")
    return lines


def verdict(reached, least):
    return "not measured" if reached is None else "reached" if reached >= least else "**missed**"


def targets(rows, compared):
    lines = ["| target, one thread | at least | measured | |", "|---|---|---|---|"]
    entries = []
    for what, case, counter, least in KERNEL_TARGETS:
        row = fastest(rows, case, 1)
        reached = row.get(counter) if row else None
        entries.append((what, least, reached))
        gain = speedup(rows, row) if row else None
        entries.append((what.split(",")[0] + ", two threads over one", 1.8, gain))
    for what, case, who, least in PEER_TARGETS:
        found = [row for row in compared if (row["case"], row["who"], row["threads"]) == (case, who, 1)]
        entries.append((f"times {what}", least, found[0].get("ratio") if found else None))
    for what, least, reached in entries:
        shown = "–" if reached is None else f"{reached:.2f}"
        lines.append(f"| {what} | {least} | {shown} | {verdict(reached, least)} |")
    return lines, [{"target": what, "at_least": least, "measured": reached} for what, least, reached in entries]


def main():
    out_json, out_md, kernels, *compare = sys.argv[1:]
    rows, context = kernel_rows(kernels)
    compared = {"rows": []}
    if compare:
        with open(compare[0], encoding="utf-8") as file:
            compared = json.load(file)
    target_lines, target_rows = targets(rows, compared["rows"])
    machine = table.machine()
    copies = sorted(row["memcpy_GB/s"] for row in rows if row["threads"] == 1 and "memcpy_GB/s" in row)
    lines = ["# What was measured", "",
             f"{context['date']}, {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
             f"load average {', '.join(f'{load:.1f}' for load in context['load_avg'])} when it began. memcpy on one "
             f"thread, median over the cases: {copies[len(copies) // 2]:.1f} GB/s (read plus write), from "
             f"{copies[0]:.1f} to {copies[-1]:.1f}.", "",
             "## Targets", "", *target_lines, "", "## Kernels beside memcpy", "", *kernel_table(rows, context)]
    if compare:
        lines += ["", "## Beside other libraries", "", table.markdown(compared)]
    with open(out_md, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip() + "\n")
    report = {"date": context["date"], "machine": machine, "load_average": context["load_avg"],
              "targets": target_rows, "kernels": rows, "compare": compared}
    with open(out_json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
