"""PyTorch and ByzFL on updates that lie in GPU memory, at the sizes that kernels_cuda_benchmark measured.

usage: gpu_peers.py KERNELS.json OUT.json
Times are medians by CUDA events after one run to warm up. A call that fails (memory, size) is a row with
its reason. ByzFL is left out, by name, where it is not installed.
"""

import datetime
import json
import sys
import time

import torch

import byzfl_rules

BUDGET_SECONDS = 2.0  # for a row; at least one run all the same
ROUNDS = 11
MOST_SUBSETS_OF = 16  # updates; ByzFL's MDA looks at every subset, of 64 at 41,664
TOTAL_SECONDS = 50  # rows after that are left out, by name


def milliseconds(call, device):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    call()
    torch.cuda.synchronize(device)
    times, begun = [], time.perf_counter()
    while len(times) < ROUNDS and (not times or time.perf_counter() - begun < BUDGET_SECONDS):
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def calls(x, f, byzfl):
    """(the kernel of ours that does the same, name, call)."""
    parts = list(x)
    # The work between the two passes, on the host with N or N x N numbers, is not in these rows.
    norms, span = "norms, then mean", "gram, then mean"
    found = [
        ("mean", "PyTorch mean", lambda: torch.mean(x, 0)),
        ("mean", "PyTorch stack, then mean", lambda: torch.stack(parts).mean(0)),
        ("median", "PyTorch median (lower of an even count)", lambda: torch.median(x, 0)),
        ("trimmed_mean", "PyTorch sort and trim", lambda: torch.sort(x, 0).values[f:-f].mean(0)),
        ("gram", "PyTorch x @ x.T, fp32", lambda: x @ x.T),
    ]
    if byzfl is not None:
        average, clipping, arc = byzfl.Average(), byzfl.Clipping(c=1000.0), byzfl.ARC(f)
        rules = [
            ("mean", "Average", average),
            ("median", "Median", byzfl.Median()),
            ("trimmed_mean", f"TrMean({f})", byzfl.TrMean(f)),
            ("nearest_to_median", f"Meamed({f})", byzfl.Meamed(f)),
            (norms, "Clipping, Average", lambda rows: average(clipping(rows))),
            (norms, f"ARC({f}), Average", lambda rows: average(arc(rows))),
            (span, f"Krum({f})", byzfl.Krum(f)),
            (span, f"MultiKrum({f})", byzfl.MultiKrum(f)),
            (span, "GeometricMedian(T=8)", byzfl.GeometricMedian(nu=0.1, T=8)),
            (span, "CenteredClipping(L=1)", byzfl.CenteredClipping(L=1, tau=1000.0)),
            (span, f"NNM({f})", byzfl.NNM(f)),
        ]
        if len(parts) <= MOST_SUBSETS_OF:
            rules.append((span, f"MDA({f})", byzfl.MDA(f)))
        found += [(ours, "ByzFL " + name, lambda rule=rule: rule(x)) for ours, name, rule in rules]
    return found


def main():
    kernels, out = sys.argv[1:]
    with open(kernels, encoding="utf-8") as file:
        grid = [(row["n"], row["size"]) for row in json.load(file)["rows"] if row["kernel"] == "mean"]
    byzfl, no_byzfl = byzfl_rules.load()
    device = torch.device("cuda:0")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_grad_enabled(False)
    begun, rows = time.perf_counter(), []
    for n, size in grid:
        generator = torch.Generator(device).manual_seed(3)
        x = torch.rand((n, size), device=device, generator=generator) * 2 - 1
        for ours, name, call in calls(x, 3, byzfl):
            row = {"kernel": name, "of": ours, "n": n, "size": size}
            if time.perf_counter() - begun > TOTAL_SECONDS:
                row["error"] = "not run: the time for the peers is used up"
            else:
                try:
                    row["ms"] = milliseconds(call, device)
                except RuntimeError as error:  # torch.cuda.OutOfMemoryError is one too
                    row["error"] = str(error).splitlines()[0][:120]
                    torch.cuda.empty_cache()
            rows.append(row)
            print(row, flush=True)
        del x
        torch.cuda.empty_cache()
    report = {
        "device": torch.cuda.get_device_name(device),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "versions": {"torch": torch.__version__,
                     "byzfl": no_byzfl or "installed"},
        "peers": rows,
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
