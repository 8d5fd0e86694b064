"""What processes and the machine have used, read from /proc."""
import os

TICKS = os.sysconf("SC_CLK_TCK")
STOLEN = 0.1  # a round in which the host took more than this share of the machine is not believed
PAGE = os.sysconf("SC_PAGE_SIZE")


def _fields(pid):
    with open(f"/proc/{pid}/stat") as file:
        text = file.read()
    return text[text.rindex(")") + 2:].split()


def family(pid):
    """The process and all that it has started."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(_fields(name)[1]), []).append(int(name))
            except OSError:
                continue
    found, open_ = [], [pid]
    while open_:
        found.append(open_.pop())
        open_ += children.get(found[-1], [])
    return found


def cpu_us(pids):
    total = 0
    for pid in pids:
        try:
            fields = _fields(pid)
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total * 1e6 / TICKS


def resident_bytes(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                total += int(file.read().split()[1]) * PAGE
        except OSError:
            continue
    return total


def stolen_s():
    """Seconds that other guests of the host have taken from this machine's processors since its start."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8]) / TICKS
