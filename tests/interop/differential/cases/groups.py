"""The APIs of consumer groups, one member at a time and two at once.

A group that is asked about at each version is a new one at each, since most
questions change it.  Members' ids are made by the brokers: see mask.py.
"""
from pair import Side, id_of

SESSION_MS, REBALANCE_MS = 10000, 20000
# ConsumerProtocolSubscription, version 0, of the topic "t"; an assignment of
# its partition 0.  A broker looks into them where a group changes its type.
SUBSCRIPTION = b"\0\0" b"\0\0\0\1" b"\0\1t" b"\xff\xff\xff\xff"
ASSIGNMENT = b"\0\0" b"\0\0\0\1" b"\0\1t" b"\0\0\0\1\0\0\0\0" \
    b"\xff\xff\xff\xff"
ALL_BYTES = "".join(chr(c) for c in range(1, 128)) + "é😀"


def _join_body(group, member="", **more):
    return dict({
        "group_id": group, "session_timeout_ms": SESSION_MS,
        "rebalance_timeout_ms": REBALANCE_MS, "member_id": member,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": SUBSCRIPTION}]}, **more)


def _known(name):
    return lambda side: side.members[name]


def _learn(pair, name, answers):
    for side, out in zip(pair.sides, answers):
        side.members[name] = out["member_id"] if isinstance(out, dict) else ""


def _join(pair, v, group, name, note, **more):
    """A member, called name from now on; as KIP-394 wants it."""
    if v >= 4 and not more.get("group_instance_id"):
        _learn(pair, name, pair.at("JoinGroup", v, _join_body(group, **more),
                                   note + ", id"))
        more = dict(more, member=_known(name))
    out = pair.at("JoinGroup", v, _join_body(group, **more), note)
    _learn(pair, name, out)
    return out


def _sync_body(group, generation, member, **more):
    return dict({
        "group_id": group, "generation_id": generation, "member_id": member,
        "protocol_type": "consumer", "protocol_name": "range",
        "assignments": []}, **more)


def _sync(pair, group, generation, name, note, v=5):
    pair.at("SyncGroup", v, _sync_body(
        group, generation, _known(name), assignments=[
            {"member_id": _known(name), "assignment": ASSIGNMENT}]), note)


def _leave(pair, group, name, note="leave", v=5):
    pair.at("LeaveGroup", v, {"group_id": group, "members": [
        {"member_id": _known(name), "group_instance_id": None}]}, note)


def _stable(pair, group, name):
    """One member, generation 1."""
    _join(pair, 9, group, name, "join " + group)
    _sync(pair, group, 1, name, "sync " + group)


def find(pair):
    api = "FindCoordinator"
    for v in pair.versions(api):
        for kind in (0, 2, 9, -1):      # 1 is of transactions
            if kind and not v:
                continue
            for key in ("group", "", ALL_BYTES):
                body = {"key_type": kind} if v else {}
                body.update({"coordinator_keys": [key]} if v >= 4
                            else {"key": key})
                pair.at(api, v, body, "kind %d, key of %d" % (kind, len(key)))
    pair.ask(api, {"coordinator_keys": []},
             {"coordinator_keys": ["a", "b", "a"]}, low=4, note="keys")
    # Kafka needs a moment until it leads all that it has made.
    names = ["ready-%d" % i for i in range(500)]
    for side in pair.sides:
        while any(g["error_code"] in (14, 15, 16) for g in side.call(
                "DescribeGroups", 5, {"groups": names})["groups"]):
            pass


def describe_and_list(pair):
    """Before there are groups that other cases leave to be forgotten."""
    _stable(pair, "dl-live", "a")
    _join(pair, 9, "dl-sync", "b", "completing")
    pair.same("OffsetCommit", _commit_body(9, "dl-simple", [
        (None, pair.topic("g-dl"), 0, 1, "")]), "simple", version=9)
    pair.same("ConsumerGroupHeartbeat", _first("dl-new", "own-a", "g-dl"),
              "by KIP-848")
    _stable(pair, "dl-empty", "c")
    _leave(pair, "dl-empty", "c")
    names = ["dl-live", "dl-sync", "dl-simple", "dl-empty", "dl-absent",
             ALL_BYTES, "dl-live"]
    pair.ask("DescribeGroups", {"groups": names}, {"groups": []},
             {"groups": [""]}, note="some")
    pair.ask("DescribeGroups", {"groups": names[:2],
                                "include_authorized_operations": True},
             low=3, note="authorized")
    pair.ask("ConsumerGroupDescribe", {"group_ids": names}, {"group_ids": []},
             {"group_ids": [""]}, note="classic ones")
    pair.ask("ListGroups", {}, note="all")
    for states in (["Stable"], ["stable"], ["Empty", "CompletingRebalance"],
                   ["Dead"], ["bad"], [""], ["Assigning", "Reconciling"]):
        pair.ask("ListGroups", {"states_filter": states}, low=4,
                 note="states %s" % ",".join(states))
    for kinds in (["classic"], ["Classic"], ["consumer"], ["share"], ["bad"],
                  ["unknown"], ["classic", "consumer"], [""]):
        pair.ask("ListGroups", {"types_filter": kinds}, low=5,
                 note="types %s" % ",".join(kinds))
    _leave(pair, "dl-live", "a")
    _leave(pair, "dl-sync", "b")
    pair.same("ConsumerGroupHeartbeat", _beat("dl-new", "own-a", -1), "leave")


def join(pair):
    api = "JoinGroup"
    pair.ask(api, _join_body(""), note="no group")
    for ms in (0, -1, 5999, 6000, 1800000, 1800001):
        pair.ask(api, lambda v, ms=ms: _join_body(
            "j-s%d-%d" % (ms, v), session_timeout_ms=ms),
                 note="session of %d ms" % ms)
    pair.ask(api, lambda v: _join_body("j-p0-%d" % v, protocols=[]),
             lambda v: _join_body("j-pt-%d" % v, protocol_type=""),
             lambda v: _join_body("j-pn-%d" % v, protocols=[
                 {"name": "", "metadata": b""}]),
             lambda v: _join_body("j-ot-%d" % v, protocol_type="connect",
                                  protocols=[{"name": "x", "metadata":
                                              b"\0\xff"}]),
             lambda v: _join_body("j-rb-%d" % v, rebalance_timeout_ms=-1),
             lambda v: _join_body("j-%d" % v + ALL_BYTES), note="as it may be")
    pair.ask(api, lambda v: _join_body("j-um-%d" % v, member="own-absent"),
             note="unknown member")
    pair.ask(api, lambda v: _join_body("j-inst-%d" % v,
                                       group_instance_id="i"),
             lambda v: _join_body("j-inst-%d" % v, member="own-other",
                                  group_instance_id="i"),
             lambda v: _join_body("j-none-%d" % v, member="own-other",
                                  group_instance_id="i"),
             low=5, note="static")
    for v in pair.versions(api):
        group = "j-whole-%d" % v
        _join(pair, v, group, "a", "first")
        _sync(pair, group, 1, "a", "sync")
        out = pair.at(api, v, _join_body(group, member=_known("a")),
                      "leader again")
        generation = out[1].get("generation_id", -1)
        pair.at(api, v, _join_body(group, protocol_type="other"),
                "of another type")
        pair.at(api, v, _join_body(group, protocols=[
            {"name": "other", "metadata": b""}]), "of another protocol")
        _sync(pair, group, generation, "a", "sync again")
        _leave(pair, group, "a")
        pair.at("DescribeGroups", 5, {"groups": [group]}, "after")


def sync(pair):
    api = "SyncGroup"
    pair.ask(api, _sync_body("", 1, "own-a"), _sync_body("absent", 1, "own-a"),
             _sync_body("absent", -1, ""), note="no such group")
    for v in pair.versions(api):
        group = "s-%d" % v
        _join(pair, 9, group, "a", "join")
        for generation in (0, 2, -1):
            pair.at(api, v, _sync_body(group, generation, _known("a")),
                    "generation %d" % generation)
        pair.at(api, v, _sync_body(group, 1, "own-b"), "unknown member")
        pair.at(api, v, _sync_body(group, 1, ""), "no member")
        if v >= 5:
            for kind in ("other", "", None):
                pair.at(api, v, _sync_body(group, 1, _known("a"),
                                           protocol_type=kind),
                        "type %r" % kind)
                pair.at(api, v, _sync_body(group, 1, _known("a"),
                                           protocol_name=kind),
                        "protocol %r" % kind)
        if v >= 3:
            pair.at(api, v, _sync_body(group, 1, _known("a"),
                                       group_instance_id="i"),
                    "not its instance")
        _sync(pair, group, 1, "a", "whole", v)
        pair.at(api, v, _sync_body(group, 1, _known("a")), "once more")
        _leave(pair, group, "a")
        pair.at(api, v, _sync_body(group, 1, _known("a")), "gone")


def heartbeat(pair):
    api = "Heartbeat"
    for v in pair.versions(api):
        group = "h-%d" % v
        _stable(pair, group, "a")
        for name, generation, member, more in (
                ("", 1, "own-a", {}), ("absent", 1, "own-a", {}),
                (group, 1, _known("a"), {}), (group, 0, _known("a"), {}),
                (group, 2, _known("a"), {}), (group, -1, _known("a"), {}),
                (group, 1, "own-b", {}), (group, 1, "", {}),
                (group, -1, "", {}),
                (group, 1, _known("a"), {"group_instance_id": "i"})):
            if more and v < 3:
                continue
            pair.at(api, v, dict({
                "group_id": name, "generation_id": generation,
                "member_id": member}, **more), "%s, %d, %s" % (
                    name.replace(group, "it"), generation,
                    member if isinstance(member, str) else "member"))
        _leave(pair, group, "a")


def leave(pair):
    api = "LeaveGroup"

    def body(v, group, *members):
        if v < 3:
            return {"group_id": group, "member_id": members[0]}
        return {"group_id": group, "members": [
            {"member_id": m, "group_instance_id": None} if not
            isinstance(m, tuple) else
            {"member_id": m[0], "group_instance_id": m[1]} for m in members]}
    for v in pair.versions(api):
        group = "l-%d" % v
        for name in ("", "absent"):
            pair.at(api, v, body(v, name, "own-a"), "group %r" % name)
        _stable(pair, group, "a")
        pair.at(api, v, body(v, group, "own-b"), "unknown member")
        pair.at(api, v, body(v, group, ""), "no member")
        if v >= 3:
            pair.at(api, v, body(v, group), "nobody")
            pair.at(api, v, body(v, group, ("", "i"), ("own-c", "i"),
                                 (_known("a"), "i")), "no such instance")
        pair.at(api, v, body(v, group, _known("a")), "it")
        pair.at(api, v, body(v, group, _known("a")), "it again")
    group = "l-static"
    pair.same("JoinGroup", _join_body(group, group_instance_id="i"), "static")
    pair.at(api, 5, body(5, group, ("own-a", "i")), "another's instance")
    pair.at(api, 5, body(5, group, ("", "i")), "by instance")


def static(pair):
    """Members that come back, and what they find."""
    group = "st"
    out = pair.same("JoinGroup", _join_body(group, group_instance_id="i"),
                    "first")
    _learn(pair, "old", out)
    _sync(pair, group, 1, "old", "first syncs")
    out = pair.same("JoinGroup", _join_body(group, group_instance_id="i"),
                    "again")
    _learn(pair, "new", out)
    pair.same("Heartbeat", {
        "group_id": group, "generation_id": 1, "member_id": _known("old"),
        "group_instance_id": "i"}, "fenced heartbeat")
    pair.same("Heartbeat", {
        "group_id": group, "generation_id": 1, "member_id": _known("new"),
        "group_instance_id": "i"}, "its heartbeat")
    pair.same("SyncGroup", _sync_body(
        group, 1, _known("old"), group_instance_id="i"), "fenced sync")
    pair.same("SyncGroup", _sync_body(
        group, 1, _known("new"), group_instance_id="i"), "its sync")
    pair.same("JoinGroup", _join_body(
        group, member=_known("old"), group_instance_id="i"), "fenced join")
    pair.ask("OffsetCommit", lambda v: _commit_body(
        v, group, [(id_of(pair.topic("g-static")), "g-static", 0, 1, "")],
        generation_id_or_member_epoch=1, member_id=_known("old"),
        group_instance_id="i"), low=7, high=9, note="fenced commit")
    pair.same("DescribeGroups", {"groups": [group]}, "described")
    pair.same("LeaveGroup", {"group_id": group, "members": [
        {"member_id": _known("old"), "group_instance_id": "i"},
        {"member_id": "", "group_instance_id": "i"}]}, "leave")


def two_members(pair):
    """The second is on a connection of its own: both wait for each other."""
    group = "two"
    _stable(pair, group, "a")
    seconds = [Side(s.name, "%s:%d" % s.address, pair.protocol)
               for s in pair.sides]
    for side, second in zip(pair.sides, seconds):
        second.connect()
        side.members["b"] = second.call(
            "JoinGroup", 9, _join_body(group))["member_id"]
        second.send_request("JoinGroup", 9, _join_body(
            group, side.members["b"]))
    # The first is told by its next heartbeat once the other has been heard.
    for side in pair.sides:
        while side.call("Heartbeat", 4, {
                "group_id": group, "generation_id": 1,
                "member_id": side.members["a"]})["error_code"] == 0:
            pass
    pair.same("DescribeGroups", {"groups": [group]}, "preparing")
    pair.same("JoinGroup", _join_body(group, _known("a")), "the first")
    pair.compare("JoinGroup", 9, "the second", [
        s.receive_response("JoinGroup", 9) for s in seconds])
    pair.same("DescribeGroups", {"groups": [group]}, "completing")
    pair.same("OffsetCommit", _commit_body(
        9, group, [(None, pair.topic("g-two"), 0, 1, "")],
        generation_id_or_member_epoch=2, member_id=_known("a")),
        "commit while it completes", version=9)
    for side, second in zip(pair.sides, seconds):
        second.send_request("SyncGroup", 5, _sync_body(
            group, 2, side.members["b"]))
    pair.same("SyncGroup", _sync_body(group, 2, _known("a"), assignments=[
        {"member_id": _known("b"), "assignment": b"of b"},
        {"member_id": _known("a"), "assignment": b"of a"},
        {"member_id": "own-nobody", "assignment": b"x"}]), "the leader")
    pair.compare("SyncGroup", 5, "the second", [
        s.receive_response("SyncGroup", 5) for s in seconds])
    pair.same("DescribeGroups", {"groups": [group]}, "stable")
    _leave(pair, group, "a")
    pair.same("DescribeGroups", {"groups": [group]}, "without the leader")
    _leave(pair, group, "b")
    for second in seconds:
        second.close()


# Offsets

def _topic_rows(v, topics, extra=lambda row: {}):
    rows = []
    for row in topics:
        topic_id, name = row[0], row[1]
        rows.append(dict({"topic_id": topic_id} if v >= 10 else
                         {"name": name}, **extra(row)))
    return rows


def _commit_body(v, group, rows, **more):
    """rows: (topic id, topic, partition, offset, metadata), of one topic"""
    return dict({"group_id": group, "member_id": "", "topics": _topic_rows(
        v, rows[:1], lambda row: {"partitions": [{
            "partition_index": partition, "committed_offset": offset,
            "committed_metadata": metadata}
            for _, _, partition, offset, metadata in rows]})}, **more)


def _fetch_body(v, group, rows, **more):
    """rows: (topic id, topic, partitions), or None for all."""
    topics = None if rows is None else _topic_rows(
        v, rows, lambda row: {"partition_indexes": row[2]})
    if v < 8:
        return dict({"group_id": group, "topics": topics}, **more)
    return dict({"groups": [dict({"group_id": group, "topics": topics},
                                 **more)]})


def commit(pair):
    api = "OffsetCommit"
    topic = pair.topic("g-off", 3)
    here = id_of(topic)

    def ask(note, rows, group="c-%d", low=0, **more):
        pair.ask(api, lambda v: _commit_body(
            v, group.replace("%d", str(v)), rows, **more),
                 note=note, low=low)
    ask("good", [(here, topic, 0, 7, "m")])
    ask("null metadata", [(here, topic, 1, 8, None)])
    ask("offsets", [(here, topic, 0, -1, ""), (here, topic, 1, -2, ""),
                    (here, topic, 2, 1 << 62, "")])
    ask("partitions", [(here, topic, p, 1, "") for p in (3, -1, 1 << 30)])
    ask("no such topic", [(b"\7" * 16, "g-absent", 0, 1, "")])
    ask("no topic", [(bytes(16), "", 0, 1, "")])
    ask("nothing", [])
    ask("metadata of 4096", [(here, topic, 2, 1, "m" * 4096)])
    ask("metadata of 4097", [(here, topic, 2, 1, "m" * 4097)])
    ask("one good, one bad", [(here, topic, 0, 9, ""),
                              (here, topic, 1, 9, "m" * 5000)])
    ask("no group", [(here, topic, 0, 7, "")], group="")
    ask("any group", [(here, topic, 0, 7, "")], group=ALL_BYTES)
    ask("a generation of no group", [(here, topic, 0, 7, "")], "c-none-%d",
        generation_id_or_member_epoch=1, member_id="own-a")
    ask("a member of no group", [(here, topic, 0, 7, "")], "c-none-%d",
        member_id="own-a")
    ask("generation 0, no member", [(here, topic, 0, 7, "")], "c-none-%d",
        generation_id_or_member_epoch=0)
    ask("generation -2", [(here, topic, 0, 7, "")], "c-none-%d",
        generation_id_or_member_epoch=-2)
    ask("an instance", [(here, topic, 0, 7, "")], "c-none-%d", low=7,
        group_instance_id="i")
    _stable(pair, "c-member", "a")
    for note, more in (
            ("it", {"generation_id_or_member_epoch": 1,
                    "member_id": _known("a")}),
            ("older", {"generation_id_or_member_epoch": 0,
                       "member_id": _known("a")}),
            ("newer", {"generation_id_or_member_epoch": 2,
                       "member_id": _known("a")}),
            ("no generation", {"member_id": _known("a")}),
            ("no member", {"generation_id_or_member_epoch": 1}),
            ("simple", {}),
            ("another", {"generation_id_or_member_epoch": 1,
                         "member_id": "own-b"})):
        ask("member: " + note, [(here, topic, 0, 5, "")], "c-member", **more)
    _leave(pair, "c-member", "a")
    ask("member: gone", [(here, topic, 0, 5, "")], "c-member",
        generation_id_or_member_epoch=1, member_id=_known("a"))


def fetch(pair):
    api = "OffsetFetch"
    topic = pair.topic("g-fetch", 3)
    here = id_of(topic)
    pair.same("OffsetCommit", _commit_body(9, "f", [
        (here, topic, 0, 7, "some"), (here, topic, 1, 0, None)]), "filled",
        version=9)

    def ask(note, rows, group="f", low=0, **more):
        pair.ask(api, lambda v: _fetch_body(v, group, rows, **more),
                 note=note, low=low)
    ask("some", [(here, topic, [0, 1, 2])])
    ask("partitions", [(here, topic, [9, -1, 0, 0])])
    ask("none of it", [(here, topic, [])])
    ask("no such topic", [(b"\7" * 16, "g-absent", [0])])
    ask("nothing", [])
    ask("all", None, low=2)
    ask("no group", None, group="", low=2)
    ask("absent group, all", None, group="f-absent", low=2)
    ask("absent group", [(here, topic, [0])], group="f-absent")
    ask("no group, some", [(here, topic, [0])], group="")
    ask("member", [(here, topic, [0])], low=9, member_id="own-a",
        member_epoch=1)
    ask("epoch alone", [(here, topic, [0])], low=9, member_epoch=0)
    pair.ask(api, lambda v: dict(_fetch_body(v, "f", [(here, topic, [0])]),
                                 require_stable=True), low=7, note="stable")
    pair.ask(api, {"groups": []}, {"groups": [
        {"group_id": g, "topics": None} for g in ("f", "f-absent", "f", "")]},
             low=8, note="groups")
    pair.same("OffsetDelete", {"group_id": "f", "topics": [{
        "name": topic, "partitions": [{"partition_index": 1}]}]}, "one")
    ask("all after one is deleted", None, low=2)


def offset_delete(pair):
    topic = pair.topic("g-del", 2)
    here = id_of(topic)
    rows = [(here, topic, p, 5, "") for p in (0, 1)]

    def ask(note, group, name, *partitions):
        pair.ask("OffsetDelete", {"group_id": group, "topics": [{
            "name": name, "partitions": [
                {"partition_index": p} for p in partitions]}]}, note=note)
    pair.same("OffsetCommit", _commit_body(9, "d", rows), "filled", version=9)
    ask("absent group", "d-absent", topic, 0)
    ask("no group", "", topic, 0)
    ask("absent topic", "d", "g-absent", 0)
    ask("partitions", "d", topic, 0, 0, 7, -1)
    ask("no partition", "d", topic)
    pair.ask("OffsetDelete", {"group_id": "d", "topics": []}, note="nothing")
    ask("the last", "d", topic, 1)
    ask("again", "d", topic, 1)
    # One whose member reads "t", which has metadata that says so, and not.
    pair.topic("t")
    _stable(pair, "d-live", "a")
    for some in (rows, [(None, "t", 0, 1, "")]):
        pair.same("OffsetCommit", _commit_body(
            9, "d-live", some, generation_id_or_member_epoch=1,
            member_id=_known("a")), "live", version=9)
    ask("of a live group", "d-live", topic, 0)
    ask("what it reads", "d-live", "t", 0)
    _leave(pair, "d-live", "a")
    ask("what it read", "d-live", "t", 0)


def delete(pair):
    api = "DeleteGroups"
    for v in pair.versions(api):
        live, gone = "x-live-%d" % v, "x-gone-%d" % v
        _stable(pair, live, "a")
        pair.same("OffsetCommit", _commit_body(9, gone, [
            (None, pair.topic("g-x"), 0, 1, "")]), "filled", version=9)
        pair.at(api, v, {"groups_names": [live, "x-absent"]}, "not these")
        pair.at(api, v, {"groups_names": [""]}, "no name")
        pair.at(api, v, {"groups_names": [gone, gone]}, "twice")
        pair.at(api, v, {"groups_names": []}, "none")
        pair.at("DescribeGroups", 5, {"groups": [gone]}, "deleted")
        _leave(pair, live, "a")
        pair.at(api, v, {"groups_names": [live]}, "that is empty")


# KIP-848

def _beat(group, member, epoch, **more):
    return dict({
        "group_id": group, "member_id": member, "member_epoch": epoch,
        "instance_id": None, "rack_id": None, "subscribed_topic_names": None,
        "server_assignor": None, "topic_partitions": None}, **more)


def _first(group, member, *topics, **more):
    return _beat(group, member, 0, **dict({
        "rebalance_timeout_ms": REBALANCE_MS, "topic_partitions": [],
        "subscribed_topic_names": list(topics)}, **more))


def _topic(pair, name, partitions):
    """Made, and known to both coordinators: Kafka's hears of it later."""
    pair.topic(name, partitions)
    for side in pair.sides:
        group, told = "probe-%s" % name, None
        while not told:
            out = side.call("ConsumerGroupHeartbeat", 0,
                            _first(group, "", name))
            told = (out["assignment"] or {}).get("topic_partitions")
            side.call("ConsumerGroupHeartbeat", 0,
                      _beat(group, out["member_id"], -1))
    return name


def consumer_heartbeat(pair):
    api = "ConsumerGroupHeartbeat"
    topic = _topic(pair, "k-a", 3)
    pair.ask(api, _first("", "own-a", topic), _beat("k-absent", "own-a", 1),
             _beat("k-absent", "own-a", -1), _beat("k-absent", "own-a", -2),
             _beat("k-absent", "own-a", 0), _beat("k-absent", "own-a", -3),
             _beat("k-absent", "", 1), _beat("k-absent", "", -1),
             note="no such group")
    for note, more in (
            ("no timeout", {"rebalance_timeout_ms": -1}),
            ("timeout 0", {"rebalance_timeout_ms": 0}),
            ("owns", {"topic_partitions": [
                {"topic_id": id_of(topic), "partitions": [0]}]}),
            ("null owns", {"topic_partitions": None}),
            ("null topics", {"subscribed_topic_names": None}),
            ("no topics", {"subscribed_topic_names": []}),
            ("twice", {"subscribed_topic_names": [topic, topic]}),
            ("absent topic", {"subscribed_topic_names": ["k-absent"]}),
            ("empty topic", {"subscribed_topic_names": [""]}),
            ("empty instance", {"instance_id": ""}),
            ("empty rack", {"rack_id": ""}),
            ("a rack", {"rack_id": "r1"}),
            ("assignor range", {"server_assignor": "range"}),
            ("assignor uniform", {"server_assignor": "uniform"}),
            ("no such assignor", {"server_assignor": "sticky"}),
            ("empty assignor", {"server_assignor": ""})):
        pair.ask(api, lambda v, more=more, note=note: _first(
            "k-%s-%d" % (note, v), "own-a", topic, **more), note=note)
    for note, regex in (("good", "k-[a-z]"), ("bad", "k-(["), ("empty", ""),
                        ("look ahead", "k-(?=a)"), ("none", "nothing.*")):
        pair.ask(api, lambda v, note=note, regex=regex: _first(
            "k-re-%s-%d" % (note, v), "own-a", subscribed_topic_names=None,
            subscribed_topic_regex=regex), low=1, note="pattern: " + note)
    pair.ask(api, lambda v: _first("k-noid-%d" % v, "", topic),
             note="no member id")
    for v in pair.versions(api):
        group = "k-whole-%d" % v
        owned = [{"topic_id": id_of(topic), "partitions": [0, 1, 2]}]
        pair.at(api, v, _first(group, "own-a", topic), "first")
        for epoch in (1, 2, 3, 0):
            pair.at(api, v, _beat(group, "own-a", epoch,
                                  topic_partitions=owned),
                    "epoch %d" % epoch)
        pair.at(api, v, _beat(group, "own-b", 1), "unknown member")
        pair.at(api, v, _beat(group, "own-a", -2), "static, which it is not")
        pair.at("ConsumerGroupDescribe", 1, {"group_ids": [group]}, "one")
        pair.at("DescribeGroups", 6, {"groups": [group]}, "as a classic one")
        pair.at("JoinGroup", 9, _join_body(group), "classic member")
        pair.at("Heartbeat", 4, {"group_id": group, "generation_id": 1,
                                 "member_id": "own-a"}, "classic heartbeat")
        pair.at("LeaveGroup", 5, {"group_id": group, "members": [
            {"member_id": "own-z", "group_instance_id": None}]},
                "classic leave")
        pair.at("DeleteGroups", 2, {"groups_names": [group]}, "not empty")
        for epoch in (1, 0, 9, -1):
            pair.at("OffsetCommit", 9, _commit_body(
                9, group, [(None, topic, 0, 3, "")],
                generation_id_or_member_epoch=epoch, member_id="own-a"),
                "epoch %d" % epoch)
            pair.at("OffsetFetch", 9, _fetch_body(
                9, group, [(None, topic, [0])], member_id="own-a",
                member_epoch=epoch), "epoch %d" % epoch)
        pair.at("OffsetCommit", 9, _commit_body(
            9, group, [(None, topic, 0, 4, "")]), "by no member")
        pair.at(api, v, _beat(group, "own-a", -1), "leave")
        pair.at(api, v, _beat(group, "own-a", -1), "leave again")
        pair.at("ConsumerGroupDescribe", 1, {"group_ids": [group]}, "empty")
        pair.at("DeleteGroups", 2, {"groups_names": [group]}, "empty")


def consumer_two(pair):
    """A second member takes from the first, step by step."""
    api, group = "ConsumerGroupHeartbeat", "k-two"
    topic = _topic(pair, "k-two-t", 2)

    def owns(*partitions):
        return [{"topic_id": id_of(topic), "partitions": list(partitions)}] \
            if partitions else []
    pair.same(api, _first(group, "own-a", topic), "a joins")
    pair.same(api, _beat(group, "own-a", 1, topic_partitions=owns(0, 1)),
              "a has all")
    pair.same(api, _first(group, "own-b", topic), "b joins")
    pair.same(api, _beat(group, "own-b", 2), "b waits")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "b waits")
    out = pair.same(api, _beat(group, "own-a", 1,
                               topic_partitions=owns(0, 1)), "a is told")
    keeps = [0]
    for row in (out[1].get("assignment") or {}).get("topic_partitions", ()):
        keeps = row["partitions"]
    pair.same(api, _beat(group, "own-a", 1, topic_partitions=owns(*keeps)),
              "a has given")
    pair.same(api, _beat(group, "own-b", 2, topic_partitions=[]), "b gets")
    pair.same(api, _beat(group, "own-b", 2, topic_partitions=owns(
        *({0, 1} - set(keeps)))), "b has")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "both have")
    pair.same(api, _beat(group, "own-a", 2, subscribed_topic_names=[]),
              "a wants nothing")
    for member in ("own-a", "own-b"):
        pair.same(api, _beat(group, member, -1), "leave")


def consumer_static(pair):
    api, group = "ConsumerGroupHeartbeat", "k-static"
    topic = _topic(pair, "k-st-t", 2)
    pair.same(api, _first(group, "own-a", topic, instance_id="i"), "joins")
    pair.same(api, _first(group, "own-b", topic, instance_id="i"),
              "not released")
    pair.same(api, _beat(group, "own-a", -2, instance_id="i"),
              "leaves for a while")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "away")
    pair.same(api, _beat(group, "own-a", 1, instance_id="i"), "away, beats")
    pair.same(api, _first(group, "own-b", topic, instance_id="i"), "back")
    pair.same(api, _beat(group, "own-a", 1, instance_id="i"), "the old one")
    pair.same(api, _beat(group, "own-b", 1, instance_id="j"), "not its own")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "back")
    pair.same(api, _beat(group, "own-b", -1, instance_id="i"), "leaves")


def migration(pair):
    """A classic group, and a member by KIP-848 that joins it; and back."""
    api, group = "ConsumerGroupHeartbeat", "mig"
    _topic(pair, "t", 1)
    _stable(pair, group, "a")
    pair.same("OffsetCommit", _commit_body(
        9, group, [(None, "t", 0, 4, "")], generation_id_or_member_epoch=1,
        member_id=_known("a")), "classic", version=9)
    pair.same(api, _first(group, "own-b", "t"), "upgrade")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "mixed")
    pair.same("Heartbeat", {"group_id": group, "generation_id": 1,
                            "member_id": _known("a")}, "the classic one")
    _leave(pair, group, "a", "the classic one")
    pair.same("ConsumerGroupDescribe", {"group_ids": [group]}, "alone")
    pair.same(api, _beat(group, "own-b", -1), "leaves")
    pair.same("OffsetFetch", _fetch_body(9, group, None), "kept", version=9)
    # An empty group is of whoever comes.
    _stable(pair, group, "c")
    pair.same("DescribeGroups", {"groups": [group]}, "classic again")
    _leave(pair, group, "c")
    # Metadata that say nothing about topics cannot be taken over.
    _join(pair, 9, "mig-odd", "d", "odd", protocols=[
        {"name": "range", "metadata": b"odd"}])
    pair.same("SyncGroup", _sync_body("mig-odd", 1, _known("d")), "odd")
    pair.same(api, _first("mig-odd", "own-b", "t"), "of odd metadata")
    _leave(pair, "mig-odd", "d")
    _join(pair, 9, "mig-connect", "e", "connect", protocol_type="connect")
    pair.same("SyncGroup", _sync_body("mig-connect", 1, _known("e"),
                                      protocol_type="connect"), "connect")
    pair.same(api, _first("mig-connect", "own-b", "t"), "of another type")
    _leave(pair, "mig-connect", "e")
