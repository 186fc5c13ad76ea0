"""C text from parsed schemas: structs, descriptor tables, constants.

What the tables mean is told in ../desc.h; how structs are named in ../wire.h.
"""
from facts import CONFIG_SCOPES
from schema import PRIMITIVES, SchemaError, snake

C_TYPES = {
    "bool": "bool", "int8": "int8_t", "int16": "int16_t",
    "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "float64": "double", "string": "struct slice",
    "bytes": "struct slice", "records": "struct wire_records",
    "uuid": "struct uuid",
}
# The fewest bytes on the wire: in versions that are not flexible, and in those.
LEAST = {
    "bool": (1, 1), "int8": (1, 1), "int16": (2, 2), "uint16": (2, 2),
    "int32": (4, 4), "uint32": (4, 4), "int64": (8, 8), "float64": (8, 8),
    "string": (2, 1), "bytes": (4, 1), "records": (4, 1), "uuid": (16, 16),
}
NOTE = "/* Made by lib/wire/compiler from lib/wire/schema: do not edit. */\n"
VERSION_MAX = 127       # versions are bytes in the tables


class Struct:
    """One C struct: a message, or a struct inside of one."""

    def __init__(self, message, name, fields, versions):
        self.message, self.name = message, name
        self.fields, self.versions = fields, versions
        self.inner = {}         # field name -> Struct
        for f in fields:
            if f.type is None:
                self.inner[f.name] = Struct(message, "%s_%s" % (name, f.name),
                                            f.fields, f.versions)

    def walk(self):
        """Inner ones first, as C wants them."""
        for struct in self.inner.values():
            yield from struct.walk()
        yield self

    def keeps_tags(self):
        return not (self.message.flexible & self.message.known).is_empty()

    def plain(self):
        return [f for f in self.fields if f.tag is None]

    def tagged(self):
        return sorted((f for f in self.fields if f.tag is not None),
                      key=lambda f: f.tag)

    def least(self, flexible):
        """The fewest bytes of one on the wire, in any version so encoded;
        where there is none such, in any version."""
        versions = range(self.versions.low, self.versions.high + 1)
        sizes = [self.least_at(version) for version in versions
                 if (version in self.message.flexible) == flexible]
        return min(sizes or map(self.least_at, versions))

    def least_at(self, version):
        flexible = version in self.message.flexible
        size = 1 if flexible else 0
        for f in self.plain():
            if version not in f.versions:
                continue
            if f.is_array:
                size += 1 if flexible else 4
            elif f.type is None:
                size += (1 if version in f.null
                         else self.inner[f.name].least_at(version))
            else:
                size += LEAST[f.type][flexible and not f.noncompact]
        return size


def structs_of(apis, records):
    """The top structs, those of apis first."""
    tops = []
    for api in apis:
        for message in (api.request, api.response):
            if not message.known.is_empty():
                tops.append(Struct(message, snake(message.name),
                                   message.fields, message.known))
    for message in records:
        tops.append(Struct(message, snake(message.name), message.fields,
                           message.known))
    seen = set()
    for top in tops:
        for struct in top.walk():
            if struct.name in seen:
                raise SchemaError("two structs %s" % struct.name)
            seen.add(struct.name)
            check_struct(struct)
    return tops


def check_struct(struct):
    if struct.versions.high > VERSION_MAX:
        raise SchemaError("%s: versions above %d" % (struct.name, VERSION_MAX))
    for f in struct.fields:
        if f.type is None and f.is_array:
            inner = struct.inner[f.name]
            if min(inner.least(False), inner.least(True)) < 1:
                raise SchemaError("%s: elements without a byte" % inner.name)


def c_text(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def c_comment(text):
    return text.replace("*/", "* /").replace("/*", "/ *")


# messages.h

def versions_text(versions, outer):
    if versions.covers(outer):
        return ""
    if versions.high >= outer.high:
        return "%d+" % versions.low
    return "%d-%d" % (versions.low, versions.high)


def field_note(f, outer):
    parts = [versions_text(f.versions, outer)]
    if f.tag is not None:
        parts.append("tag %d" % f.tag)
    if not f.null.is_empty():
        null = versions_text(f.null, f.versions)
        parts.append("null %s" % null if null else "may be null")
    if f.default is not None:
        parts.append("= %s" % f.default)
    note = ", ".join(part for part in parts if part)
    if f.comment:
        note = "%s: %s" % (note, f.comment) if note else f.comment
    return " /* %s */" % c_comment(note) if note else ""


def is_pointer(f):
    return f.type is None and not f.is_array and not f.null.is_empty()


def member(struct, f):
    kind = C_TYPES.get(f.type) or "struct %s" % struct.inner[f.name].name
    if not f.is_array and not is_pointer(f):
        return "\t%s %s;%s\n" % (kind, f.name, field_note(f, struct.versions))
    text = "\t%s *%s;%s\n" % (kind, f.name, field_note(f, struct.versions))
    if f.is_array:
        text += "\tint32_t %s_count;\n" % f.name
    return text


def struct_text(struct):
    text = "struct %s {\n" % struct.name
    text += "".join(member(struct, f) for f in struct.fields)
    if struct.keeps_tags():
        text += "\tstruct wire_tags *unknown_tags;\n"
    elif not struct.fields:
        text += "\tuint8_t unused;\n"
    return text + "};\nextern const struct wire_desc %s_desc;\n" % struct.name


def head_text(struct):
    m = struct.message
    text = "%s: versions %d-%d" % (m.name, m.known.low, m.known.high)
    if not m.accepted.same(m.known):
        text += (", of which 4.2 accepts %d-%d" %
                 (m.accepted.low, m.accepted.high)
                 if not m.accepted.is_empty() else ", none accepted by 4.2")
    if struct.keeps_tags():
        text += ", flexible %d+" % m.flexible.low
    return "\n/* %s */\n" % text


def messages_header(tops):
    text = NOTE + ("#ifndef WIRE_MESSAGES_H\n#define WIRE_MESSAGES_H\n\n"
                   '#include "wire/wire.h"\n\n'
                   "/* Fields lie in the order of the schema. NOLINTBEGIN */\n")
    for top in tops:
        text += head_text(top)
        text += "".join(struct_text(struct) for struct in top.walk())
    return text + "\n/* NOLINTEND */\n\n#endif /* WIRE_MESSAGES_H */\n"


# messages.c

def integer(f):
    if f.type == "int64":
        return "INT64_C(%s)" % f.default
    return "%sU" % f.default if f.type == "uint32" else f.default


def default_of(struct, f):
    """The designated initialiser of a field, or nothing for all zeroes."""
    if f.is_array:
        return ".%s_count = -1" % f.name if f.starts_null() else ""
    if is_pointer(f):
        if f.starts_null():
            return ""
        inner = struct.inner[f.name].name
        return ".%s = (struct %s *)&%s_default" % (f.name, inner, inner)
    if f.type is None:
        inner = defaults_of(struct.inner[f.name])
        return ".%s = { %s }" % (f.name, inner) if inner else ""
    if f.type in ("string", "bytes"):
        return "" if f.starts_null() else ".%s = EMPTY" % f.name
    if f.default is None:
        return ""
    return ".%s = %s" % (f.name, "true" if f.type == "bool" else integer(f))


def defaults_of(struct):
    parts = [default_of(struct, f) for f in struct.fields]
    return ", ".join(part for part in parts if part)


def operation(f):
    if f.is_array:
        return "ARRAY"
    if is_pointer(f):
        return "POINTER"
    return (f.type or "struct").upper()


def span(versions):
    """First version and how many follow; 255 with 0 holds no version."""
    if versions.is_empty():
        return "255, 0"
    return "%d, %d" % (versions.low, versions.high - versions.low)


def field_row(struct, f):
    desc = "NULL"
    if f.type is None:
        desc = "&%s_desc" % struct.inner[f.name].name
    return ('\t{ "%s", %s, offsetof(struct %s, %s), WIRE_OP_%s, WIRE_OP_%s, '
            "%s, %s, %d, %s },\n" %
            (f.name, desc, struct.name, f.name, operation(f),
             (f.type or "struct").upper(), span(f.versions), span(f.null),
             -1 if f.tag is None else f.tag,
             "true" if f.noncompact else "false"))


def desc_text(struct, is_top):
    m, name = struct.message, struct.name
    body = defaults_of(struct)
    text = "\nstatic const struct %s %s_default%s;\n" % (
        name, name, " = { %s }" % body if body else "")
    ordered = struct.plain() + struct.tagged()
    if ordered:
        text += "static const struct wire_field %s_fields[] = {\n" % name
        text += "".join(field_row(struct, f) for f in ordered) + "};\n"
    framing = (m.framing or "none").upper().replace("-", "_")
    return text + (
        "const struct wire_desc %s_desc = {\n"
        '\t.name = "%s",\n'
        "\t.fields = %s,\n"
        "\t.defaults = &%s_default,\n"
        "\t.size = sizeof(struct %s),\n"
        "\t.tags_offset = %s,\n"
        "\t.plain_count = %d,\n"
        "\t.tagged_count = %d,\n"
        "\t.least = { %d, %d },\n"
        "\t.min_version = %d,\n"
        "\t.max_version = %d,\n"
        "\t.flexible_from = %s,\n"
        "\t.type_id = %d,\n"
        "\t.framing = WIRE_FRAMING_%s,\n"
        "};\n" %
        (name, m.name if is_top else name,
         name + "_fields" if ordered else "no_fields", name, name,
         "offsetof(struct %s, unknown_tags)" % name
         if struct.keeps_tags() else "WIRE_NO_TAGS",
         len(struct.plain()), len(struct.tagged()),
         struct.least(False), struct.least(True),
         struct.versions.low, struct.versions.high,
         m.flexible.low if struct.keeps_tags() else "INT16_MAX",
         m.key if is_top and m.kind not in ("request", "response") and
         m.key is not None else -1, framing if is_top else "NONE"))


def api_row(api):
    def desc(message):
        return ("NULL" if message.known.is_empty()
                else "&%s_desc" % snake(message.name))

    head = api.head
    flexible = (head.flexible.low if not head.flexible.is_empty()
                else "INT16_MAX")
    return '\t{ %d, "%s", %d, %d, %s, %s, %s, %s, %s },\n' % (
        api.key, api.name, head.accepted.low, head.accepted.high, flexible,
        "true" if "broker" in head.listeners else "false",
        "true" if "controller" in head.listeners else "false",
        desc(api.request), desc(api.response))


def table(kind, name, rows):
    return ("\nconst struct %s %s[] = {\n%s};\n"
            "const size_t %s_count = sizeof(%s) / sizeof(%s[0]);\n" %
            (kind, name, "".join(rows), name, name, name))


def desc_table(name, rows):
    return ("\nconst struct wire_desc *const %s[] = {\n%s};\n"
            "const size_t %s_count = sizeof(%s) / sizeof(%s[0]);\n" %
            (name, "".join(rows), name, name, name))


def record_tables(records):
    return desc_table("wire_record_table",
                      ["\t&%s_desc,\n" % snake(m.name) for m in records]) + \
        desc_table("wire_metadata_table",
                   ["\t[%d] = &%s_desc,\n" % (m.key, snake(m.name))
                    for m in records if m.framing == "metadata"])


def error_rows(errors):
    return ['\t{ %d, "%s", %s, %s, %s },\n' %
            (e.code, e.name, c_text(e.text),
             "true" if e.kind == "retriable" else "false",
             "true" if e.kind == "fatal" else "false") for e in errors]


def feature_tables(features):
    text, rows = "", []
    for i, f in enumerate(features):
        text += "\nstatic const struct feature_level feature_%d[] = {\n" % i
        text += "".join("\t{ %d, %d, %s },\n" %
                        (level.level, level.metadata, c_text(level.effect))
                        for level in f.levels) + "};\n"
        rows.append('\t{ "%s", %d, %d, %d, feature_%d },\n' %
                    (f.name, f.low, f.high, f.default, i))
    return text + table("feature_def", "wire_feature_table", rows)


def config_row(c, synonyms):
    default = {"null": "NULL", "required": "NULL", "[]": '""',
               '""': '""'}.get(c.default) or c_text(c.default)
    update = {"-": "NONE", "ro": "READ_ONLY", "node": "PER_BROKER",
              "cluster": "CLUSTER"}[c.update]
    return '\t{ CONFIG_%s, "%s", CONFIG_TYPE_%s, %s, %s, %s, ' \
        "CONFIG_UPDATE_%s, %s, %s, %d },\n" % (
            c.scope.upper().replace("-", "_"), c.name, c.type.upper(),
            default, "true" if c.default == "required" else "false",
            c_text(c.valid), update, c_text(c.text), synonyms,
            len(c.synonyms))


def config_tables(configs):
    text, rows = "", []
    for i, c in enumerate(configs):
        synonyms = "NULL"
        if c.synonyms:
            synonyms = "config_synonyms_%d" % i
            text += "\nstatic const struct config_synonym %s[] = {\n" % synonyms
            text += "".join('\t{ "%s", %d },\n' % pair
                            for pair in c.synonyms) + "};\n"
        rows.append(config_row(c, synonyms))
    text += table("config_def", "wire_config_table", rows)
    firsts = [next(i for i, c in enumerate(configs) if c.scope == scope)
              for scope in CONFIG_SCOPES] + [len(configs)]
    return text + ("\nconst uint16_t wire_config_scopes[] = { %s };\n" %
                   ", ".join(map(str, firsts)))


def messages_source(tops, apis, records, facts):
    text = NOTE + ('#include "wire/messages.h"\n\n#include <stddef.h>\n\n'
                   '#include "wire/desc.h"\n#include "wire/tables.h"\n\n'
                   '#define EMPTY { (const uint8_t *)"", 0 }\n\n'
                   "static const struct wire_field no_fields[1];\n")
    for top in tops:
        for struct in top.walk():
            text += desc_text(struct, struct is top)
    text += table("wire_api", "wire_api_table", map(api_row, apis))
    text += record_tables(records)
    text += table("wire_error", "wire_error_table", error_rows(facts.errors))
    text += feature_tables(facts.features)
    return text + config_tables(facts.configs)


# Constants

def error_codes_header(errors):
    text = NOTE + "#ifndef WIRE_ERROR_CODES_H\n#define WIRE_ERROR_CODES_H\n\n"
    text += "enum {\n"
    text += "".join("\tWIRE_%s = %d, /* %s */\n" %
                    (e.name, e.code, c_comment(e.text)) for e in errors)
    return text + "};\n\n#endif /* WIRE_ERROR_CODES_H */\n"


def constant(e, v):
    return "WIRE_%s_%s" % (snake(e.name).upper(), v.name)


def enums_header(enums):
    text = NOTE + "#ifndef WIRE_ENUMS_H\n#define WIRE_ENUMS_H\n"
    for e in enums:
        text += "\n/* %s, %s */\n" % (e.name, e.type)
        if e.type == "string":
            text += "".join('#define %s "%s"\n' % (constant(e, v), v.value)
                            for v in e.values)
            continue
        text += "enum {\n"
        for v in e.values:
            comment = " /* %s */" % c_comment(v.comment) if v.comment else ""
            text += "\t%s = %d,%s\n" % (constant(e, v), v.value, comment)
        text += "};\n"
    return text + "\n#endif /* WIRE_ENUMS_H */\n"


assert set(C_TYPES) == set(LEAST) == set(PRIMITIVES)
