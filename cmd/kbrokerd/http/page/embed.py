#!/usr/bin/env python3
"""Put the status page into one file, and that into C.

    embed.py DIR    writes page.c and page.h into DIR

index.html has style.css and script.js put in where it names them.  The policy
of the page lets just these two run, by their hashes, and nothing be loaded
from anywhere but the broker itself.
"""
import base64
import hashlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent

HEADER = """\
/* Made by embed.py from cmd/kbrokerd/http/page/. */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t http_page[];
extern const size_t http_page_len;
extern const char http_page_policy[]; /* Content-Security-Policy */

#endif /* HTTP_PAGE_H */
"""


def read(name):
    return (HERE / name).read_text(encoding="utf-8")


def without_indent(text):
    """Leading tabs and lines that only have a comment are for its readers."""
    lines = (line.strip("\t ") for line in text.splitlines())
    kept = (line for line in lines if line and not line.startswith("//"))
    return "\n".join(kept) + "\n"


def digest(text):
    raw = hashlib.sha256(text.encode()).digest()
    return "'sha256-" + base64.b64encode(raw).decode() + "'"


def main():
    to = pathlib.Path(sys.argv[1])
    style = without_indent(re.sub(r"/\*.*?\*/", "", read("style.css"),
                                  flags=re.S))
    script = without_indent(re.sub(r"/\*.*?\*/", "", read("script.js"),
                                   flags=re.S))
    page = without_indent(read("index.html"))
    for mark, text in (("<!--style-->", f"<style>{style}</style>"),
                       ("<!--script-->", f"<script>{script}</script>")):
        assert page.count(mark) == 1, mark
        page = page.replace(mark, text)
    data = page.encode()
    policy = ("default-src 'none'; connect-src 'self'; img-src data:; "
              f"style-src {digest(style)}; script-src {digest(script)}; "
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    rows = [", ".join(str(b) for b in data[i:i + 16])
            for i in range(0, len(data), 16)]
    (to / "page.h").write_text(HEADER)
    (to / "page.c").write_text(
        '#include "http/page.h"\n\n'
        f'const char http_page_policy[] = "{policy}";\n'
        f"const size_t http_page_len = {len(data)};\n"
        "const uint8_t http_page[] = {\n\t" + ",\n\t".join(rows) + "\n};\n")


if __name__ == "__main__":
    main()
