"""The plain tables beside the messages: errors, enums, features, configs."""
import re
from types import SimpleNamespace as Row

from schema import SchemaError

CONFIG_TYPES = ("boolean", "string", "int", "short", "long", "double", "list",
                "class", "password")
CONFIG_SCOPES = ("topic", "group", "client-metrics", "quota", "broker")
CONFIG_VALID = (r"-|>=-?\d+|(?:-?\d+,)?-?\d+\.\.-?\d+"
                r"|\{[A-Za-z_0-9]+(?:,[A-Za-z_0-9]+)*\}\*?")


def lines_of(path):
    with open(path, encoding="ascii", newline="") as file:
        for number, raw in enumerate(file, 1):
            line = raw[:-1]
            if raw[-1:] != "\n" or "\t" in raw or line != line.rstrip():
                raise SchemaError("%s:%d: a tab, a blank at the end, or no "
                                  "line end" % (path, number))
            if line and not line.startswith("#"):
                yield "%s:%d" % (path, number), line


def match(where, pattern, line, form):
    m = re.fullmatch(pattern, line)
    if not m:
        raise SchemaError("%s: expected %s" % (where, form))
    return m.groups()


def check_new(where, name, rows):
    if any(row.name == name for row in rows):
        raise SchemaError("%s: a second %s" % (where, name))


def errors(path):
    rows = []
    for where, line in lines_of(path):
        code, name, kind, text = match(
            where, r"(-?\d+) +([A-Z][A-Z0-9_]*) +(retriable|fatal|-) +(\S.*)",
            line, "CODE NAME CLASS  description")
        check_new(where, name, rows)
        if rows and int(code) != rows[-1].code + 1:
            raise SchemaError("%s: codes count up by one" % where)
        rows.append(Row(code=int(code), name=name, kind=kind, text=text))
    return rows


def enums(path):
    rows = []
    for where, line in lines_of(path):
        if not line.startswith(" "):
            name, kind = match(
                where,
                r"enum ([A-Z][A-Za-z]*) (int8|int16|int32|int64|string)",
                line, "enum NAME TYPE")
            check_new(where, name, rows)
            rows.append(Row(name=name, type=kind, values=[]))
            continue
        if not rows:
            raise SchemaError("%s: a value without enum" % where)
        value, name, comment = match(
            where, r"  (-?\w+) ([A-Z][A-Z0-9_]*)(?:  # (\S.*))?", line,
            "VALUE CONSTANT")
        check_new(where, name, rows[-1].values)
        if rows[-1].type != "string":
            value = int(value)
        rows[-1].values.append(Row(name=name, value=value,
                                   comment=comment or ""))
    return rows


def features(path):
    rows = []
    for where, line in lines_of(path):
        if not line.startswith(" "):
            name, low, high, default = match(
                where, r"feature ([a-z.]+) (\d+) (\d+) (\d+)", line,
                "feature NAME MIN MAX DEFAULT")
            check_new(where, name, rows)
            rows.append(Row(name=name, low=int(low), high=int(high),
                            default=int(default), levels=[]))
            continue
        level, metadata, effect = match(
            where, r"  (\d+) (-|\d+)  (\S.*)", line, "LEVEL METADATA  effect")
        if not rows or int(level) != rows[-1].low + len(rows[-1].levels):
            raise SchemaError("%s: levels count up from the lowest" % where)
        metadata = -1 if metadata == "-" else int(metadata)
        rows[-1].levels.append(Row(level=int(level), metadata=metadata,
                                   effect=effect))
    for row in rows:
        if len(row.levels) != row.high - row.low + 1:
            raise SchemaError("%s: %s lacks a level" % (path, row.name))
    return rows


def configs(path):
    """Sorted by scope, then name; synonyms are (name, factor) pairs."""
    rows, synonyms = [], []
    for where, line in lines_of(path):
        if line.startswith("synonym "):
            name, others = match(
                where, r"synonym ([a-z0-9.]+)((?: [a-z0-9.]+(?:\*\d+)?)+)",
                line, "synonym TOPIC_NAME BROKER_NAME[*FACTOR] ...")
            pairs = [other.partition("*") for other in others.split()]
            synonyms.append((where, name, [(other, int(factor or 1))
                                           for other, _, factor in pairs]))
            continue
        scope, name, kind, default, valid, update, text = match(
            where, r"(%s) +([a-z0-9._]+) +(%s) +(\S+) +(%s) +"
            r"(-|ro|node|cluster)  +(\S.*)" %
            ("|".join(CONFIG_SCOPES), "|".join(CONFIG_TYPES), CONFIG_VALID),
            line, "SCOPE NAME TYPE DEFAULT VALID UPDATE  description")
        check_new(where, name, [row for row in rows if row.scope == scope])
        if (scope == "broker") == (update == "-"):
            raise SchemaError("%s: UPDATE is for brokers' configurations" %
                              where)
        rows.append(Row(scope=scope, name=name, type=kind, default=default,
                        valid=valid, update=update, text=text, synonyms=[]))
    by_name = {(row.scope, row.name): row for row in rows}
    for where, name, pairs in synonyms:
        known = all(("broker", other) in by_name for other, _ in pairs)
        if ("topic", name) not in by_name or not known:
            raise SchemaError("%s: not in this table" % where)
        by_name["topic", name].synonyms = pairs
    return sorted(rows, key=lambda row: (CONFIG_SCOPES.index(row.scope),
                                         row.name))
