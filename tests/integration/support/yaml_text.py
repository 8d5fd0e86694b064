"""Writes a configuration of dicts and lists as block YAML, so that tests run through the same reader as people's files."""
import json


def _scalar(value):
    # JSON's scalars are YAML's, and a quoted string can't be mistaken for a number, a boolean or a null.
    return json.dumps(value, ensure_ascii=False)


def dump(value, indent=0):
    pad = "  " * indent
    if isinstance(value, dict) and value:
        lines = []
        for key, item in value.items():
            name = key if key.replace("_", "").replace("-", "").isalnum() and not key[0].isdigit() else _scalar(key)
            if isinstance(item, (dict, list)) and item:
                lines.append(f"{pad}{name}:\n{dump(item, indent + 1)}")
            else:
                lines.append(f"{pad}{name}: {_scalar(item)}\n")
        return "".join(lines)
    if isinstance(value, list) and value:
        lines = []
        for item in value:
            if isinstance(item, (dict, list)) and item:
                text = dump(item, indent + 1)
                lines.append(f"{pad}- {text[len(pad) + 2:]}")
            else:
                lines.append(f"{pad}- {_scalar(item)}\n")
        return "".join(lines)
    return f"{pad}{_scalar(value)}\n"
