"""What named figures come to: of each name how many measured it, the lower median, and the mean by examples."""

from layouts import MAX_MICRO

MAX_METRICS = 16


def rounded(total, examples):
    """total / examples, half to even, sign and size apart."""
    quotient, rest = divmod(abs(total), examples)
    if 2 * rest > examples or (2 * rest == examples and quotient % 2):
        quotient += 1
    return -quotient if total < 0 else quotient


def summary_of(name, values):
    """`values` are (figure, examples) of those who measured it."""
    summary = {"name": name, "measured": len(values), "median": None, "mean": None}
    if not values:
        return summary
    ordered = sorted(micro for micro, _ in values)
    summary["median"] = ordered[(len(ordered) - 1) // 2]
    examples = sum(count for _, count in values)
    is_bound = any(abs(micro) >= MAX_MICRO for micro in ordered)
    if not is_bound and examples > 0:
        summary["mean"] = rounded(sum(micro * count for micro, count in values), examples)
    return summary


def summarise(statements):
    """`statements` are (examples, metrics). Of more than 16 names those stay that most have measured, then by name."""
    values = {}
    for examples, metrics in statements:
        for metric in metrics:
            of_name = values.setdefault(metric["name"], [])
            if metric["micro"] is not None:
                of_name.append((metric["micro"], examples))
    summaries = [summary_of(name, values[name]) for name in sorted(values, key=str.encode)]
    kept = sorted(summaries, key=lambda s: -s["measured"])[:MAX_METRICS]
    return sorted(kept, key=lambda s: s["name"].encode())


def plan_settlement(record, commits, evaluations):
    """What a settle_round must say. `commits` and `evaluations` are those of the round's attempt."""
    attested = [(e["body"]["examples"], e["body"]["metrics"]) for e in evaluations if e["revealed"]]
    weights = {}
    for entry, close in zip(record["result"]["entries"], record["close"]["entries"]):
        if entry["verdict"] == 0:
            weights[entry["worker"]] = close["weight"]
    trained = [(weights[worker], commit["body"]["metrics"]) for worker, commit in commits if worker in weights]
    return {"round": record["round"], "attestations": len(attested), "metrics": summarise(attested),
            "training": summarise(trained)}
