"""Who is there: ApiVersions, Metadata, DescribeCluster, FindCoordinator,
DescribeTopicPartitions."""
from pair import id_of

ABSENT = b"\7" * 16
BAD_NAMES = ("", ".", "..", "bad!", "with space", "a" * 249, "a" * 250, "é",
             "__consumer_offsets", "__cluster_metadata")


def api_versions(pair):
    pair.ask("ApiVersions", {"client_software_name": "differential",
                             "client_software_version": "1.0"})
    for name, version in (("", "1"), ("a", ""), ("bad name", "1"), ("-a", "1"),
                          ("a", "1 0"), ("a.b-c", "1.2-3"), ("ä", "1")):
        pair.ask("ApiVersions", {"client_software_name": name,
                                 "client_software_version": version},
                 low=3, note="client %r %r" % (name, version))


def metadata(pair):
    pair.topic("meta-a", 3)
    pair.topic("meta-b")
    pair.ask("Metadata", lambda v: {"topics": None if v else []}, note="all")
    pair.ask("Metadata", {"topics": []}, low=1, note="none")
    for auto in (False, True):
        pair.ask("Metadata", {
            "topics": [{"name": "meta-a"}, {"name": "meta-absent"}],
            "allow_auto_topic_creation": auto,
            "include_cluster_authorized_operations": True,
            "include_topic_authorized_operations": True}, note="by name")
    pair.ask("Metadata", {"topics": [{"name": "meta-a"}, {"name": "meta-a"}]},
             note="twice")
    for name in BAD_NAMES:
        pair.ask("Metadata", {"topics": [{"name": name}],
                              "allow_auto_topic_creation": False},
                 note="name %r" % name[:30])


def metadata_by_id(pair):
    pair.topic("meta-id", 2)
    pair.ask("Metadata",
             {"topics": [{"name": None, "topic_id": id_of("meta-id")}]},
             {"topics": [{"name": None, "topic_id": ABSENT}]},
             {"topics": [{"name": None, "topic_id": bytes(16)}]},
             {"topics": [{"name": "meta-id", "topic_id": id_of("meta-id")}]},
             {"topics": [{"name": "meta-id", "topic_id": ABSENT}]},
             {"topics": [{"name": None, "topic_id": id_of("meta-id")},
                         {"name": "meta-id", "topic_id": bytes(16)}]},
             low=10, note="by id")


def metadata_auto_create(pair):
    """Both brokers run with auto.create.topics.enable=false."""
    pair.ask("Metadata", {"topics": [{"name": "meta-auto"}],
                          "allow_auto_topic_creation": True}, note="auto")


def describe_cluster(pair):
    for kind in (1, 2, 0, 3, -1):
        pair.ask("DescribeCluster",
                 {"endpoint_type": kind, "include_fenced_brokers": True,
                  "include_cluster_authorized_operations": True},
                 {"endpoint_type": kind}, note="endpoint %d" % kind)


def find_coordinator_bad(pair):
    """What kind of key, and keys that can not be; groups come later."""
    pair.ask("FindCoordinator", {"key": ""}, high=0, note="no key")
    for kind in (3, -1, 7):
        pair.ask("FindCoordinator",
                 {"key": "g", "key_type": kind, "coordinator_keys": ["g"]},
                 low=1, note="kind %d" % kind)
    pair.ask("FindCoordinator", {"key": "", "key_type": 0,
                                 "coordinator_keys": []}, low=4, note="none")
    for key in ("", "g:x:0", "g", "g:AAAAAAAAAAAAAAAAAAAAAQ:-1"):
        pair.ask("FindCoordinator", {"key_type": 2, "coordinator_keys": [key]},
                 low=6, note="share key %r" % key)


def describe_topic_partitions(pair):
    pair.topic("dtp-a", 3)
    pair.topic("dtp-b", 2)
    api = "DescribeTopicPartitions"
    one, two = {"name": "dtp-a"}, {"name": "dtp-b"}
    pair.ask(api, {"topics": [one, two]}, {"topics": [two, one, one]},
             {"topics": [one, {"name": "dtp-absent"}]},
             {"topics": [{"name": ""}]}, {"topics": [{"name": "bad!"}]},
             note="names")
    for limit in (1, 2, 3, 4, 5, 0, -1, 100000):
        pair.ask(api, {"topics": [one, two], "response_partition_limit": limit},
                 note="limit %d" % limit)
    for topic, index in (("dtp-a", 0), ("dtp-a", 2), ("dtp-a", 3),
                         ("dtp-a", -1), ("dtp-b", 1), ("dtp-aa", 0),
                         ("zzz", 0), ("dtp-absent", 0)):
        pair.ask(api, {"topics": [one, two], "cursor": {
            "topic_name": topic, "partition_index": index}},
                 note="cursor %s %d" % (topic, index))
    pair.ask(api, {"topics": [], "response_partition_limit": 2,
                   "cursor": {"topic_name": "dtp-a", "partition_index": 1}},
             note="all from a cursor")
