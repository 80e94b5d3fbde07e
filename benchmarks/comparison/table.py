"""Puts the runs of measure.py together: a Markdown table and one JSON with machine, date, versions.

usage: table.py OUT.json OUT.md RUN.json...
"""

import datetime
import importlib.metadata
import json
import os
import platform
import sys

PACKAGES = ("numpy", "flwr", "byzfl", "torch")


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    with open("/proc/meminfo", encoding="utf-8") as file:
        kilobytes = int(next(line for line in file if line.startswith("MemTotal")).split()[1])
    return {"processor": processor(), "cores": os.cpu_count(), "memory_gib": round(kilobytes / 2**20, 1),
            "load_average": round(os.getloadavg()[0], 2), "python": platform.python_version()}


def cell(row):
    if row is None:
        return "–", "–"
    if "error" in row:
        return "failed", "–"
    ratio = f"{row['ratio']:.2f} ×" if "ratio" in row else "1"
    return f"{row['ms']:.1f}", ratio


def markdown(report):
    threads = report["threads"]
    box = report["machine"]
    lines = [
        f"{report['date']}, {box['processor']}, {box['cores']} cores, {box['memory_gib']} GiB, load average "
        f"{box['load_average']}; backend {', '.join(report['backends'])}; "
        + ", ".join(f"{name} {number}" for name, number in report["versions"].items()) + ".", "",
        "| case | D | who | " + " | ".join(f"ms, {t} thread{'s' if t > 1 else ''} | × ours" for t in threads)
        + " | largest difference | |",
        "|---|---|---|" + "---|---|" * len(threads) + "---|---|",
    ]
    keys = list(dict.fromkeys((row["case"], row["size"], row["who"]) for row in report["rows"]))
    for key in keys:
        found = {row["threads"]: row for row in report["rows"]
                 if (row["case"], row["size"], row["who"]) == key}
        cells = [part for t in threads for part in cell(found.get(t))]
        any_row = next(iter(found.values()))
        differs = [row["difference"] for row in found.values() if row.get("difference") is not None]
        note = any_row.get("error") or any_row.get("note") or (f"`{any_row['rule']}`" if "rule" in any_row else "")
        if any(row.get("agrees") is False for row in found.values()):
            note = "DIFFERS " + note
        largest = f"{max(differs):.0e}" if differs else "–"
        lines.append(f"| {key[0]} | {key[1]:.0e} | {key[2]} | " + " | ".join(cells) + f" | {largest} | {note} |")
    return "\n".join(lines) + "\n"


def main():
    out_json, out_md, *inputs = sys.argv[1:]
    runs = []
    for path in inputs:
        with open(path, encoding="utf-8") as file:
            runs.append(json.load(file))
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "backends": list(dict.fromkeys(run["backend"] for run in runs)),
        "threads": [run["threads"] for run in runs],
        "rows": [row for run in runs for row in run["rows"]],
    }
    with open(out_json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    text = markdown(report)
    with open(out_md, "w", encoding="utf-8") as file:
        file.write(text)
    print(text)


if __name__ == "__main__":
    main()
