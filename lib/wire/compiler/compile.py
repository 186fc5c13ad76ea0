#!/usr/bin/env python3
"""The schema compiler: compile.py SCHEMA_FOLDER OUT_FOLDER

Writes messages.h, messages.c, error_codes.h and enums.h from the .def files.
Needs nothing but Python's own library.
"""
import os
import sys
from types import SimpleNamespace

sys.dont_write_bytecode = True

import emit     # noqa: E402
import facts    # noqa: E402
import schema   # noqa: E402


def read_facts(folder):
    def path(name):
        return os.path.join(folder, name)

    return SimpleNamespace(errors=facts.errors(path("errors.def")),
                           enums=facts.enums(path("enums.def")),
                           features=facts.features(path("features.def")),
                           configs=facts.configs(path("configs.def")))


def check_errors(apis, errors):
    names = {e.name for e in errors}
    for api in apis:
        for name in api.head.errors:
            if name not in names:
                raise schema.SchemaError("%s: no error %s" % (api.name, name))


def main(argv):
    if len(argv) != 3:
        sys.exit("usage: compile.py SCHEMA_FOLDER OUT_FOLDER")
    folder, out = argv[1:]
    try:
        apis, records = schema.parse_folder(folder)
        plain = read_facts(folder)
        check_errors(apis, plain.errors)
        tops = emit.structs_of(apis, records)
    except schema.SchemaError as error:
        sys.exit("compile.py: %s" % error)
    os.makedirs(out, exist_ok=True)
    for name, text in (
            ("messages.h", emit.messages_header(tops)),
            ("messages.c", emit.messages_source(tops, apis, records, plain)),
            ("error_codes.h", emit.error_codes_header(plain.errors)),
            ("enums.h", emit.enums_header(plain.enums))):
        with open(os.path.join(out, name), "w", encoding="ascii") as file:
            file.write(text)


if __name__ == "__main__":
    main(sys.argv)
