"""Puts kernels_cuda_benchmark's and gpu_peers.py's JSON together.

usage: gpu_table.py RESULTS.json STEPS.txt FILE.json...
Writes RESULTS.json (the steps' outcomes, our rows, the peers' rows with their ratio to ours) and prints a
Markdown table. Needs nothing but Python.
"""

import json
import sys


def load(paths):
    merged = {"rows": [], "peers": [], "versions": {}}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
        for key in ("rows", "peers"):
            merged[key] += part.get(key, [])
        merged["versions"].update(part.get("versions", {}))
        merged["device"] = part.get("device", merged.get("device", "unknown"))
        merged["date"] = part.get("date", merged.get("date", ""))
    return merged


def add_ratios(report):
    ours = {(row["kernel"], row["n"], row["size"]): row["ms"] for row in report["rows"]}
    for row in report["peers"]:
        mine = ours.get((row["of"], row["n"], row["size"]))
        if mine and "ms" in row:
            row["ratio"] = row["ms"] / mine


def table(report):
    lines = [f"{report['device']}; " + ", ".join(f"{k} {v}" for k, v in report["versions"].items()), "",
             "| kernel | N | D | ms | GB/s | of device copy | × ours |", "|---|---|---|---|---|---|---|"]
    for row in report["rows"]:
        share = f"{100 * row['share_of_copy']:.1f} %" if "share_of_copy" in row else "–"
        lines.append(f"| {row['kernel']} | {row['n']} | {row['size']:.2e} | {row['ms']:.3f} | "
                     f"{row['gb_per_s']:.0f} | {share} | |")
    for row in report["peers"]:
        if "error" in row:
            lines.append(f"| {row['kernel']} | {row['n']} | {row['size']:.2e} | failed: {row['error']} | | | |")
            continue
        ratio = f"{row['ratio']:.2f} ×" if "ratio" in row else "–"
        lines.append(f"| {row['kernel']} | {row['n']} | {row['size']:.2e} | {row['ms']:.3f} | | | {ratio} |")
    return "\n".join(lines)


def main():
    results, steps, *inputs = sys.argv[1:]
    report = load(inputs)
    add_ratios(report)
    with open(steps, encoding="utf-8") as file:
        report["steps"] = [line.strip().removeprefix("- ") for line in file if line.strip()]
    with open(results, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    print(table(report))


if __name__ == "__main__":
    main()
