import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Members of groups, and what the admin knows of groups. */
class Groups {
	private static final Duration POLL = Duration.ofMillis(50);
	private static final Map<String, String> ASSIGNORS = Map.of("range", "RangeAssignor", "roundrobin",
		"RoundRobinAssignor", "sticky", "StickyAssignor", "cooperative-sticky", "CooperativeStickyAssignor");
	/* A commit while the group rebalances is refused, and that is no error. */
	private static final Set<Errors> MOVING = Set.of(Errors.ILLEGAL_GENERATION, Errors.UNKNOWN_MEMBER_ID,
		Errors.REBALANCE_IN_PROGRESS, Errors.STALE_MEMBER_EPOCH);

	private static class Member implements ConsumerRebalanceListener {
		final KafkaConsumer<byte[], byte[]> consumer;
		final Set<TopicPartition> owned = new HashSet<>();
		/* Their commit was refused while the group moved: told again with what is committed next. */
		final List<ConsumerRecord<byte[], byte[]>> pending = new ArrayList<>();
		int joined;
		Short failed;

		Member(Map<String, Object> config) {
			consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
		}

		@Override
		public void onPartitionsAssigned(Collection<TopicPartition> got) {
			joined++;
			owned.addAll(got);
		}

		@Override
		public void onPartitionsRevoked(Collection<TopicPartition> gone) {
			owned.removeAll(gone);
			pending.removeIf(r -> gone.contains(new TopicPartition(r.topic(), r.partition())));
		}

		void poll(ObjectNode a) {
			ObjectNode batch = a.putArray("batches").addObject();
			ArrayNode rows = batch.putArray("records");
			Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
			try {
				consumer.poll(POLL).forEach(pending::add);
			} catch (KafkaException e) {
				failed = Errors.forException(e).code();
			}
			for (ConsumerRecord<byte[], byte[]> r : pending) {
				rows.addArray().add(r.topic()).add(r.partition()).add(r.offset());
				ends.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
			}
			boolean committed = commit(ends);
			batch.put("committed", committed);
			if (committed)
				pending.clear();
			a.put("joined", joined).put("error", failed);
			tell(a.putArray("owned"));
		}

		void tell(ArrayNode out) {
			owned.forEach(p -> out.addArray().add(p.topic()).add(p.partition()));
		}

		private boolean commit(Map<TopicPartition, OffsetAndMetadata> ends) {
			if (ends.isEmpty())
				return true;
			try {
				consumer.commitSync(ends);
				return true;
			} catch (org.apache.kafka.clients.consumer.CommitFailedException e) {
				return false;
			} catch (KafkaException e) {
				Errors error = Errors.forException(e);
				if (!MOVING.contains(error))
					failed = error.code();
				return false;
			}
		}
	}

	private final Admin admin;
	private final Map<String, Object> base;
	private final Map<String, Member> members = new HashMap<>();

	Groups(Admin admin, Map<String, Object> base) {
		this.admin = admin;
		this.base = base;
	}

	private static String group(JsonNode q) {
		return q.get("group").asText();
	}

	private Member member(JsonNode q) {
		return members.get(q.get("member").asText());
	}

	private static TopicPartition partition(JsonNode row) {
		return new TopicPartition(row.get(0).asText(), row.get(1).asInt());
	}

	private void join(JsonNode q, ObjectNode a) {
		boolean classic = q.get("protocol").asText().equals("classic");
		Map<String, Object> more = new HashMap<>(base);
		more.put("group.id", group(q));
		more.put("group.protocol", q.get("protocol").asText());
		more.put("enable.auto.commit", false);
		more.put("auto.offset.reset", "earliest");
		more.put("metadata.max.age.ms", 300);
		more.put("fetch.max.wait.ms", 20);
		if (classic) {
			more.put("session.timeout.ms", q.get("session_ms").isNull() ? 30000 : q.get("session_ms").asInt());
			more.put("heartbeat.interval.ms", 100);
		}
		if (!q.get("instance").isNull())
			more.put("group.instance.id", q.get("instance").asText());
		if (!q.get("assignor").isNull() && classic)
			more.put("partition.assignment.strategy",
				"org.apache.kafka.clients.consumer." + ASSIGNORS.get(q.get("assignor").asText()));
		else if (!q.get("assignor").isNull())
			more.put("group.remote.assignor", q.get("assignor").asText());
		Member made = new Member(more);
		members.put(q.get("member").asText(), made);
		Set<String> topics = new HashSet<>();
		q.get("topics").forEach(t -> topics.add(t.asText()));
		if (q.get("pattern").isNull())
			made.consumer.subscribe(topics, made);
		else if (classic)
			made.consumer.subscribe(Pattern.compile(q.get("pattern").asText()), made);
		else
			made.consumer.subscribe(new SubscriptionPattern(q.get("pattern").asText()), made);
	}

	private void poll(JsonNode q, ObjectNode a) {
		ObjectNode out = a.putObject("members");
		q.get("members").forEach(m -> members.get(m.asText()).poll(out.putObject(m.asText())));
	}

	private void owned(JsonNode q, ObjectNode a) {
		ObjectNode out = a.putObject("members");
		q.get("members").forEach(m -> members.get(m.asText()).tell(out.putArray(m.asText())));
	}

	private void leave(JsonNode q, ObjectNode a) {
		Member gone = member(q);
		members.remove(q.get("member").asText());
		gone.consumer.close(CloseOptions.timeout(Duration.ofSeconds(60)));
	}

	private void seek(JsonNode q, ObjectNode a) {
		member(q).consumer.seek(new TopicPartition(q.get("topic").asText(), q.get("partition").asInt()),
			q.get("offset").asLong());
	}

	private void assignors(JsonNode q, ObjectNode a) {
		ArrayNode out = a.putArray("assignors");
		if (q.get("protocol").asText().equals("classic"))
			ASSIGNORS.keySet().forEach(out::add);
		else
			out.add("uniform").add("range");
	}

	private void groups(JsonNode q, ObjectNode a) throws Exception {
		ArrayNode out = a.putArray("groups");
		for (GroupListing g : admin.listGroups().all().get())
			out.add(g.groupId());
	}

	private void describe(JsonNode q, ObjectNode a) throws Exception {
		ConsumerGroupDescription found = admin.describeConsumerGroups(List.of(group(q))).all().get().get(group(q));
		a.put("state", found.groupState().toString().toLowerCase());
		ArrayNode out = a.putArray("members");
		found.members().forEach(m -> {
			ArrayNode rows = out.addObject().putArray("partitions");
			m.assignment().topicPartitions()
				.forEach(p -> rows.addArray().add(p.topic()).add(p.partition()));
		});
	}

	private void offsets(JsonNode q, ObjectNode a) throws Exception {
		ArrayNode out = a.putArray("offsets");
		admin.listConsumerGroupOffsets(group(q)).partitionsToOffsetAndMetadata().get()
			.forEach((p, o) -> out.addArray().add(p.topic()).add(p.partition()).add(o.offset()));
	}

	private void alterOffsets(JsonNode q, ObjectNode a) throws Exception {
		Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
		q.get("offsets").forEach(o -> offsets.put(partition(o), new OffsetAndMetadata(o.get(2).asLong())));
		admin.alterConsumerGroupOffsets(group(q), offsets).all().get();
	}

	private void deleteOffsets(JsonNode q, ObjectNode a) throws Exception {
		Set<TopicPartition> gone = new HashSet<>();
		q.get("places").forEach(p -> gone.add(partition(p)));
		admin.deleteConsumerGroupOffsets(group(q), gone).all().get();
	}

	private void delete(JsonNode q, ObjectNode a) throws Exception {
		admin.deleteConsumerGroups(List.of(group(q))).all().get();
	}

	void addCalls(Map<String, Driver.Call> out) {
		out.put("join", this::join);
		out.put("poll", this::poll);
		out.put("owned", this::owned);
		out.put("leave", this::leave);
		out.put("seek", this::seek);
		out.put("assignors", this::assignors);
		out.put("groups", this::groups);
		out.put("group", this::describe);
		out.put("group_offsets", this::offsets);
		out.put("alter_offsets", this::alterOffsets);
		out.put("delete_offsets", this::deleteOffsets);
		out.put("delete_group", this::delete);
	}
}
