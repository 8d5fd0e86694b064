"""The passes as a picture: answers over time beside what the providers would have given, and below it each provider."""
from html import escape

WIDTH, LEFT, RIGHT, HEIGHT, LANE = 900, 60, 190, 300, 64
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
FONT = 'font-family="sans-serif" font-size="11"'


def _line(times, seconds, most, top, height, colour, dashed=False):
    """A staircase: one step up for each answer."""
    def x(at):
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0), seconds) / seconds

    def y(count):
        return top + height - height * count / max(1, most)
    points = [(x(0), y(0))]
    for count, at in enumerate(sorted(times), 1):
        points += [(x(at), points[-1][1]), (x(at), y(count))]
    points.append((x(seconds), points[-1][1]))
    text = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.4"{dash} points="{text}"/>'


def _text(x, y, words, colour="#222", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="{anchor}" {FONT}>{escape(words)}</text>'


def svg(results, seconds):
    """`results`: by pass, what score() gives. All passes had the same demand."""
    first = next(iter(results.values()))
    names = list(first["tiers"])
    height = HEIGHT + 60 + (LANE + 14) * len(names) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           _text(LEFT, 18, "Answers over time; dashed: what the providers would have given; marks: their 429s")]

    def lane(top, size, ideal, lines, marks, label):
        most = max([len(ideal), *(len(times) for times in lines.values())])
        out.append(f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{size}" fill="none" stroke="#ccc"/>')
        out.append(_text(LEFT - 6, top + 10, str(most), anchor="end"))
        out.append(_text(LEFT - 6, top + size, "0", anchor="end"))
        out.append(_line(ideal, seconds, most, top, size, "#888", dashed=True))
        for number, (name, times) in enumerate(lines.items()):
            colour = COLOURS[number % len(COLOURS)]
            out.append(_line(times, seconds, most, top, size, colour))
            share = 100 * len(times) / max(1, len(ideal))
            out.append(_text(WIDTH - RIGHT + 8, top + 24 + 14 * number, f"{name} {len(times)} ({share:.1f} %)", colour))
            for at in marks[name]:
                x = LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0), seconds) / seconds
                out.append(f'<path d="M{x:.1f} {top + size} v-8" stroke="{colour}" stroke-width="2"/>')
        out.append(_text(WIDTH - RIGHT + 8, top + 10, f"{label}: {len(ideal)}", "#666"))

    def all_of(result, what):
        return [at for tier in result["tiers"].values() for at in tier[what]]

    lane(30, HEIGHT, all_of(first, "optimum_at"), {name: all_of(found, "answered_at") for name, found in results.items()},
         {name: [r["at"] for r in found["refusals"]] for name, found in results.items()}, "all")
    for number, tier in enumerate(names):
        lane(HEIGHT + 60 + (LANE + 14) * number, LANE, first["tiers"][tier]["optimum_at"],
             {name: found["tiers"][tier]["answered_at"] for name, found in results.items()},
             {name: [r["at"] for r in found["refusals"] if r["tier"] == tier] for name, found in results.items()}, tier)
    out.append(_text(LEFT, height - 10, "0 s"))
    out.append(_text(WIDTH - RIGHT, height - 10, f"{seconds:.0f} s", anchor="end"))
    return "\n".join([*out, "</svg>"]) + "\n"
