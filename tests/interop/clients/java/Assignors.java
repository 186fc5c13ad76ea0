/*
 * Assignors.java - ask Apache Kafka's assignors about groups with racks
 *
 * Prints tests/unit/client/rack_vectors.h: random groups from a fixed seed and
 * what Kafka's own assignors make of them, so that the unit tests of ours need
 * no Java.  assignors.bats looks whether the file is still what they say.
 */
import java.util.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;

final class Assignors {
	private static final int GENERATION = 3;
	private static final int CASES = 200;

	/* A member as it is told; owned is what it had. */
	private static final class Member {
		String id;
		String instance;
		String rack;
		List<String> topics;
		List<TopicPartition> owned = List.of();
	}

	private final Random random = new Random(881);
	private final List<String> racks = new ArrayList<>();
	private final Map<String, List<String>> replicas = new TreeMap<>();

	/* Some racks hold what others do not, all hold all, or none says. */
	private void makeTopics() {
		int count = 1 + random.nextInt(4);
		int copies = 1 + random.nextInt(3);
		int partitions = random.nextInt(9);
		int many = random.nextInt(8) == 0 ? 1 : 2 + random.nextInt(3);
		racks.clear();
		replicas.clear();
		for (int i = 0; i < many; i++)
			racks.add("" + (char) ('a' + i));
		for (int t = 0; t < count; t++) {
			List<String> of = new ArrayList<>();
			if (random.nextInt(2) == 0)
				partitions = random.nextInt(9); /* else as the one before */
			for (int p = 0; p < partitions; p++)
				of.add(someRacks(copies));
			replicas.put("t" + t, of);
		}
	}

	private String someRacks(int copies) {
		Set<String> some = new TreeSet<>();
		if (random.nextInt(20) == 0)
			return "-";
		for (int i = 0; i < copies; i++)
			some.add(racks.get(random.nextInt(racks.size())));
		return String.join("", some);
	}

	private Cluster cluster() {
		Map<String, Node> nodes = new TreeMap<>();
		List<PartitionInfo> all = new ArrayList<>();
		for (char c = 'a'; c < 'a' + 4; c++)
			nodes.put("" + c, new Node(c, "h", 1, "" + c));
		nodes.put("-", new Node(1, "h", 1));
		replicas.forEach((topic, partitions) -> {
			for (int p = 0; p < partitions.size(); p++) {
				Node[] at = partitions.get(p).chars()
					.mapToObj(c -> nodes.get("" + (char) c))
					.toArray(Node[]::new);
				all.add(new PartitionInfo(topic, p, at[0], at, at));
			}
		});
		return new Cluster("c", nodes.values(), all, Set.of(), Set.of());
	}

	private List<Member> makeMembers() {
		List<Member> members = new ArrayList<>();
		boolean alike = random.nextInt(2) == 0;
		int count = 1 + random.nextInt(6);
		for (int i = 0; i < count; i++) {
			Member m = new Member();
			m.id = "m" + i;
			if (random.nextInt(5) == 0)
				m.instance = "i" + random.nextInt(1000);
			m.topics = replicas.keySet().stream()
				.filter(t -> alike || random.nextInt(3) > 0)
				.collect(Collectors.toList());
			/* With a member that wants nothing the sticky one goes
			 * astray: it gives it something. */
			if (m.topics.isEmpty())
				m.topics = List.of("t0");
			setRack(m);
			members.add(m);
		}
		return members;
	}

	private void setRack(Member m) {
		int which = random.nextInt(racks.size() * 5 + 2);
		m.rack = which < racks.size() * 5 ? racks.get(which % racks.size())
			   : which % 2 == 0 ? null : "z";
	}

	/* What they had: shared out by Kafka before some came, went or moved. */
	private void makePast(List<Member> members) {
		Map<String, Assignment> past = assign(new StickyAssignor(), members);
		for (Member m : members) {
			if (random.nextInt(4) > 0)
				m.owned = past.get(m.id).partitions();
			if (random.nextInt(4) == 0)
				setRack(m);
		}
	}

	private Map<String, Assignment> assign(ConsumerPartitionAssignor assignor,
										   List<Member> members) {
		Map<String, Subscription> all = new HashMap<>();
		for (Member m : members) {
			StickyAssignor before = new StickyAssignor();
			if (!m.owned.isEmpty())
				before.onAssignment(new Assignment(m.owned),
					new ConsumerGroupMetadata("g", GENERATION, m.id,
											  Optional.empty()));
			Subscription s = new Subscription(m.topics,
				before.subscriptionUserData(Set.copyOf(m.topics)), List.of(),
				GENERATION, Optional.ofNullable(m.rack));
			s.setGroupInstanceId(Optional.ofNullable(m.instance));
			all.put(m.id, s);
		}
		return assignor.assign(cluster(), new GroupSubscription(all))
			.groupAssignment();
	}

	private static String or(String text) {
		return text == null || text.isEmpty() ? "-" : text;
	}

	private static String list(List<TopicPartition> partitions) {
		return or(partitions.stream()
			.sorted(Comparator.comparing(TopicPartition::topic)
						.thenComparing(TopicPartition::partition))
			.map(p -> p.topic() + ":" + p.partition())
			.collect(Collectors.joining(",")));
	}

	private void print(ConsumerPartitionAssignor assignor, boolean sticks) {
		List<Member> members;
		StringBuilder line = new StringBuilder();
		makeTopics();
		members = makeMembers();
		if (sticks)
			makePast(members);
		replicas.forEach((topic, of) -> line.append(topic).append('=')
			.append(String.join(",", of)).append(' '));
		assign(assignor, members).entrySet().stream()
			.sorted(Map.Entry.comparingByKey()).forEach(e -> {
				Member m = members.get(Integer.parseInt(
					e.getKey().substring(1)));
				line.append(String.join(" ", "|", m.id, or(m.instance),
					or(m.rack), or(String.join(",", m.topics)),
					list(m.owned), list(e.getValue().partitions()), ""));
			});
		System.out.println("\t\"" + line + "\",");
	}

	private void array(String name, ConsumerPartitionAssignor assignor,
					   boolean sticks) {
		System.out.println("static const char *const " + name + "[] = {");
		for (int i = 0; i < CASES; i++)
			print(assignor, sticks);
		System.out.println("};\n");
	}

	public static void main(String[] args) {
		Assignors a = new Assignors();
		System.out.print("/*\n"
			+ " * rack_vectors.h - what Kafka's assignors make of groups with"
			+ " racks\n *\n"
			+ " * Written by tests/interop/clients/java/Assignors.java:"
			+ " \"topic=racks of each\n"
			+ " * partition's replicas ... | member instance rack topics owned"
			+ " assigned | ...\",\n"
			+ " * a rack being one letter, \"-\" none.  owned is what was told"
			+ " of generation 3.\n */\n"
			+ "#ifndef RACK_VECTORS_H\n#define RACK_VECTORS_H\n\n"
			+ "/* clang-format off */\n");
		a.array("range_rack_vectors", new RangeAssignor(), false);
		a.array("roundrobin_rack_vectors", new RoundRobinAssignor(), false);
		a.array("sticky_rack_vectors", new StickyAssignor(), true);
		System.out.print("/* clang-format on */\n\n"
			+ "#endif /* RACK_VECTORS_H */\n");
	}
}
