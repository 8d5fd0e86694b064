"""What the samples mean: growth after the warm-up, descriptors that stay open, errors that clients should not see."""

import statistics

WARM_UP = 0.25  # of the run is left out: buffers, pools and estimates find their size
MAX_GROWTH = 5.0  # percent over the rest of the run
JUDGED_FROM = 10.0  # minutes: a shorter run is all warm-up
SLACK = 1  # descriptors
NOT_JUDGED = ("sim",)  # it plays the providers; shown, since the machine bears it too


def fit(points):
    """(slope, value at the first point): the median of all pairs' slopes, which a few peaks do not move."""
    slopes = [(b - a) / (u - t) for i, (t, a) in enumerate(points) for u, b in points[i + 1 :] if u > t]
    if not slopes:
        return 0.0, points[0][1] if points else 0.0
    slope = statistics.median(slopes)
    return slope, statistics.median(value - slope * (at - points[0][0]) for at, value in points)


def thinned(points, most=400):
    step = -(-len(points) // most) if points else 1
    return points[::step]


def growth(points):
    """Percent from the first to the last point, by the fitted line."""
    if len(points) < 3:
        return 0.0
    slope, first = fit(thinned(points))
    return 100.0 * slope * (points[-1][0] - points[0][0]) / first


def program_rows(samples, before, after, seconds):
    rows = {}
    for name, seen in samples.items():
        kept = [(at, rss) for at, rss, _, _ in seen if at >= WARM_UP * seconds]
        rows[name] = {
            "rss_warm_kib": kept[0][1] if kept else 0,
            "rss_end_kib": seen[-1][1],
            "rss_most_kib": max(s[1] for s in seen),
            "growth_percent": round(growth(kept), 2),
            "fds_idle_before": before[name]["fds"],
            "fds_idle_after": after[name]["fds"],
            "fds_most": max(s[2] for s in seen),
            "threads_before": before[name]["threads"],
            "threads_after": after[name]["threads"],
        }
    return rows


def faults(report):
    """Why the run failed; none if it did not."""
    found = []
    for name, row in report["programs"].items():
        if name in NOT_JUDGED:
            continue
        if report["growth_judged"] and row["growth_percent"] > MAX_GROWTH:
            found.append(
                f"{name}: memory grew by {row['growth_percent']:.1f} % after the warm-up (at most {MAX_GROWTH:g} %)"
            )
        if row["fds_idle_after"] > row["fds_idle_before"] + SLACK:
            found.append(
                f"{name}: {row['fds_idle_after']} descriptors when idle again, {row['fds_idle_before']} before"
            )
    if report["unexpected"]:
        found.append(f"{report['unexpected']} clients saw what they should not")
    if report["left_open"]:
        found.append(
            "still open when all was idle: " + ", ".join(f"{n} {v}" for n, v in sorted(report["left_open"].items()))
        )
    return found + report["incidents"]


def table(programs):
    head = ("", "RSS warm", "at the end", "growth", "idle fds before", "after", "most", "threads")
    yield "{:10} {:>10} {:>11} {:>8}   {:>15} {:>6} {:>6}   {:>8}".format(*head)
    for name, row in programs.items():
        warm, end = row["rss_warm_kib"] / 1024, row["rss_end_kib"] / 1024
        memory = f"{warm:7.1f} MB {end:8.1f} MB {row['growth_percent']:6.1f} %"
        files = f"{row['fds_idle_before']:15} {row['fds_idle_after']:6} {row['fds_most']:6}"
        yield f"{name:10} {memory}   {files}   {row['threads_before']:3}, {row['threads_after']:3}"


def text(report):
    """For people."""
    lines = [
        f"Soak: {report['minutes']:g} min, {report['requests']:,} requests ({report['rate']:.0f}/s), "
        f"{report['unexpected']} unexpected, slowest {report['slowest_s']:.1f} s; {report['reloads']} reloads, "
        f"{report['refused_reloads']} refused, control plane restarted {report['restarts']} times",
        "",
        *table(report["programs"]),
    ]
    if not report["growth_judged"]:
        lines.append(f"(growth counts only in runs of at least {JUDGED_FROM:g} minutes)")
    lines += ["", *(f"{number:9,}  {outcome}" for outcome, number in sorted(report["outcomes"].items())), ""]
    lines += [f"unexpected: {one}" for one in report["unexpected_examples"]]
    lines += [f"FAILED: {fault}" for fault in report["faults"]] or ["passed"]
    return "\n".join(lines)
