"""DescribeUserScramCredentials and AlterUserScramCredentials."""
SHA_256, SHA_512 = 1, 2


def _upsert(name, mechanism=SHA_256, iterations=4096, salt=b"some salt",
            password=None):
    size = 64 if mechanism == SHA_512 else 32
    return {"name": name, "mechanism": mechanism, "iterations": iterations,
            "salt": salt,
            "salted_password": b"p" * size if password is None else password}


def scram(pair):
    def alter(note, *upsertions, deletions=()):
        pair.ask("AlterUserScramCredentials", {
            "upsertions": upsertions, "deletions": [
                {"name": n, "mechanism": m} for n, m in deletions]}, note=note)

    def show(note, *names):
        pair.ask("DescribeUserScramCredentials", {
            "users": [{"name": n} for n in names] if names else None},
                 note=note)
    show("none yet")
    show("one that is not", "ann")
    alter("delete what is not", deletions=[("ann", SHA_256)])
    alter("make", _upsert("ann"), _upsert("ann", SHA_512, 8192),
          _upsert("bob", SHA_512))
    show("all")
    show("some", "ann", "absent")
    show("twice", "ann", "ann")
    show("no name", "")
    pair.ask("DescribeUserScramCredentials", {"users": []}, note="empty")
    alter("change", _upsert("ann", iterations=16384))
    show("after change", "ann")
    for count in (4095, 16385, 0, -1):
        alter("%d iterations" % count, _upsert("eve", iterations=count))
    for kind in (0, 3, -1):
        alter("mechanism %d" % kind, _upsert("eve", kind))
        alter("delete mechanism %d" % kind, deletions=[("ann", kind)])
    alter("no user", _upsert(""))
    alter("delete no user", deletions=[("", SHA_256)])
    alter("empty salt", _upsert("eve", salt=b""))
    alter("empty password", _upsert("eve", password=b""))
    alter("short password", _upsert("eve", password=b"p"))
    alter("twice", _upsert("eve"), _upsert("eve"))
    alter("make and delete", _upsert("eve"), deletions=[("eve", SHA_256)])
    alter("one good, one bad", _upsert("eve"), _upsert("fay", iterations=1))
    alter("nothing")
    show("after all")
    alter("delete", deletions=[("ann", SHA_256), ("ann", SHA_512),
                               ("bob", SHA_512), ("eve", SHA_256)])
    show("none left")
