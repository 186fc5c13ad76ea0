"""The schema language: .def files of messages, parsed strictly.

parse_file() gives the Message objects of one file; every line that is not of
the language is a SchemaError with file and line.  A field comes out resolved:
its versions are cut to those of what it stands in.
"""
import os
import re

OPEN = 1 << 30          # the upper end of "N+"

PRIMITIVES = ("bool", "int8", "int16", "uint16", "int32", "uint32", "int64",
              "float64", "string", "bytes", "records", "uuid")
LIMITS = {
    "int8": (-1 << 7, (1 << 7) - 1),
    "int16": (-1 << 15, (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-1 << 31, (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-1 << 63, (1 << 63) - 1),
}
NULLABLE = ("string", "bytes", "records")
KINDS = ("key", "value", "data", "control", "metadata", "header")
FRAMINGS = ("type-id", "version", "metadata", "leading-field")
LISTENERS = ("broker", "controller")
NOT_MESSAGES = ("errors.def", "enums.def", "features.def", "configs.def")

CAMEL = re.compile(r"[A-Z][A-Za-z0-9]*")
SPAN = re.compile(r"(\d+)-(\d+)")
RANGE = re.compile(r"(\d+)\+|-(\d+)|(\d+)-(\d+)")
NULL = r"(\?(?:\d+\+|-\d+|\d+-\d+)?)?"
NAME = re.compile(r"([a-z][a-z0-9_]*)(\[\])?" + NULL)
TYPE = re.compile("(%s)" % "|".join(PRIMITIVES) + r"(\[\])?" + NULL)
ERROR = re.compile(r"([A-Z][A-Z0-9_]*)(?::\d+\+)?")


class SchemaError(Exception):
    pass


class Versions:
    """Both ends included; empty when low is above high."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __contains__(self, version):
        return self.low <= version <= self.high

    def __and__(self, other):
        return Versions(max(self.low, other.low), min(self.high, other.high))

    def is_empty(self):
        return self.low > self.high

    def covers(self, other):
        return self.low <= other.low and other.high <= self.high

    def same(self, other):
        return (self.low, self.high) == (other.low, other.high)


ALL = Versions(0, OPEN)
NONE = Versions(0, -1)


class Field:
    def __init__(self, name, line):
        self.name, self.line = name, line
        self.type = None        # the primitive's name; None is a struct
        self.is_array = False
        self.versions = ALL     # that have the field
        self.null = NONE        # that may have null there
        self.default = None     # as written, or None
        self.tag = None
        self.noncompact = False
        self.fields = []
        self.comment = ""

    def starts_null(self):
        if self.default is not None:
            return False
        return not self.null.is_empty() or self.type == "records"


class Message:
    def __init__(self, name, kind, line):
        self.name, self.kind, self.line = name, kind, line
        self.key = None         # api key, or type id
        self.accepted = None    # the versions of Kafka 4.2
        self.known = None       # those and unstable and newer ones
        self.flexible = None
        self.framing = None
        self.listeners = []
        self.errors = []
        self.fields = []


class Api:
    """The head of an api file with its two messages."""

    def __init__(self, head):
        self.head = head
        self.name, self.key = head.name, head.key
        self.request = self.response = None


def snake(name):
    """ListOffsets -> list_offsets, KRaftVersionRecord -> kraft_..."""
    name = name.replace("KRaft", "Kraft")
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def to_range(text):
    m = RANGE.fullmatch(text)
    if not m:
        return None
    if m.group(1):
        return Versions(int(m.group(1)), OPEN)
    if m.group(2):
        return Versions(0, int(m.group(2)))
    return Versions(int(m.group(3)), int(m.group(4)))


class Parser:
    def __init__(self, path):
        self.path = path
        self.line = 0
        self.api = None
        self.records = []
        self.message = None     # whose lines are read now
        self.in_fields = False
        self.stack = []         # the field lists that are open, outermost first

    def fail(self, why, line=None):
        raise SchemaError("%s:%d: %s" % (self.path, line or self.line, why))

    def need(self, condition, why):
        if not condition:
            self.fail(why)

    def run(self):
        with open(self.path, encoding="ascii", newline="") as file:
            text = file.read()
        lines = text.split("\n")
        self.need(lines.pop() == "", "the last line has no end")
        for self.line, raw in enumerate(lines, 1):
            self.need("\t" not in raw and raw == raw.rstrip(),
                      "a tab, or a blank at the end")
            self.need(len(raw) <= 120, "more than 120 characters")
            code, comment = self.split_comment(raw)
            if not code:
                continue
            words = code.split()
            depth = len(code) - len(code.lstrip(" "))
            if depth == 0:
                self.statement(words)
            else:
                self.need(depth % 2 == 0, "an odd indentation")
                self.field(depth // 2, words, comment)
        self.close()

    def split_comment(self, raw):
        code, mark, comment = raw.partition("#")
        if mark and code.strip():
            self.need(code.endswith("  "), "two blanks before a comment")
        self.need(not comment or comment[0] == " ", "a blank after #")
        return code.rstrip(), comment.strip()

    # Statements

    def statement(self, words):
        take = getattr(self, "take_" + words[0], None)
        self.need(take, "no such statement: %s" % words[0])
        take(words[1:])

    def take_api(self, words):
        self.need(not self.api and not self.records, "one api a file")
        self.need(len(words) == 2 and words[0].isdigit() and
                  CAMEL.fullmatch(words[1]), "api KEY Name")
        self.message = Message(words[1], "api", self.line)
        self.message.key = int(words[0])
        self.api = Api(self.message)

    def take_record(self, words):
        self.close()
        self.need(not self.api, "a record in an api's file")
        self.need(len(words) in (2, 4) and CAMEL.fullmatch(words[0]) and
                  words[1] in KINDS, "record Name KIND [type-id N]")
        self.message = Message(words[0], words[1], self.line)
        if len(words) == 4:
            self.need(words[2] == "type-id" and words[3].isdigit(),
                      "type-id N")
            self.message.key = int(words[3])
        self.in_fields = False
        self.records.append(self.message)

    def head(self):
        self.need(self.message and not self.in_fields, "out of place")
        return self.message

    def take_versions(self, words):
        m = self.head()
        self.need(m.accepted is None and len(words) == 1, "versions, once")
        span = SPAN.fullmatch(words[0])
        self.need(span or words[0] == "none", "versions A-B or none")
        m.accepted = NONE
        if span:
            m.accepted = Versions(int(span.group(1)), int(span.group(2)))
            self.need(not m.accepted.is_empty(), "an empty range")
        m.known = m.accepted

    def add_known(self, low, high):
        m = self.head()
        self.need(m.known is not None, "versions comes first")
        self.need(m.known.is_empty() or low == m.known.high + 1,
                  "versions follow each other")
        self.need(low <= high, "an empty range")
        m.known = Versions(low if m.known.is_empty() else m.known.low, high)

    def take_unstable(self, words):
        self.need(len(words) == 1 and re.fullmatch(r"\d+\+", words[0]),
                  "unstable N+")
        self.add_known(int(words[0][:-1]), int(words[0][:-1]))

    def take_newer(self, words):
        span = SPAN.fullmatch(words[0]) if len(words) == 2 else None
        self.need(span and re.fullmatch(r"\d+\.\d+", words[1]),
                  "newer A-B RELEASE")
        self.add_known(int(span.group(1)), int(span.group(2)))

    def take_flexible(self, words):
        m = self.head()
        self.need(m.flexible is None and len(words) == 1, "flexible, once")
        if words[0] == "none":
            m.flexible = NONE
            return
        self.need(re.fullmatch(r"\d+\+", words[0]), "flexible N+ or none")
        m.flexible = to_range(words[0])

    def take_listeners(self, words):
        m = self.head()
        self.need(m.kind == "api" and not m.listeners and words and
                  set(words) <= set(LISTENERS) and
                  len(set(words)) == len(words), "listeners of an api, once")
        m.listeners = words

    def take_errors(self, words):
        m = self.head()
        self.need(m.kind == "api" and words, "errors of an api")
        for word in words:
            error = ERROR.fullmatch(word)
            self.need(error, "errors NAME[:N+]...")
            self.need(error.group(1) not in m.errors, "an error twice")
            m.errors.append(error.group(1))

    def take_framing(self, words):
        m = self.head()
        self.need(m.kind != "api" and m.framing is None and
                  len(words) == 1 and words[0] in FRAMINGS, "framing WORD")
        m.framing = words[0]

    def take_request(self, words):
        self.need(self.api and not words and not self.api.request,
                  "request, once")
        self.api.request = self.part("Request")

    def take_response(self, words):
        self.need(self.api and not words and self.api.request and
                  not self.api.response, "response, once, after request")
        self.api.response = self.part("Response")

    def part(self, suffix):
        self.close()
        head = self.api.head
        self.check_head(head)
        m = Message(head.name + suffix, suffix.lower(), self.line)
        m.key, m.flexible = head.key, head.flexible
        m.accepted, m.known = head.accepted, head.known
        self.open(m)
        return m

    def take_fields(self, words):
        self.need(not words and self.message and not self.in_fields and
                  self.message.kind in KINDS, "fields of a record, once")
        self.check_head(self.message)
        self.open(self.message)

    def open(self, message):
        self.message = message
        self.in_fields = True
        self.stack = [message.fields]

    def check_head(self, m):
        self.need(m.accepted is not None, "no versions")
        self.need(m.known.is_empty() or m.flexible is not None, "no flexible")
        self.need(m.framing not in ("type-id", "metadata") or
                  m.key is not None, "this framing needs a type-id")
        if m.flexible is None:
            m.flexible = NONE

    # Fields

    def field(self, depth, words, comment):
        self.need(self.in_fields, "a field outside of fields")
        self.need(depth <= len(self.stack), "the indentation jumps")
        del self.stack[depth:]
        siblings = self.stack[-1]
        self.need(siblings is not None, "fields inside a primitive")
        field = self.parse_field(list(words))
        field.comment = comment
        self.need(all(field.name != s.name for s in siblings),
                  "a second %s" % field.name)
        siblings.append(field)
        self.stack.append(field.fields if field.type is None else None)

    def parse_field(self, words):
        head = NAME.fullmatch(words.pop(0))
        self.need(head, "a bad name")
        f = Field(head.group(1), self.line)
        f.is_array, null = bool(head.group(2)), head.group(3)
        m = TYPE.fullmatch(words[0]) if words else None
        if m:
            self.need(not f.is_array and null is None,
                      "the marks belong to the type")
            f.type, f.is_array, null = m.group(1), bool(m.group(2)), m.group(3)
            self.need(null is None or f.is_array or f.type in NULLABLE,
                      "%s cannot be null" % f.type)
            words.pop(0)
        if null is not None:
            f.null = ALL if null == "?" else to_range(null[1:])
        if words and to_range(words[0]):
            f.versions = to_range(words.pop(0))
            self.need(not f.versions.is_empty(), "an empty range")
        if words and words[0] == "=":
            self.need(len(words) > 1, "no default after =")
            f.default = words[1]
            self.check_default(f)
            del words[:2]
        if words and words[0] == "tag":
            self.need(len(words) > 1 and words[1].isdigit(), "tag N")
            f.tag = int(words[1])
            del words[:2]
        if words and words[0] == "noncompact":
            self.need(f.type in ("string", "bytes") and not f.is_array,
                      "noncompact is for string and bytes")
            f.noncompact = True
            words.pop(0)
        self.need(not words, "not understood: %s" % " ".join(words))
        return f

    def check_default(self, f):
        text, may_be_null = f.default, not f.null.is_empty()
        if f.is_array:
            good = text == "[]" and may_be_null
        elif f.type is None:
            good = text == "{}" and may_be_null
        elif f.type in ("string", "bytes"):
            good = text == '""' and may_be_null
        elif f.type == "bool":
            good = text == "true"
        elif f.type in LIMITS:
            low, high = LIMITS[f.type]
            good = (re.fullmatch(r"-?[1-9]\d*", text) and
                    low <= int(text) <= high)
        else:
            good = False
        self.need(good, "a bad default: %s" % text)

    # A message that is whole

    def close(self):
        m, self.message = self.message, None
        if not m or m.kind == "api":
            return
        self.need(self.in_fields, "no fields before this line")
        if m.known.is_empty():
            self.need(not m.fields, "fields, but no version")
        self.in_fields = False
        self.resolve(m, m.fields, m.known)

    def resolve(self, message, fields, outer):
        for f in fields:
            if f.type is None and not f.fields:
                self.fail("a struct without fields", f.line)
            if f.versions is not ALL and f.versions.covers(outer):
                self.fail("a range that says nothing", f.line)
            f.versions = f.versions & outer
            f.null = f.null & f.versions
            if f.versions.is_empty():
                self.fail("a field of no version", f.line)
            if f.tag is not None:
                self.check_tag(message, f)
            self.resolve(message, f.fields, f.versions)
        tags = sorted(f.tag for f in fields if f.tag is not None)
        if tags != list(range(len(tags))):
            self.fail("tags count up from 0", fields[0].line)

    def check_tag(self, message, f):
        if not message.flexible.covers(f.versions):
            self.fail("a tag outside of flexible versions", f.line)
        if not f.null.is_empty() and not f.null.same(f.versions):
            self.fail("a tag that may be null in some versions only", f.line)
        if f.type == "records":
            self.fail("records in a tag", f.line)


def parse_file(path):
    """(Api or None, records) of one file."""
    parser = Parser(path)
    parser.run()
    if parser.api:
        name = "%02d_%s.def" % (parser.api.key, snake(parser.api.name))
        if os.path.basename(path) != name or not parser.api.response:
            raise SchemaError("%s: should be %s, with a response" %
                              (path, name))
    return parser.api, parser.records


def parse_folder(folder):
    """All apis by key, and all records, in the order of the files."""
    apis, records = [], []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".def") or name in NOT_MESSAGES:
            continue
        api, some = parse_file(os.path.join(folder, name))
        if api:
            apis.append(api)
        records.extend(some)
    apis.sort(key=lambda api: api.key)
    if [api.key for api in apis] != list(range(len(apis))):
        raise SchemaError("%s: api keys do not count up from 0" % folder)
    return apis, records
